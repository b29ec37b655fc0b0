"""Every format converts to and from NBD and RBD, judged by other tools."""

import gzip
import os
import random

import pytest

import vmlift
from programs import run

FORMATS = {
    "raw": ("raw", ()),
    "qcow2": ("qcow2", ()),
    "qcow2, v2": ("qcow2", ("-o", "compat=0.10")),
    "qcow2, deflate": ("qcow2", ("-c",)),
    "qcow2, zstd": ("qcow2", ("-c", "-o", "compression_type=zstd")),
    "vmdk, monolithicSparse": ("vmdk", ("-o", "subformat=monolithicSparse")),
    "vmdk, monolithicFlat": ("vmdk", ("-o", "subformat=monolithicFlat")),
    "vmdk, twoGbMaxExtentSparse": ("vmdk", ("-o", "subformat=twoGbMaxExtentSparse")),
    "vmdk, twoGbMaxExtentFlat": ("vmdk", ("-o", "subformat=twoGbMaxExtentFlat")),
    "vmdk, streamOptimized": ("vmdk", ("-o", "subformat=streamOptimized")),
    "vmdk, vmfs": ("vmdk", ("-o", "subformat=vmfs")),
}


def test_the_formats_are_those_of_the_table():
    made = {kind.name for entry in vmlift.formats() if not entry.schemes
            for kind in entry.subformats if kind.create}
    tried = {options[-1].partition("subformat=")[2] if options else name
             for name, options in FORMATS.values()}
    kinds_of_qcow2 = {"v2": "qcow2, v2", "v3": "qcow2"}
    assert {"raw", *kinds_of_qcow2} | tried - {"qcow2", ""} == made
    assert FORMATS.keys() > set(kinds_of_qcow2.values())


# What is read only: a descriptor of another kind over the same plain extent.
READ_ONLY = ("vmfsThin", "vmfsPreallocated", "vmfsEagerZeroedThick", "custom")


def made_by_us(vmlift_command, source, source_format, target, name, *more):
    format_name, options = FORMATS[name]
    outcome = vmlift_command("convert", "-f", source_format, "-O", format_name, *options, *more,
                             source, target)
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize("name", FORMATS)
def test_formats_to_and_from_nbd(vmlift_command, guest, nbd, tmp_path, name):
    format_name, _ = FORMATS[name]
    local = tmp_path / "local"
    made_by_us(vmlift_command, guest, "raw", local, name)
    there = vmlift_command("convert", "-f", format_name, "-O", "raw", "--overwrite", "--verify",
                           local, nbd.uri)
    assert there.status == 0, there.err
    run("nbdcopy", nbd.uri, tmp_path / "oracle")
    assert (tmp_path / "oracle").read_bytes() == guest.read_bytes()
    back = tmp_path / "back"
    made_by_us(vmlift_command, nbd.uri, "raw", back, name, "--verify")
    run("qemu-img", "compare", "-f", "raw", "-F", format_name, guest, back)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_to_and_from_rbd(vmlift_command, guest, cluster, tmp_path, name):
    format_name, _ = FORMATS[name]
    image = f"rbd/image-{random.getrandbits(32):x}"
    local = tmp_path / "local"
    made_by_us(vmlift_command, guest, "raw", local, name)
    there = vmlift_command("convert", "-f", format_name, "-O", "raw", "--verify", local,
                           f"rbd:{image}")
    assert there.status == 0, there.err
    cluster.run("rbd", "export", "--no-progress", image, tmp_path / "oracle")
    assert (tmp_path / "oracle").read_bytes() == guest.read_bytes()
    back = tmp_path / "back"
    made_by_us(vmlift_command, f"rbd:{image}", "raw", back, name, "--verify")
    run("qemu-img", "compare", "-f", "raw", "-F", format_name, guest, back)


@pytest.mark.parametrize("kind", READ_ONLY)
def test_what_is_only_read_goes_to_both(vmlift_command, guest, nbd, cluster, tmp_path, kind):
    local = tmp_path / "local.vmdk"
    made_by_us(vmlift_command, guest, "raw", local, "vmdk, vmfs")
    text = local.read_text()
    assert 'createType="vmfs"' in text
    local.write_text(text.replace('createType="vmfs"', f'createType="{kind}"'))
    for target in (nbd.uri, f"rbd:rbd/{kind}"):
        outcome = vmlift_command("convert", "-f", "vmdk", "-O", "raw", "--overwrite", local, target)
        assert outcome.status == 0, outcome.err
        assert vmlift_command("compare", "-f", "raw", guest, target).status == 0


def test_a_disk_in_gzip_goes_to_both(vmlift_command, guest, nbd, cluster, tmp_path):
    packed = tmp_path / "guest.raw.gz"
    packed.write_bytes(gzip.compress(guest.read_bytes(), 1))
    for target in (nbd.uri, "rbd:rbd/unpacked"):
        outcome = vmlift_command("convert", "-f", "raw", "-O", "raw", "--overwrite", packed, target)
        assert outcome.status == 0, outcome.err
        assert vmlift_command("compare", "-f", "raw", guest, target).status == 0


def test_from_nbd_straight_to_rbd(vmlift_command, guest, nbd, cluster):
    run("nbdcopy", guest, nbd.uri)
    outcome = vmlift_command("convert", "-O", "rbd", "--verify", nbd.uri, "rbd:rbd/straight")
    assert outcome.status == 0, outcome.err
    same = vmlift_command("compare", nbd.uri, "rbd:rbd/straight")
    assert (same.status, same.out) == (0, "The disks are identical.\n")


def test_existing_targets_are_kept(vmlift_command, guest, nbd, cluster):
    cluster.run("rbd", "create", "--size", "4M", "rbd/kept")
    for target in (nbd.uri, "rbd:rbd/kept"):
        outcome = vmlift_command("convert", "-f", "raw", "-O", "raw", guest, target)
        assert outcome.status == 2 and "error[Exists]" in outcome.err


def test_the_clusters_options_are_the_callers(vmlift_command, guest, cluster, tmp_path, monkeypatch):
    configuration = os.environ["CEPH_CONF"]
    monkeypatch.delenv("CEPH_CONF")
    target = "rbd:rbd/by-options"
    for conf, code in ((configuration, None), (tmp_path / "none", "NotFound")):
        outcome = vmlift_command("convert", "-f", "raw", "-O", "rbd", "--overwrite",
                                 "-o", f"conf={conf},id=admin", guest, target)
        assert f"error[{code}]" in outcome.err if code else outcome.status == 0, outcome.err
    read = vmlift_command("digest", "--source-option", f"conf={configuration}", target)
    assert read.out.split()[0] == vmlift_command("digest", "-f", "raw", guest).out.split()[0]
    with vmlift.open_disk(target, options={"conf": configuration, "id": "admin"}) as disk:
        assert disk.size == guest.stat().st_size
    refused = vmlift_command("info", f"{target}:conf={configuration}")
    assert "error[ReferenceDenied]" in refused.err
