"""`vmlift map` and `qemu-img map` say the same of every kind of disk that both know."""

import json
import random
import shutil
import subprocess

import pytest

import vmlift

pytestmark = pytest.mark.skipif(not shutil.which("qemu-img"), reason="qemu-img is absent")

SIZE = 6 << 20

# Every kind of the table that lives in a file, as options of its format.
KINDS = [("raw", {})]
KINDS += [("vmdk", {"subformat": kind.name}) for format in vmlift.formats()
          if format.name == "vmdk" for kind in format.subformats if kind.create]
KINDS += [("qcow2", options) for options in (
    {"compat": "0.10"}, {"compat": "1.1"}, {"cluster_size": "4096"}, {"extended_l2": "on"})]
# Not preallocated images: vmlift looks into the file and tells their holes, QEMU does not.
NOT_BY_QEMU = {"vmfs"}  # which it reads and does not create


@pytest.fixture
def source(tmp_path):
    """Data, written zeros and holes in random places, aligned to sectors."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    path = tmp_path / "source.raw"
    with open(path, "wb") as file:
        file.truncate(SIZE)
        for _ in range(10):
            file.seek(draw.randrange(SIZE // 512 - 600) * 512)
            length = draw.randrange(1, 600) * 512
            file.write(bytes(length) if draw.random() < 0.2 else draw.randbytes(length))
    return path


def runs(extents):
    """[(start, end, reads as zeros, depth, place in the file)], neighbours of one kind merged."""
    merged = []
    for extent in extents:
        start, end = extent["start"], extent["start"] + extent["length"]
        zero, depth = extent["zero"], extent["depth"]
        place = None if zero else extent.get("offset")
        if merged:
            before, last_end, last_zero, last_depth, last_place = merged[-1]
            goes_on = place if last_place is None or place is None else place - (start - before)
            if (zero, depth, goes_on) == (last_zero, last_depth, last_place):
                merged[-1] = (before, end, zero, depth, last_place)
                continue
        merged.append((start, end, zero, depth, place))
    return merged


def both_maps(vmlift_command, path, format_name, *policy):
    ours = vmlift_command("map", "-f", format_name, "--json", *policy, path).json()
    theirs = subprocess.run(["qemu-img", "map", "-f", format_name, "--output=json", path],
                            capture_output=True, text=True, check=True).stdout
    return runs(ours), runs(json.loads(theirs))


def described(value):
    return " ".join(value.values()) if isinstance(value, dict) else value


@pytest.mark.parametrize("format_name, options", KINDS, ids=described)
@pytest.mark.parametrize("maker", ["vmlift", "qemu-img"])
def test_maps_agree(vmlift_command, tmp_path, source, format_name, options, maker):
    disk = tmp_path / "disk"
    if maker == "vmlift":
        vmlift.convert(source, disk, format_name, source_format="raw", options=options)
    elif NOT_BY_QEMU & set(options.values()):
        pytest.skip("QEMU does not create this kind")
    else:
        text = ",".join(f"{key}={value}" for key, value in options.items())
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", format_name,
                        *(["-o", text] if text else []), source, disk], check=True)
    ours, theirs = both_maps(vmlift_command, disk, format_name)
    assert ours == theirs


@pytest.mark.parametrize("format_name", ["qcow2", "vmdk"])
def test_maps_of_chains_agree(vmlift_command, tmp_path, source, format_name):
    base, delta = tmp_path / "base", tmp_path / "delta"
    vmlift.convert(source, base, format_name, source_format="raw")
    subprocess.run(["qemu-img", "create", "-q", "-f", format_name, "-F", format_name, "-b", base.name,
                    delta], check=True)
    subprocess.run(["qemu-io", "-f", format_name, "-c", "write -P 7 1M 300k", "-c",
                    "write -P 8 5M 64k", delta], check=True, capture_output=True)
    ours, theirs = both_maps(vmlift_command, delta, format_name, "--references", "same-directory")
    assert ours == theirs
