#!/usr/bin/env python3
"""vmlift beside its peers, in one run on one machine.

Makes guest disks, runs each command in turn, checks every result byte for byte against the
guest, and prints medians and ratios. Source and target lie on the same memory-backed file
system, so that flushing costs nothing; paths that share blocks use an XFS in a file there (needs
root). Times are of whole commands, Python's start included.

    python3 benchmarks/peers/run.py --size 2G --data 1G
"""

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import images
import limits
import measure
import paths
import report

ROOT = Path(__file__).resolve().parents[2]
VMLIFT = (sys.executable, "-m", "vmlift")


def bytes_of(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
    return int(text[:-1]) * units[text[-1].upper()] if text[-1].upper() in units else int(text)


def argument_parser(description):
    """What both of the programs take."""
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=bytes_of, default=2 << 30, help="of the guest disk")
    parser.add_argument("--data", type=bytes_of, default=1 << 30, help="of it, written")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command")
    parser.add_argument("--only", default="", help="paths whose name contains this")
    parser.add_argument("--folder", default="/dev/shm", help="a memory-backed file system")
    return parser


def parse_arguments():
    parser = argument_parser(__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / "build" / "python",
                        help="where the vmlift package was built")
    parser.add_argument("--codecs", type=Path,
                        default=ROOT / "build" / "benchmarks" / "codec_benchmark",
                        help="the suite that tells how fast the codecs are")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables for a README here")
    parser.add_argument("--svg", type=Path, help="draw the ratios here")
    return parser.parse_args()


