"""What vmlift writes, read by libvmdk: a second opinion beside qemu-img's."""

import ctypes
import ctypes.util
import os
import random

import pytest

vmlift = pytest.importorskip("vmlift")

KIB, MIB = 1 << 10, 1 << 20
SUBFORMATS = ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat",
              "streamOptimized", "vmfs"]
CASES = 12  # of each


class Libvmdk:
    """The few calls of libvmdk that read a disk."""

    OPEN_READ = 1

    def __init__(self, path):
        self.library = ctypes.CDLL(path)

    def call(self, name, *arguments):
        error = ctypes.c_void_p()
        function = getattr(self.library, "libvmdk_" + name)
        function.restype = ctypes.c_ssize_t if "buffer" in name else ctypes.c_int
        result = function(*arguments, ctypes.byref(error))
        if result == -1:
            text = ctypes.create_string_buffer(4096)
            self.library.libvmdk_error_sprint(error, text, ctypes.c_size_t(len(text)))
            self.library.libvmdk_error_free(ctypes.byref(error))
            raise OSError(f"{name}: {text.value.decode(errors='replace')}")
        return result

    def read(self, path):
        """All bytes of a disk."""
        handle = ctypes.c_void_p()
        self.call("handle_initialize", ctypes.byref(handle))
        try:
            self.call("handle_open", handle, os.fsencode(path), self.OPEN_READ)
            self.call("handle_open_extent_data_files", handle)
            size = ctypes.c_uint64()
            self.call("handle_get_media_size", handle, ctypes.byref(size))
            content = bytearray()
            buffer = ctypes.create_string_buffer(MIB)
            while len(content) < size.value:
                wanted = min(len(buffer), size.value - len(content))
                got = self.call("handle_read_buffer_at_offset", handle, buffer,
                                ctypes.c_size_t(wanted), ctypes.c_int64(len(content)))
                assert got > 0
                content += buffer.raw[:got]
            self.call("handle_close", handle)
            return bytes(content)
        finally:
            self.library.libvmdk_handle_free(ctypes.byref(handle), None)


@pytest.fixture(scope="module")
def libvmdk():
    path = ctypes.util.find_library("vmdk")
    if path is None:
        pytest.skip("libvmdk is absent (Debian: libvmdk1)")
    return Libvmdk(path)


def guest_disk(rng):
    """Data that compresses and data that does not, zeros and holes, in whole sectors."""
    content = bytearray(rng.choice([rng.randrange(1, 200), rng.randrange(1, 12000)]) * 512)
    for _ in range(6):
        length = min(len(content), rng.randrange(1, 300 * KIB))
        at = rng.randrange(len(content) - length + 1)
        content[at:at + length] = rng.choice([rng.randbytes(length),
                                              (b"text " * (length // 5 + 1))[:length]])
    return bytes(content)


@pytest.mark.parametrize("subformat", SUBFORMATS)
def test_libvmdk_reads_the_same_bytes(libvmdk, tmp_path, subformat):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for number in range(CASES):
        content = guest_disk(rng)
        source = tmp_path / "source.raw"
        source.write_bytes(content)
        # In a folder of its own: its extents are named after it.
        target = tmp_path / f"{number}" / "disk.vmdk"
        target.parent.mkdir()
        vmlift.convert(source, target, "vmdk", source_format="raw",
                       options={"subformat": subformat})
        assert libvmdk.read(target) == content, f"case {number}, {len(content)} bytes"
