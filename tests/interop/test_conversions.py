"""What vmlift writes, judged by qemu-img: sound, and the same bytes."""

import hashlib
import json
import os
import random
import shutil
import subprocess

import pytest

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40
CONTENT_SHA1 = "dd2fade471d68658b2ebbff7474f5d0a99da8989"

TARGETS = {
    "raw": ("raw",),
    "qcow2": ("qcow2",),
    "qcow2 compressed": ("qcow2", "-c"),
    "qcow2 zstd": ("qcow2", "-c", "-o", "compression_type=zstd"),
    "qcow2 4K clusters": ("qcow2", "-o", "cluster_size=4096"),
}


@pytest.fixture(scope="module")
def qemu_img():
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is absent (Debian: qemu-utils)")

    def run(*arguments):
        return subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True,
                              timeout=300)
    return run


def judge(qemu_img, source, source_format, target, target_format):
    """Sound, and identical to the source in qemu-img's eyes."""
    if target_format == "qcow2":
        check = qemu_img("check", "-f", "qcow2", target)
        assert check.returncode == 0, check.stdout + check.stderr
    compare = qemu_img("compare", "-f", source_format, "-F", target_format, source, target)
    assert compare.returncode == 0, compare.stdout + compare.stderr


def sha1(path):
    return hashlib.sha1(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("sample", ["streamOptimized.vmdk", "monolithicSparse.vmdk"])
def test_disks_made_by_vmware_keep_their_content(vmlift_command, qemu_img, shared_data, tmp_path,
                                                 sample, kind):
    source = shared_data / "vmware" / sample
    before = sha1(source)
    target_format, *options = TARGETS[kind]
    target = tmp_path / f"target.{target_format}"
    outcome = vmlift_command("convert", "-O", target_format, *options, "--verify", source, target)
    assert outcome.status == 0, outcome.err
    judge(qemu_img, source, "vmdk", target, target_format)

    content = target
    if target_format != "raw":
        content = tmp_path / "content.raw"
        assert qemu_img("convert", "-O", "raw", target, content).returncode == 0
    assert sha1(content) == CONTENT_SHA1
    digest = vmlift_command("digest", "-f", target_format, target).out.split()[0]
    assert digest == hashlib.sha256(content.read_bytes()).hexdigest()
    assert vmlift_command("compare", source, target, "-F", target_format).status == 0
    assert sha1(source) == before


SIZES = [0, 1, 512, 1000, 64 * KIB, 64 * KIB + 1, 3 * MIB - 512, 10 * MIB + 12345, 3 * TIB,
         3 * TIB + 512]


# 3 TiB in clusters of 4 KiB would need a larger table than QEMU reads.
@pytest.mark.parametrize("size, kind", [
    (size, kind) for size in SIZES for kind in TARGETS
    if size < TIB or kind != "qcow2 4K clusters"])
def test_disks_of_every_size(vmlift_command, qemu_img, tmp_path, size, kind):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    source = tmp_path / "source.raw"
    make_disk(source, size, random.Random(seed))
    target_format, *options = TARGETS[kind]
    target = tmp_path / f"target.{target_format}"
    outcome = vmlift_command("convert", "-f", "raw", "-O", target_format, *options, source, target)
    assert outcome.status == 0, outcome.err
    info = vmlift_command("info", "-f", target_format, "--json", target).json()
    if target_format == "raw":
        assert info["virtual-size"] == size
    judge(qemu_img, source, "raw", target, target_format)
    assert vmlift_command("compare", "-f", "raw", "-F", target_format, source, target).status == 0


def make_disk(path, size, rng):
    """Data that compresses and data that does not, zeros written out, and holes."""
    with open(path, "wb") as file:
        file.truncate(size)
        for _ in range(12):
            length = min(size, rng.randrange(1, 200 * KIB))
            if length == 0:
                return
            file.seek(rng.randrange(size - length + 1))
            file.write(rng.choice([rng.randbytes(length), b"text " * (length // 5), bytes(length)]))
        file.seek(size - 1)
        file.write(b"\x55")  # the very last byte counts


def test_info_and_map_agree_with_qemu_img(vmlift_command, qemu_img, tmp_path):
    image = tmp_path / "image.qcow2"
    assert qemu_img("create", "-q", "-f", "qcow2", image, "64M").returncode == 0
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 1 1M 3M", "-c", "write -z 8M 1M",
                    image], check=True, capture_output=True)
    theirs = json.loads(qemu_img("info", "--output=json", image).stdout)
    ours = vmlift_command("info", "--json", image).json()
    for key in ("virtual-size", "filename", "format", "cluster-size", "actual-size",
                "dirty-flag", "format-specific"):
        assert ours[key] == theirs[key], key
    theirs = json.loads(qemu_img("map", "--output=json", image).stdout)
    ours = vmlift_command("map", "--json", image).json()
    keys = ("start", "length", "depth", "zero", "data", "offset")
    assert ([{key: extent.get(key) for key in keys} for extent in ours]
            == [{key: extent.get(key) for key in keys} for extent in theirs])


def test_a_full_target_is_no_space_and_leaves_nothing(vmlift_command, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", full],
                      capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs is not allowed here")
    try:
        source = tmp_path / "source.raw"
        source.write_bytes(os.urandom(4 * MIB))
        for target_format in ("raw", "qcow2", "vmdk"):
            outcome = vmlift_command("convert", "-f", "raw", "-O", target_format, source,
                                     full / "target")
            assert outcome.status == 2
            assert outcome.err.startswith("vmlift: error[NoSpace]: "), outcome.err
            assert list(full.iterdir()) == []
    finally:
        subprocess.run(["umount", full], check=True)
