"""Whole commands, timed from outside: wall and CPU seconds, peak memory, output size."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Runs:
    """The counted runs of one command."""

    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    memory: int = 0  # bytes, of the largest process
    output: int = 0  # bytes that the target takes

    @property
    def median(self):
        return statistics.median(self.wall)

    def as_dict(self):
        return {"wall_seconds": self.median, "wall_min": min(self.wall), "wall_max": max(self.wall),
                "cpu_seconds": statistics.median(self.cpu), "peak_memory": self.memory,
                "output_bytes": self.output, "runs": len(self.wall)}


def run_once(command, target=None, runs=None, clear=None):
    """Runs `command` with `target` absent before, a file or what `clear` removes; adds the figures
    to `runs` if given."""
    if clear:
        clear()
    elif target:
        Path(target).unlink(missing_ok=True)
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {error.decode(errors='replace')}")
    if runs is not None:
        runs.wall.append(wall)
        runs.cpu.append(usage.ru_utime + usage.ru_stime)
        runs.memory = max(runs.memory, usage.ru_maxrss * 1024)
        # A reflinked target shares its blocks: its apparent size is what can be compared.
        written = target and Path(target).exists()
        runs.output = Path(target).stat().st_blocks * 512 if written else 0
    return wall


def run_settled(command, target, runs, clear=None):
    """One run for the figures behind one that does not count. A virtual machine gives memory back
    while nobody writes to it, and whoever comes next pays more for its return than for a copy;
    a command that has just run finds the memory there, whatever ran before."""
    run_once(command, target, None, clear)
    return run_once(command, target, runs, clear)


def once(commands):
    """Runs {name: (command, target)} a single time each."""
    figures = {name: Runs() for name in commands}
    for name, (command, target) in commands.items():
        run_settled(command, target, figures[name])
    return figures


def alternate(commands, count):
    """Runs {name: (command, target)} in turn, `count` counted runs of each, so that a machine that
    slows down slows all of them down."""
    figures = {name: Runs() for name in commands}
    for _ in range(count):
        for name, (command, target) in commands.items():
            run_settled(command, target, figures[name])
    return figures


def median_seconds(command, count):
    """Of `command`, which makes no file; one warm-up before."""
    return statistics.median([run_once(command) for _ in range(count + 1)][1:])
