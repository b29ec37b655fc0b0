"""Servers of disks, and what is put on them. There is one Ceph cluster for all tests that need one:
it takes its time to start."""

import random

import pytest

from ceph_cluster import CephCluster, missing_programs
from nbd_server import NbdServer
from programs import need

MIB = 1 << 20


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory):
    if missing_programs():
        pytest.skip(f"Ceph is absent: {', '.join(missing_programs())}")
    # A socket's path is short: pytest's folders are not.
    with CephCluster(tmp_path_factory.mktemp("ceph")) as running:
        yield running


@pytest.fixture
def cluster(running_cluster, monkeypatch):
    """The cluster, found by whoever asks for none by name."""
    monkeypatch.setenv("CEPH_CONF", str(running_cluster.configuration))
    return running_cluster


@pytest.fixture
def nbd(tmp_path):
    """A server whose export is as large as `guest` and holds zeros."""
    need("nbdkit", "nbdcopy")
    with NbdServer(tmp_path, "memory", str(30 * MIB + 512)) as server:
        yield server


@pytest.fixture(scope="session")
def guest(tmp_path_factory):
    """A raw disk of 30 MiB and a sector: data, holes, zeros that were written."""
    path = tmp_path_factory.mktemp("guest") / "guest.raw"
    rng = random.Random(5)
    with open(path, "wb") as disk:
        disk.truncate(30 * MIB + 512)
        for start in (0, 5 * MIB + 4096, 13 * MIB, 28 * MIB):
            disk.seek(start)
            disk.write(rng.randbytes(MIB) + bytes(MIB // 2) + b"text " * 30000)
    return path
