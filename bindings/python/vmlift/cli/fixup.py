"""vmlift fixup: making a guest boot on new hardware. Not there yet, and it says so."""

from __future__ import annotations

import argparse

from ..errors import UnsupportedFeature
from .arguments import ArgumentParser, Subcommands, add_command


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "fixup", run,
                         "make a guest boot on new hardware (not there yet)")
    parser.add_argument("step", choices=("plan", "apply"), metavar="plan|apply")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="DISK ...")


def run(options: argparse.Namespace) -> int:
    raise UnsupportedFeature(
        "UnsupportedFeature", f"'vmlift fixup {options.step}' is not there yet; the profile "
        "boot-safe gives the machine hardware that its guest already has drivers for")
