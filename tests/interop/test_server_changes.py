"""What servers tell of changes: RBD since a snapshot, NBD by bitmaps."""

import ctypes

import pytest

import vmlift
from c_library import ranges_of, vmlift_library
from nbd_server import QemuNbd
from programs import need, run

MIB = 1 << 20


def test_changes_of_a_large_image_are_told_without_asking_for_each_object(vmlift_command, cluster):
    disk, places = "rbd:rbd/large", (0, 1 << 39, (1 << 40) - 4 * MIB)
    cluster.run("rbd", "create", "--size", "1T", "rbd/large")
    cluster.run("rbd", "snap", "create", "--no-progress", "rbd/large@before")
    with vmlift.open_disk(disk, writable=True) as image:
        for place in places:
            image.write(b"new " * 1024, place)
        (before,) = image.info().snapshots
        asked = cluster.requests()
        changed = image.changes_since(before.id)
        assert cluster.requests() - asked < 1000
    assert changed == [(at, 4096) for at in places]
    told = vmlift_command("map", "--json", "--changed-since", "before", disk).json()
    assert told == [{"start": start, "length": length} for start, length in changed]
    unknown = vmlift_command("map", "--changed-since", "never", disk)
    assert unknown.status == 2 and "error[NotFound]" in unknown.err
    library = vmlift_library()
    opened, ranges = ctypes.c_void_p(), ctypes.c_void_p()
    assert library.vmlift_disk_open(disk.encode(), None, ctypes.byref(opened), None) == 0
    assert library.vmlift_disk_changes_since(opened, before.id.encode(), ctypes.byref(ranges),
                                             None) == 0
    assert ranges_of(library, ranges) == changed
    library.vmlift_disk_free(opened)


def test_bitmaps_and_depth_of_qemus_servers(vmlift_command, tmp_path):
    need("qemu-img", "qemu-io", "qemu-nbd")
    base, top = tmp_path / "base.qcow2", tmp_path / "top.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", base, "8M")
    run("qemu-io", "-c", "write 0 1M", base)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top)
    run("qemu-img", "bitmap", "--add", top, "monday")
    run("qemu-io", "-c", "write 2M 64k", "-c", "write 4M 128k", top)
    run("qemu-img", "bitmap", "--disable", top, "monday")
    with QemuNbd(tmp_path, "-r", "-e", "4", "-f", "qcow2", "-A", "-B", "monday", top) as server:
        uri = server.uri
        expected = [(2 * MIB, 64 << 10), (4 * MIB, 128 << 10)]
        library = vmlift_library()
        with vmlift.open_disk(uri) as disk:
            assert [each.name for each in disk.info().bitmaps] == ["monday"]
            assert "monday" in vmlift_command("info", uri).out
            for name in ("monday", "qemu:allocation-depth"):
                assert disk.bitmap(name) == expected
                told = vmlift_command("map", "--json", "--bitmap", name, uri).json()
                assert [(each["start"], each["length"]) for each in told] == expected
            with pytest.raises(vmlift.NotFound):
                disk.bitmap("tuesday")
        opened, ranges, listed = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        assert library.vmlift_disk_open(uri.encode(), None, ctypes.byref(opened), None) == 0
        assert library.vmlift_disk_bitmap(opened, b"monday", ctypes.byref(ranges), None) == 0
        assert ranges_of(library, ranges) == expected
        assert library.vmlift_disk_bitmaps(opened, ctypes.byref(listed), None) == 0
        assert library.vmlift_bitmaps_count(listed) == 1
        assert library.vmlift_bitmaps_name(listed, 0) == b"monday"
        library.vmlift_bitmaps_free(listed)
        library.vmlift_disk_free(opened)
