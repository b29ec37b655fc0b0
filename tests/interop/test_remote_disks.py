"""Disks on servers: every format converts to and from NBD and RBD, judged by other tools."""

import ctypes
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import vmlift
from nbd_server import NbdServer
from programs import need, run

MIB = 1 << 20

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


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    """30 MiB and a half: data, holes, zeros that were written."""
    path = tmp_path_factory.mktemp("guest") / "guest.raw"
    rng = random.Random(5)
    with open(path, "wb") as disk:
        disk.truncate(30 * MIB + 512)
        for start in (0, 5 * MIB + 4096, 13 * MIB, 28 * MIB):
            disk.seek(start)
            disk.write(rng.randbytes(MIB) + bytes(MIB // 2) + b"text " * 30000)
    return path


@pytest.fixture
def nbd(tmp_path):
    need("nbdkit", "nbdcopy")
    with NbdServer(tmp_path, "memory", str(30 * MIB + 512)) as server:
        yield server


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


def test_a_copy_killed_half_way_is_absent_or_incomplete(vmlift_command, guest, cluster, tmp_path):
    need("nbdkit")
    environment = dict(os.environ)
    with NbdServer(tmp_path, "--filter=delay", "memory", "64M", "wdelay=1") as slow:
        command = [sys.executable, "-m", "vmlift", "convert", "-f", "raw", "-O", "raw",
                   "--overwrite", str(guest), slow.uri]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while "error[Incomplete]" not in vmlift_command("info", slow.uri).err:
            assert process.poll() is None and time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen = vmlift_command("info", slow.uri)
        assert seen.status == 2 and "error[Incomplete]" in seen.err
    with NbdServer(tmp_path, "--filter=delay", "pattern", "1G", "rdelay=500ms") as slow:
        command = [sys.executable, "-m", "vmlift", "convert", "-O", "raw", slow.uri,
                   "rbd:rbd/killed"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not any(is_incomplete(vmlift_command, image) for image in partial_images(cluster)):
            assert process.poll() is None and time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "killed" not in cluster.run("rbd", "ls", "rbd").stdout.split()
    (partial,) = partial_images(cluster)
    assert is_incomplete(vmlift_command, partial)


def partial_images(cluster):
    return [image for image in cluster.run("rbd", "ls", "rbd").stdout.split()
            if image.startswith("killed.partial-")]


def is_incomplete(vmlift_command, image):
    seen = vmlift_command("info", f"rbd:rbd/{image}")
    return seen.status == 2 and "error[Incomplete]" in seen.err


@pytest.mark.parametrize("fault, code", [("error", "Io"), ("silence", "Timeout"), ("end", "Io")])
def test_a_source_that_fails_half_way_leaves_no_image(cluster, tmp_path, fault, code):
    trigger = tmp_path / "fail-now"
    # So large that it is far from its end when the fault is noticed, however much is read ahead.
    with NbdServer(tmp_path, "--filter=error", "--filter=delay", "pattern", "2G", "rdelay=100ms",
                   "error-pread=EIO", "error-pread-rate=100%", f"error-file={trigger}") as server:
        def fail_half_way(done, size):
            if done > size // 128:
                {"error": trigger.touch, "silence": server.pause, "end": server.process.kill}[fault]()
        with pytest.raises(vmlift.Error) as raised:
            vmlift.convert(server.uri, "rbd:rbd/half", "rbd", limits={"io_timeout": 2},
                           progress=fail_half_way)
    assert raised.value.code == code
    assert not [name for name in cluster.run("rbd", "ls", "rbd").stdout.split() if "half" in name]


def test_a_cluster_that_stops_answering_is_timeout(cluster):
    disk = vmlift.create_disk("rbd:rbd/stalled", "rbd", 64 * MIB, limits={"io_timeout": 2})
    disk.write(b"before", 0)
    with cluster.silent():
        began = time.monotonic()
        with pytest.raises(vmlift.Timeout):
            disk.write(b"x" * MIB, 8 * MIB)
        assert time.monotonic() - began < 10
    with pytest.raises(vmlift.Timeout):
        disk.commit()  # poisoned
    disk.close()
    assert "stalled" not in cluster.run("rbd", "ls", "rbd").stdout


def test_sixteen_writes_or_more_are_under_way(cluster, tmp_path):
    """While the cluster is silent, what has been sent to it waits, and can be counted."""
    source = tmp_path / "source"
    source.write_bytes(random.Random(6).randbytes(40 * MIB))
    asok = cluster.folder / "client.asok"
    conf = tmp_path / "ceph.conf"
    conf.write_text(cluster.configuration.read_text().replace("admin socket =\n",
                                                              f"admin socket = {asok}\n"))
    # Without a map of objects, whose changes would have to be answered first.
    cluster.run("rbd", "create", "--size", "40M", "--image-feature", "layering", "rbd/flight")
    with vmlift.open_disk(source, format="raw") as disk, vmlift.open_disk(
            "rbd:rbd/flight", writable=True, options={"conf": str(conf)}) as target:
        with cluster.silent():
            copy = threading.Thread(target=vmlift.copy_disk, args=(disk, target))
            copy.start()
            most = 0
            deadline = time.monotonic() + 20
            while most < 16 and time.monotonic() < deadline:
                waiting = cluster.run("ceph", "--admin-daemon", asok, "objecter_requests").stdout
                most = max(most, len(json.loads(waiting)["ops"]))
        copy.join()
    assert 16 <= most <= 32


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
    base, top, socket = (tmp_path / name for name in ("base.qcow2", "top.qcow2", "s"))
    run("qemu-img", "create", "-q", "-f", "qcow2", base, "8M")
    run("qemu-io", "-c", "write 0 1M", base)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top)
    run("qemu-img", "bitmap", "--add", top, "monday")
    run("qemu-io", "-c", "write 2M 64k", "-c", "write 4M 128k", top)
    run("qemu-img", "bitmap", "--disable", top, "monday")
    uri = f"nbd+unix:///?socket={socket}"
    server = subprocess.Popen(["qemu-nbd", "-t", "-r", "-e", "4", "-f", "qcow2", "-A", "-B",
                               "monday", "-k", socket, top])
    try:
        while not socket.exists():
            time.sleep(0.01)
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
    finally:
        server.kill()
        server.wait()


class Run(ctypes.Structure):
    """vmlift_extent"""

    _fields_ = [("offset", ctypes.c_uint64), ("length", ctypes.c_uint64),
                ("host_offset", ctypes.c_uint64), ("depth", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


def ranges_of(library, ranges):
    """Offset and length of each extent of a map of the C library, which is freed."""
    found, run = [], Run()
    while library.vmlift_map_extent(ranges, ctypes.c_size_t(len(found)), ctypes.byref(run)):
        found.append((run.offset, run.length))
    library.vmlift_map_free(ranges)
    return found


def test_the_clusters_options_are_the_callers(vmlift_command, guest, cluster, tmp_path):
    configuration = os.environ.pop("CEPH_CONF")
    try:
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
    finally:
        os.environ["CEPH_CONF"] = configuration


def test_snapshots_on_the_command_line(vmlift_command, guest, cluster, tmp_path):
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


def test_the_libraries_are_linked_with_neither():
    need("ldd")
    for library in (vmlift._core.__file__, vmlift_library()._name):
        linked = run("ldd", library)
        assert "libc.so" in linked
        for absent in ("libnbd", "librbd", "librados"):
            assert absent not in linked


@pytest.mark.parametrize("library, location, package", [
    ("libnbd.so.0", "nbd://127.0.0.1:1/", "libnbd0"),
    ("librbd.so.1", "rbd:pool/image", "librbd1"),
    ("librados.so.2", "rbd:pool/image", "librados2"),
])
def test_a_library_that_cannot_be_loaded_is_named_with_its_package(tmp_path, library, location,
                                                                   package):
    # Found first, and no library: as good as absent.
    (tmp_path / library).write_bytes(b"no library")
    outcome = subprocess.run([sys.executable, "-m", "vmlift", "info", location],
                             env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
                             capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "error[UnsupportedFeature]" in outcome.stderr
    assert f"install the package {package}" in outcome.stderr
