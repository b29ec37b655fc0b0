"""Snapshots: taken, listed, removed, rolled back to and cloned, on the command line and in C."""

import ctypes

import vmlift
from c_library import vmlift_library
from programs import need, run

MIB = 1 << 20


def test_snapshots_on_the_command_line(vmlift_command, guest, cluster):
    cluster.run("rbd", "import", "--no-progress", guest, "rbd/points")
    disk = "rbd:rbd/points"
    taken = vmlift_command("snapshot", "create", "--json", disk, "monday").json()
    assert taken["name"] == "monday" and taken["virtual-size"] == guest.stat().st_size
    assert "error[Exists]" in vmlift_command("snapshot", "create", disk, "monday").err
    with vmlift.open_disk(disk, writable=True) as image:
        image.write(b"changed", 4096)
        tuesday = image.take_snapshot("tuesday")
        image.flush()
    listed = vmlift_command("snapshot", "list", "--json", disk).json()
    assert [each["name"] for each in listed] == ["monday", "tuesday"]
    assert "tuesday" in vmlift_command("snapshot", "list", disk).out
    copy = vmlift_command("snapshot", "clone", disk, "tuesday", "rbd:rbd/branch")
    assert copy.status == 0, copy.err
    back = vmlift_command("snapshot", "rollback", disk, taken["id"])
    assert back.status == 0, back.err
    assert vmlift_command("compare", "-f", "raw", guest, disk).status == 0
    assert vmlift_command("compare", "-f", "raw", guest, "rbd:rbd/branch").status == 1
    assert vmlift_command("snapshot", "delete", disk, tuesday.id).status == 0
    gone = vmlift_command("snapshot", "delete", disk, "tuesday")
    assert gone.status == 2 and "error[NotFound]" in gone.err
    wrong = vmlift_command("snapshot", "rollback", disk)
    assert wrong.status == 2 and "error[InvalidArgument]" in wrong.err
    with vmlift.open_disk(disk, writable=True):
        busy = vmlift_command("snapshot", "create", disk, "wednesday")
        assert busy.status == 2 and "error[InUse]" in busy.err


def test_snapshots_in_c(guest, cluster):
    library = vmlift_library()
    cluster.run("rbd", "import", "--no-progress", guest, "rbd/from-c")
    options = ctypes.c_void_p(library.vmlift_open_options_new())
    library.vmlift_open_options_set_writable(options, True)
    disk, listed, name = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_char_p()
    assert library.vmlift_disk_open(b"rbd:rbd/from-c", options, ctypes.byref(disk), None) == 0
    library.vmlift_open_options_free(options)
    assert library.vmlift_disk_take_snapshot(disk, b"here", ctypes.byref(name), None) == 0
    assert library.vmlift_disk_snapshots(disk, ctypes.byref(listed), None) == 0
    assert library.vmlift_snapshots_count(listed) == 1
    assert library.vmlift_snapshots_name(listed, 0) == b"here"
    assert library.vmlift_snapshots_id(listed, 0) == name.value
    assert library.vmlift_snapshots_size(listed, 0) == guest.stat().st_size
    assert library.vmlift_snapshots_created(listed, 0) > 1 << 30
    assert library.vmlift_disk_write(disk, ctypes.c_uint64(0), b"x", ctypes.c_size_t(1), None) == 0
    assert library.vmlift_disk_roll_back(disk, name, None) == 0
    assert library.vmlift_disk_clone_snapshot(disk, name, b"rbd:rbd/c-branch", None) == 0
    library.vmlift_disk_free(disk)
    for image in ("from-c", "c-branch"):
        with vmlift.open_disk(f"rbd:rbd/{image}") as found:
            assert found.read(MIB, 0) == guest.read_bytes()[:MIB]


def test_snapshots_of_a_qcow2_image_are_listed_and_kept(vmlift_command, tmp_path):
    need("qemu-img")
    image = tmp_path / "disk.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", image, "4M")
    assert vmlift_command("snapshot", "list", image).out == "no snapshots\n"
    run("qemu-img", "snapshot", "-c", "before", image)
    (listed,) = vmlift_command("snapshot", "list", "--json", image).json()
    assert listed["name"] == "before" and listed["virtual-size"] == 4 * MIB
    for step in ("create", "delete", "rollback"):
        refused = vmlift_command("snapshot", step, image, "before")
        assert refused.status == 2 and "error[UnsupportedFeature]" in refused.err
