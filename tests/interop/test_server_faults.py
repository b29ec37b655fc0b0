"""Copies to and from servers that are killed, fail or fall silent half way."""

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import vmlift
from nbd_server import NbdServer
from programs import need

MIB = 1 << 20


def test_a_copy_killed_half_way_is_absent_or_incomplete(vmlift_command, guest, cluster, tmp_path):
    need("nbdkit")
    with NbdServer(tmp_path, "--filter=delay", "memory", "64M", "wdelay=1") as slow:
        command = [sys.executable, "-m", "vmlift", "convert", "-f", "raw", "-O", "raw",
                   "--overwrite", str(guest), slow.uri]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
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
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
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


# The limit is the cluster's too, for everything it is asked: short only where silence is the point.
@pytest.mark.parametrize("fault, code, patience",
                         [("error", "Io", 20), ("silence", "Timeout", 5), ("end", "Io", 20)])
def test_a_source_that_fails_half_way_leaves_no_image(cluster, tmp_path, fault, code, patience):
    trigger = tmp_path / "fail-now"
    # So large that it is far from its end when the fault is noticed, however much is read ahead.
    with NbdServer(tmp_path, "--filter=error", "--filter=delay", "pattern", "2G", "rdelay=100ms",
                   "error-pread=EIO", "error-pread-rate=100%", f"error-file={trigger}") as server:
        def fail_half_way(done, size):
            if done > size // 128:
                {"error": trigger.touch, "silence": server.pause, "end": server.process.kill}[fault]()
        with pytest.raises(vmlift.Error) as raised:
            vmlift.convert(server.uri, "rbd:rbd/half", "rbd", limits={"io_timeout": patience},
                           progress=fail_half_way)
    assert raised.value.code == code
    assert not [name for name in cluster.run("rbd", "ls", "rbd").stdout.split() if "half" in name]


def test_a_cluster_that_stops_answering_is_timeout(cluster):
    disk = vmlift.create_disk("rbd:rbd/stalled", "rbd", 64 * MIB, limits={"io_timeout": 5})
    disk.write(b"before", 0)
    with cluster.silent():
        began = time.monotonic()
        with pytest.raises(vmlift.Timeout):
            disk.write(b"x" * MIB, 8 * MIB)
        # More than once the limit: before the object, the map of objects has to change.
        assert time.monotonic() - began < 60
    with pytest.raises(vmlift.Timeout):
        disk.commit()  # poisoned
    disk.close()
    assert "stalled" not in cluster.run("rbd", "ls", "rbd").stdout


def test_sixteen_writes_or_more_are_under_way(vmlift_command, cluster, tmp_path):
    """While the cluster is silent, what has been sent to it waits, and can be counted."""
    source = tmp_path / "source"
    source.write_bytes(random.Random(6).randbytes(40 * MIB))
    asok = cluster.folder / "client.asok"
    conf = tmp_path / "ceph.conf"
    conf.write_text(cluster.configuration.read_text().replace("admin socket =\n",
                                                              f"admin socket = {asok}\n"))
    # Without a map of objects, whose changes would have to be answered first.
    cluster.run("rbd", "create", "--size", "40M", "--image-feature", "layering", "rbd/flight")
    with ThreadPoolExecutor(1) as thread, vmlift.open_disk(source, format="raw") as disk, \
            vmlift.open_disk("rbd:rbd/flight", writable=True, options={"conf": str(conf)}) as target:
        with cluster.silent():
            copy = thread.submit(vmlift.copy_disk, disk, target)
            most = 0
            deadline = time.monotonic() + 20
            while most < 16 and time.monotonic() < deadline:
                waiting = cluster.run("ceph", "--admin-daemon", asok, "objecter_requests").stdout
                most = max(most, len(json.loads(waiting)["ops"]))
        copy.result()
    assert 16 <= most <= 32
    same = vmlift_command("compare", "-f", "raw", source, "rbd:rbd/flight")
    assert (same.status, same.out) == (0, "The disks are identical.\n")
