"""vmlift formats: the table of formats, with what can be done with each."""

from __future__ import annotations

import argparse
import json

from .. import Format, Subformat, formats
from .arguments import ArgumentParser, Subcommands, add_command
from .text import table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "formats", run, "list the disk formats and their -o options")
    parser.add_argument("--markdown", action="store_true",
                        help="print the table as the project's README has it")


def run(options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps({"formats": [document(entry) for entry in formats()]}, indent=2))
    elif options.markdown:
        print(markdown(), end="")
    else:
        print(text(), end="")
    return 0


def document(entry: Format) -> dict[str, object]:
    return {
        "name": entry.name, "description": entry.description, "probed": entry.probed,
        "schemes": entry.schemes,
        "subformats": [{"name": kind.name, "read": kind.read, "write": kind.write,
                        "create": kind.create} for kind in entry.subformats],
        "options": [{"name": option.name, "values": option.values, "meaning": option.meaning}
                    for option in entry.options]}


def abilities(kind: Subformat) -> tuple[str, str, str]:
    yes_no = {True: "yes", False: "no"}
    return yes_no[kind.read], yes_no[kind.write], yes_no[kind.create]


def markdown() -> str:
    result = "| format | kind | read | write in place | create |\n|---|---|---|---|---|\n"
    for entry in formats():
        for kind in entry.subformats:
            result += f"| {entry.name} | {kind.name} | {' | '.join(abilities(kind))} |\n"
    return result


def text() -> str:
    result = table(["format", "kind", "read", "write", "create"],
                   [(entry.name, kind.name, *abilities(kind))
                    for entry in formats() for kind in entry.subformats])
    for entry in formats():
        if entry.options:
            result += f"\nOptions of {entry.name} (-o KEY=VALUE,...):\n"
            result += table(["option", "takes", "meaning"],
                            [(option.name, option.values, option.meaning)
                             for option in entry.options], indent="  ")
    return result
