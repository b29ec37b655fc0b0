#!/usr/bin/env python3
"""A Ceph cluster for the tests: one monitor and one OSD that keeps its objects in memory, on
127.0.0.1, everything else in one folder. It ends with the process that started it.

    ceph_cluster.py FOLDER     runs until it is ended; FOLDER/ready appears when it can be used,
                               FOLDER/ceph.conf is its configuration (CEPH_CONF),
                               FOLDER/ceph-osd.pid the process that holds the objects

In Python: `with CephCluster(folder) as cluster: cluster.run("rbd", "ls")`.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "rbd")
PATIENCE = 120  # seconds; ten are usual on an idle machine
MONITORS = 5  # so many tries to find it free ports

CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = {monitor}
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
run dir = {folder}
admin socket = {folder}/$name.$pid.asok
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
mon data avail warn = 1
mon data avail crit = 1
osd op complaint time = 300
public addr = 127.0.0.1
cluster addr = 127.0.0.1

[client]
admin socket =
log file =
"""

# Who may do what; others than these are made by `ceph auth`.
USERS = {
    "mon.": {"mon": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
}


def missing_programs():
    """Those of the programs that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def end_with_parent():
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


class CephCluster:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.configuration = self.folder / "ceph.conf"
        self.daemons = []

    def __enter__(self):
        try:
            self.start()
        except Exception as failure:
            self.stop()
            raise RuntimeError(f"the Ceph cluster did not start: {failure}\n"
                               f"{getattr(failure, 'output', None) or ''}{self.last_words()}"
                               ) from failure
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def environment(self):
        return {**os.environ, "CEPH_CONF": str(self.configuration)}

    def run(self, *command, check=True, **options):
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        return subprocess.run([str(word) for word in command], env=self.environment, check=check,
                              text=True, timeout=PATIENCE, **settings)

    @contextlib.contextmanager
    def silent(self):
        """The OSD stands still meanwhile: requests are neither answered nor refused. Afterwards it
        answers again."""
        osd = self.daemons[-1]
        osd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            osd.send_signal(signal.SIGCONT)
            self.run("rbd", "ls", "rbd")

    def requests(self):
        """How many requests the OSD has answered so far."""
        counters = json.loads(self.run("ceph", "tell", "osd.0", "perf", "dump", "osd",
                                       stderr=subprocess.DEVNULL).stdout)
        return counters["osd"]["op"]

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("mon", "osd"):
            (self.folder / name).mkdir()
        self.make_keys()
        self.start_monitor()
        osd = str(uuid.uuid4())
        self.run("ceph", "--connect-timeout", PATIENCE, "osd", "new", osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.daemon("ceph-osd", "-i", "0")
        self.run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=localhost")
        # A pool becomes usable with the OSD; init waits for that.
        self.run("ceph", "osd", "pool", "create", "rbd", "8")
        self.run("rbd", "pool", "init", "rbd")
        (self.folder / "ready").touch()

    def start_monitor(self):
        """On free ports: when another process takes one of them first, the monitor ends, and others
        are tried."""
        for _ in range(MONITORS):
            monitor = "[v2:127.0.0.1:{},v1:127.0.0.1:{}]".format(*free_ports(2))
            fsid = str(uuid.uuid4())
            self.configuration.write_text(
                CONFIGURATION.format(fsid=fsid, monitor=monitor, folder=self.folder))
            map_file = self.folder / "monmap"
            self.run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", monitor,
                     map_file)
            self.run("ceph-mon", "-i", "a", "--mkfs", "--monmap", map_file, "--keyring",
                     self.folder / "keyring")
            if self.answers(self.daemon("ceph-mon", "-i", "a")):
                return
            shutil.rmtree(self.folder / "mon")
            (self.folder / "mon").mkdir()
        raise RuntimeError(f"the monitor ended as often as it was started, {MONITORS} times")

    def answers(self, monitor):
        """Whether the monitor can be talked to; False when it has ended."""
        deadline = time.monotonic() + PATIENCE
        while monitor.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the monitor has not answered in {PATIENCE} seconds")
            if self.run("ceph", "--connect-timeout", 5, "mon", "stat", check=False).returncode == 0:
                return True
        return False

    def last_words(self):
        """The ends of what the daemons have printed and logged."""
        ends = []
        for name in ("ceph-mon.out", "mon.a.log", "ceph-osd.out", "osd.0.log"):
            path = self.folder / name
            if path.exists():
                lines = path.read_text(errors="replace").splitlines()[-15:]
                ends.append("\n".join([f"--- the end of {name}:", *lines]))
        return "\n".join(ends)

    def make_keys(self):
        self.run("ceph-authtool", "--create-keyring", self.folder / "keyring")
        for user, rights in USERS.items():
            caps = [word for cap in rights.items() for word in ("--cap", *cap)]
            self.run("ceph-authtool", "--gen-key", "-n", user, *caps, self.folder / "keyring")

    def daemon(self, program, *arguments):
        with open(self.folder / f"{program}.out", "ab") as output:
            daemon = subprocess.Popen(
                [program, "-f", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, preexec_fn=end_with_parent)
        self.daemons.append(daemon)
        (self.folder / f"{program}.pid").write_text(f"{daemon.pid}\n")
        return daemon

    def stop(self):
        # Nothing of it is kept: no need to end it gently.
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()
        self.daemons.clear()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with CephCluster(sys.argv[1]):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
