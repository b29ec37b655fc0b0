#!/usr/bin/env python3
"""vmlift beside its peers where disks are on servers: Ceph RBD and NBD, in one run.

Starts a Ceph cluster that keeps its objects in memory and an nbdkit, both on this machine, and
runs each command in turn: whole commands, Python's start included; medians. The cluster's own
work shares the processors, so that the ratios are closer together than over a network.

    python3 benchmarks/peers/remote.py --size 2G --data 1G
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import images
import measure
from run import ROOT, argument_parser, start_seconds

sys.path.insert(0, str(ROOT / "tests" / "support"))
from ceph_cluster import CephCluster, missing_programs  # noqa: E402

VMLIFT = (sys.executable, "-m", "vmlift", "convert")
# As people run it, and as fast as it can be made.
QEMU_IMG = {"qemu-img": ("qemu-img", "convert", "-O", "raw"),
            "qemu-img -W -m 16": ("qemu-img", "convert", "-O", "raw", "-W", "-m", "16")}
IMAGE = "rbd/benchmark"
IN_C = ROOT / "build" / "tests" / "capi" / "capi_example_convert"
# The command, and the library without Python: the example program of the C interface.
OURS = ("vmlift", "vmlift in C")


def compare(title, commands, clear, check, count, floors):
    """Runs {name: command} by turns, in another order each, every counted run behind one of its own
    that is not; prints medians and vmlift's ratio to each of the others. What vmlift has made first
    passes `check`, a command."""
    figures = {name: measure.Runs() for name in commands}
    for turn in range(count):
        for name, command in random.sample(list(commands.items()), len(commands)):
            measure.run_settled(command, None, figures[name], clear)
            if turn == 0 and name == "vmlift":
                subprocess.run(check, check=True, stdout=subprocess.DEVNULL)
    for own in filter(commands.get, OURS):
        ours = figures[own].median
        print(f"{title}: {own} {ours:.2f} s")
        for name, runs in figures.items():
            if name not in OURS:
                print(f"    {runs.median / ours:5.2f}x {name} ({runs.median:.2f} s),"
                      f" at least {floors[name]}x")


def measure_rbd(sources, folder, count):
    if missing_programs():
        print(f"RBD: left out, absent: {', '.join(missing_programs())}")
        return
    with CephCluster(folder / "ceph") as cluster:
        os.environ["CEPH_CONF"] = str(cluster.configuration)
        for source, form in (("raw", "raw"), ("stream", "vmdk")):
            path = sources[source]
            commands = {"vmlift": (*VMLIFT, "-f", form, "-O", "rbd", path, f"rbd:{IMAGE}"),
                        "vmlift in C": (IN_C, form, path, "rbd", f"rbd:{IMAGE}")}
            floors = {"rbd import": 1.0}
            for name, command in QEMU_IMG.items():
                commands[name] = (*command, "-f", form, path, f"rbd:{IMAGE}")
                floors[name] = 1.0 if form == "raw" else 1.5
            if form == "raw":
                commands["rbd import"] = ("rbd", "import", "--no-progress", path, IMAGE)
            compare(f"{source} -> RBD", commands,
                    lambda: cluster.run("rbd", "rm", "--no-progress", IMAGE, check=False),
                    ["qemu-img", "compare", "-f", "raw", "-F", "raw", sources["raw"],
                     f"rbd:{IMAGE}"], count, floors)


def measure_nbd(sources, folder, count):
    socket, target = folder / "nbd.sock", folder / "target"
    uri = f"nbd+unix:///?socket={socket}"
    server = subprocess.Popen(["nbdkit", "-f", "--exit-with-parent", "-U", socket, "file",
                               sources["raw"]])
    try:
        while not socket.exists():
            time.sleep(0.01)
        others = {"nbdcopy": ("nbdcopy", uri, target),
                  **{name: (*command, uri, target) for name, command in QEMU_IMG.items()}}
        compare("NBD -> raw",
                {"vmlift": (*VMLIFT, "-O", "raw", uri, target),
                 "vmlift in C": (IN_C, "raw", uri, "raw", target), **others},
                lambda: target.unlink(missing_ok=True), ["cmp", sources["raw"], target], count,
                dict.fromkeys(others, 1.0))
    finally:
        server.kill()
        server.wait()


def main():
    arguments = argument_parser(__doc__).parse_args()
    os.environ.setdefault("PYTHONPATH", str(ROOT / "build" / "python"))
    # As where it is installed: the warm-up leaves compiled modules behind.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"until Python has begun: {start_seconds():.2f} s of each figure of the command")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        sources = images.make_sources(folder, arguments.size, arguments.data)
        for kind, measured in (("rbd", measure_rbd), ("nbd", measure_nbd)):
            if arguments.only in kind:
                measured(sources, folder, arguments.runs)


if __name__ == "__main__":
    main()
