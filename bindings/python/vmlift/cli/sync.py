"""vmlift sync: copying only what changed. Not there yet, and it says so."""

from __future__ import annotations

import argparse

from ..errors import UnsupportedFeature
from .arguments import ArgumentParser, Subcommands, add_command

STEPS = ("create", "pass", "status", "verify", "cutover", "rollback", "report")


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "sync", run, "copy only what changed (not there yet)")
    parser.add_argument("step", choices=STEPS, metavar="|".join(STEPS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="SESSION ...")


def run(options: argparse.Namespace) -> int:
    raise UnsupportedFeature(
        "UnsupportedFeature", f"'vmlift sync {options.step}' is not there yet; "
        "stop the machine and use 'vmlift migrate' or 'vmlift convert'")
