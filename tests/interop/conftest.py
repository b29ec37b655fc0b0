"""One Ceph cluster for all tests that need one: it takes its time to start."""

import pytest

from ceph_cluster import CephCluster, missing_programs


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
