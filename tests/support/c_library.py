"""The C library of this build, called from Python."""

import ctypes
from pathlib import Path

import pytest

import vmlift


def vmlift_library():
    """libvmlift.so of this build, which lies two folders above the module."""
    path = Path(vmlift._core.__file__).resolve().parents[2] / "capi" / "libvmlift.so"
    if not path.exists():
        pytest.skip("libvmlift.so was not built")
    library = ctypes.CDLL(str(path))
    library.vmlift_open_options_new.restype = ctypes.c_void_p
    for function in (library.vmlift_snapshots_name, library.vmlift_snapshots_id,
                     library.vmlift_bitmaps_name):
        function.restype = ctypes.c_char_p
    library.vmlift_map_extent.restype = ctypes.c_bool
    for function in (library.vmlift_snapshots_size, library.vmlift_snapshots_created):
        function.restype = ctypes.c_int64
    return library


class Extent(ctypes.Structure):
    """vmlift_extent"""

    _fields_ = [("offset", ctypes.c_uint64), ("length", ctypes.c_uint64),
                ("host_offset", ctypes.c_uint64), ("depth", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


def ranges_of(library, ranges):
    """Offset and length of each extent of a map of the C library, which is freed."""
    found, extent = [], Extent()
    while library.vmlift_map_extent(ranges, ctypes.c_size_t(len(found)), ctypes.byref(extent)):
        found.append((extent.offset, extent.length))
    library.vmlift_map_free(ranges)
    return found
