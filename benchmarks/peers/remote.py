#!/usr/bin/env python3
"""vmlift beside its peers where disks are on servers: Ceph RBD and NBD, in one run.

Starts a Ceph cluster that keeps its objects in memory and an nbdkit, both on this machine, and
runs each command in turn: whole commands, Python's start included; medians. The cluster's own
work shares the processors, so that the ratios are closer together than over a network. Its exit
status is 1 when the library (vmlift without Python) is slower than it has to be.

    python3 benchmarks/peers/remote.py --size 2G --data 1G
"""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import images
import measure
from run import ROOT, argument_parser, start_seconds

sys.path.insert(0, str(ROOT / "tests" / "support"))
from ceph_cluster import CephCluster, missing_programs  # noqa: E402
from nbd_server import NbdServer  # noqa: E402

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
    passes `check`, a command. The result: whether the library reaches every one of `floors`, the
    ratios asked for."""
    figures = {name: measure.Runs() for name in commands}
    for turn in range(count):
        for name, command in random.sample(list(commands.items()), len(commands)):
            measure.run_settled(command, None, figures[name], clear)
            if turn == 0 and name == "vmlift":
                subprocess.run(check, check=True, stdout=subprocess.DEVNULL)
    for own in OURS:
        ours = figures[own].median
        print(f"{title}: {own} {ours:.2f} s")
        for name, runs in figures.items():
            if name not in OURS:
                asked = f", asked {floors[name]}x" if name in floors else ""
                print(f"    {runs.median / ours:5.2f}x {name} ({runs.median:.2f} s){asked}")
    library = figures["vmlift in C"].median
    return all(figures[name].median / library >= floor for name, floor in floors.items())


def measure_rbd(sources, folder, count):
    if missing_programs():
        print(f"RBD: left out, absent: {', '.join(missing_programs())}")
        return True
    with CephCluster(folder / "ceph") as cluster:
        os.environ["CEPH_CONF"] = str(cluster.configuration)
        reached = True
        for source, form in (("raw", "raw"), ("stream", "vmdk")):
            path = sources[source]
            commands = {"vmlift": (*VMLIFT, "-f", form, "-O", "rbd", path, f"rbd:{IMAGE}"),
                        "vmlift in C": (IN_C, form, path, "rbd", f"rbd:{IMAGE}")}
            floors = {"qemu-img": 1.5}
            for name, command in QEMU_IMG.items():
                commands[name] = (*command, "-f", form, path, f"rbd:{IMAGE}")
            if form == "raw":
                commands["rbd import"] = ("rbd", "import", "--no-progress", path, IMAGE)
                floors["rbd import"] = 1.0
            reached &= compare(
                f"{source} -> RBD", commands,
                lambda: cluster.run("rbd", "rm", "--no-progress", IMAGE, check=False),
                ["qemu-img", "compare", "-f", "raw", "-F", "raw", sources["raw"], f"rbd:{IMAGE}"],
                count, floors)
        return reached


def measure_nbd(sources, folder, count):
    target = folder / "target"
    with NbdServer(folder, "file", sources["raw"]) as server:
        peers = {"nbdcopy": ("nbdcopy", server.uri, target),
                 **{name: (*command, server.uri, target) for name, command in QEMU_IMG.items()}}
        return compare("NBD -> raw",
                       {"vmlift": (*VMLIFT, "-O", "raw", server.uri, target),
                        "vmlift in C": (IN_C, "raw", server.uri, "raw", target), **peers},
                       lambda: target.unlink(missing_ok=True), ["cmp", sources["raw"], target],
                       count, {"nbdcopy": 1.0})


def main():
    arguments = argument_parser(__doc__).parse_args()
    os.environ.setdefault("PYTHONPATH", str(ROOT / "build" / "python"))
    # As where it is installed: the warm-up leaves compiled modules behind.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"until Python has begun: {start_seconds():.2f} s of each figure of the command")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        sources = images.make_sources(folder, arguments.size, arguments.data)
        reached = [measured(sources, folder, arguments.runs)
                   for kind, measured in (("rbd", measure_rbd), ("nbd", measure_nbd))
                   if arguments.only in kind]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
