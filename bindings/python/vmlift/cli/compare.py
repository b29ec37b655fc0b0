"""vmlift compare: whether two disks hold the same bytes."""

from __future__ import annotations

import argparse
import json
import sys

from .. import Comparison, compare
from .arguments import ArgumentParser, Subcommands, add_command, add_reading, add_working
from .progress import Progress

DIFFERENT = 1


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "compare", run, "tell whether two disks hold the same bytes",
        "Compares what a guest would read. Exit status 0: the same, 1: different, 2: an error. "
        "Where the sizes differ, the rest of the longer disk must be zeros.")
    add_reading(parser)
    parser.add_argument("-F", dest="format_b", metavar="FMT", help="the second disk's format")
    parser.add_argument("--snapshot-b", metavar="NAME",
                        help="read this internal snapshot of the second disk")
    parser.add_argument("-s", "--strict", action="store_true",
                        help="different sizes are a difference")
    add_working(parser)
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")


def run(options: argparse.Namespace) -> int:
    with Progress("compare", quiet=options.quiet, forced=options.progress) as progress:
        outcome = compare(options.a, options.b, format_a=options.format, format_b=options.format_b,
                          ignore_size=not options.strict, threads=options.threads,
                          snapshot_a=options.snapshot, snapshot_b=options.snapshot_b,
                          references=options.references, limits=dict(options.limit),
                          allow_corrupt=options.allow_corrupt, allow_in_use=options.force_share,
                          options=dict(options.source_options), progress=progress)
    if options.json:
        print(json.dumps(document(outcome), indent=2))
    elif not options.quiet:
        tell(outcome)
    return 0 if outcome else DIFFERENT


def document(outcome: Comparison) -> dict[str, object]:
    return {"identical": outcome.identical, "first_difference": outcome.first_difference,
            "sizes": [outcome.size_a, outcome.size_b]}


def tell(outcome: Comparison) -> None:
    if outcome.size_a != outcome.size_b:
        print(f"vmlift: warning: the sizes differ: {outcome.size_a} and {outcome.size_b} bytes",
              file=sys.stderr)
    if outcome:
        print("The disks are identical.")
    else:
        print(f"The disks differ, first at byte {outcome.first_difference}.")
