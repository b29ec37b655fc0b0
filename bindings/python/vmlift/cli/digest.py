"""vmlift digest: the SHA-256 of what a guest would read."""

from __future__ import annotations

import argparse
import json

from .. import digest
from .arguments import (ArgumentParser, Subcommands, add_command, add_reading, add_working,
                        open_source)
from .progress import Progress
from .text import printable


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "digest", run, "print the SHA-256 of what a guest would read")
    add_reading(parser)
    add_working(parser)
    parser.add_argument("disk", metavar="DISK")


def run(options: argparse.Namespace) -> int:
    with open_source(options) as disk, \
            Progress("digest", quiet=options.quiet, forced=options.progress) as progress:
        sha256 = digest(disk, threads=options.threads, progress=progress)
        size, format_name = disk.size, disk.format
    if options.json:
        print(json.dumps({"filename": options.disk, "format": format_name, "virtual-size": size,
                          "algorithm": "sha256", "digest": sha256}, indent=2))
    else:
        print(f"{sha256}  {printable(options.disk)}")
    return 0
