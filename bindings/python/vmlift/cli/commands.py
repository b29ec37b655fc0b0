"""The commands there are, in the order in which the help lists them."""

from __future__ import annotations

from .._core import __version__
from . import (check, compare, convert, define, digest, fixup, formats, info, inspect, map,
               migrate, snapshot, sync, translate)
from .arguments import ArgumentParser

COMMANDS = (info, map, check, digest, convert, compare, inspect, translate, define, migrate,
            snapshot, sync, fixup, formats)


def build_parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="vmlift", description="Moves virtual machines across hypervisors.",
        epilog="DISK is a path, a URI, PACKAGE.ova!MEMBER, or - for a disk that comes through "
               "a pipe. 'vmlift COMMAND --help' tells more.")
    parser.add_argument("--version", action="version", version=f"vmlift {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True,
                                     dest="command")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