def version(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def start_seconds():
    """Until Python has started and loaded vmlift: part of every figure of vmlift."""
    return measure.median_seconds([*VMLIFT, "--version"], 11)


def machine(arguments):
    model = next((line.split(":", 1)[1].strip()
                  for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())
    return {"processors": os.cpu_count(), "model": model, "kernel": platform.release(),
            "vmlift": version([*VMLIFT, "--version"]),
            "qemu_img": version(["qemu-img", "--version"]),
            "python": platform.python_version(), "start_seconds": start_seconds(),
            "guest_bytes": arguments.size, "data_bytes": arguments.data}


class SharingFolder:
    """An XFS in a file on the memory-backed file system, or None where that cannot be had."""

    def __init__(self, folder, size):
        self.path = None
        self._mounted = Path(folder, "xfs")
        image = Path(folder, "xfs.img")
        try:
            with open(image, "wb") as file:
                file.truncate(size)
            self._mounted.mkdir()
            subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True,
                           capture_output=True)
            subprocess.run(["mount", "-o", "loop", image, self._mounted], check=True,
                           capture_output=True)
            self.path = self._mounted
        except (OSError, subprocess.CalledProcessError) as problem:
            print(f"skipped: paths that share blocks, no XFS could be mounted ({problem})",
                  file=sys.stderr)

    def close(self):
        if self.path:
            subprocess.run(["umount", self.path], check=True)


def made_elsewhere(folder, size, data):
    """The sources, made by a process of their own: the kernel counts a command's peak memory from
    its fork on, so this one has to stay small."""
    with multiprocessing.Pool(1) as pool:
        return pool.apply(images.make_sources, (folder, size, data))


def check(target, target_format, guest):
    """The result holds the guest's bytes, and qemu-img finds nothing wrong in it."""
    subprocess.run(["qemu-img", "compare", "-f", target_format, "-F", "raw", target, guest],
                   check=True, stdout=subprocess.DEVNULL)
    if target_format == "qcow2":
        subprocess.run(["qemu-img", "check", "-q", target], check=True)


def commands_of(path, source, folder):
    """{name: (command, target)}: vmlift, qemu-img, and what else is measured on this path."""
    target = {name: folder / f"target-{number}" for number, name in
              enumerate(("vmlift", "qemu-img", *path.others, *path.also))}
    convert = [*VMLIFT, "convert", "-f", path.source_format, "-O", path.target_format]
    commands = {
        "vmlift": [*convert, *path.vmlift, source, target["vmlift"]],
        "qemu-img": ["qemu-img", "convert", "-f", path.source_format, "-O", path.target_format,
                     *path.peer, source, target["qemu-img"]],
    }
    for name, command in path.others.items():
        if shutil.which(command[0]):
            places = {"source": source, "target": target[name]}
            commands[name] = [part.format(**places) for part in command]
    for name, further in path.also.items():
        commands[name] = [*convert, *path.vmlift, *further, source, target[name]]
    return {name: (command, target[name]) for name, command in commands.items()}


def run_path(path, sources, folder, guest, runs, rates):
    commands = commands_of(path, sources[path.source], folder)
    # What vmlift does with further arguments is told for its size and its cost: one run will do.
    further = {name: commands[name] for name in path.also}
    figures = measure.alternate({name: command for name, command in commands.items()
                                 if name not in further}, runs) | measure.once(further)
    for name in ("vmlift", *path.also):
        check(commands[name][1], path.target_format, guest)
    bounds = {}
    if not path.shares:
        bounds["cp of the target"] = limits.seconds_to_copy(commands["vmlift"][1])
    if path.codec in rates:
        bounds["codec on all processors"] = images.written(guest) / rates[path.codec]
    for _, made in commands.values():
        made.unlink()
    return {"path": path.name, "at_least": path.at_least, "aim": path.aim,
            "ratio": figures["qemu-img"].median / figures["vmlift"].median,
            "vmlift": figures["vmlift"].as_dict(), "qemu-img": figures["qemu-img"].as_dict(),
            "others": {name: figures[name].as_dict() for name in commands
                       if name not in ("vmlift", "qemu-img")},
            "limits": bounds}


def run_instant(instant, places, folder, runs, start):
    target = folder / "target"
    command = [*VMLIFT, *(str(part).format(**places, target=target) for part in instant.command)]
    figures = measure.alternate({"vmlift": (command, target)}, runs)["vmlift"]
    target.unlink(missing_ok=True)
    return {"path": instant.name, "under": instant.under,
            "net_seconds": max(0.0, figures.median - start), "peak_memory": figures.memory}


def measured(arguments, folder, start):
    """The rows of paths.PATHS and of paths.INSTANTS, printed as they come."""
    rows, instants = [], []
    print("making the guest disks ...", flush=True)
    sources = made_elsewhere(folder, arguments.size, arguments.data)
    rates = limits.codec_rates(arguments.codecs, sources["raw"])
    sharing = SharingFolder(folder, 4 * arguments.size + (1 << 30))
    try:
        shared = {}
        if sharing.path:
            shared = {key: Path(shutil.copy2(path, sharing.path / path.name))
                      for key, path in sources.items() if key in ("raw", "sparse")}
        for path in paths.PATHS:
            if arguments.only not in path.name or (path.shares and not sharing.path):
                continue
            rows.append(run_path(path, shared if path.shares else sources,
                                 sharing.path if path.shares else folder, sources["raw"],
                                 arguments.runs, rates))
            print(report.table(rows[-1:]).split("\n", 1)[1], flush=True)
        places = {**sources, **images.make_huge(folder, VMLIFT)}
        for instant in paths.INSTANTS:
            if arguments.only not in instant.name or (instant.shares and not sharing.path):
                continue
            instants.append(run_instant(instant, {**places, **shared} if instant.shares else places,
                                        sharing.path if instant.shares else folder,
                                        arguments.runs, start))
            print(report.instant_table(instants[-1:]), flush=True)
    finally:
        sharing.close()
    return rows, instants


def main():
    arguments = parse_arguments()
    os.environ["PYTHONPATH"] = str(arguments.python)
    # Whoever installed vmlift has its modules compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    about = machine(arguments)
    print(json.dumps(about, indent=1))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        rows, instants = measured(arguments, Path(name), about["start_seconds"])
    print(f"\n{report.table(rows)}\n{report.instant_table(instants)}")
    if arguments.json:
        report.write_json(arguments.json, about, rows, instants)
    if arguments.markdown:
        arguments.markdown.write_text(report.markdown(rows, instants))
    if arguments.svg:
        report.write_svg(arguments.svg, rows)
    held = (all(row["ratio"] >= row["at_least"] for row in rows)
            and all(row["net_seconds"] < row["under"] for row in instants))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
