"""vmlift check: whether an image's own structure is sound."""

from __future__ import annotations

import argparse
import json

from .. import CheckReport
from .arguments import ArgumentParser, Subcommands, add_command, add_reading, open_source
from .text import count, fields, printable

DAMAGED = 1


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "check", run, "test an image's own structure",
                         "Tests an image's own structure. Exit status 1 where it found damage.")
    add_reading(parser)
    parser.add_argument("disk", metavar="DISK")


def run(options: argparse.Namespace) -> int:
    with open_source(options) as disk:
        report = disk.check()
        format_name = disk.format
    if options.json:
        print(json.dumps(document(options.disk, format_name, report), indent=2))
    else:
        print(text(options.disk, report), end="")
    return 0 if report.clean else DAMAGED


def document(name: str, format_name: str, report: CheckReport) -> dict[str, object]:
    """qemu-img's names where the meaning is the same."""
    return {"filename": name, "format": format_name, "check-errors": 0,
            "total-clusters": report.total_units, "allocated-clusters": report.allocated_units,
            "compressed-clusters": report.compressed_units, "leaks": report.leaked_units,
            "corruptions": report.corrupt_units, "clean": report.clean,
            "findings": report.findings}


def text(name: str, report: CheckReport) -> str:
    verdict = "sound" if report.clean else "damaged"
    result = f"{printable(name)}: {verdict}\n" + fields([
        ("units", f"{report.total_units}, of them {report.allocated_units} allocated, "
                  f"{report.compressed_units} compressed"),
        ("leaked", report.leaked_units or None),
        ("corrupt", report.corrupt_units or None),
    ])
    if report.findings:
        result += f"\n  {count(len(report.findings), 'finding')}:\n"
        result += "".join(f"    {printable(finding)}\n" for finding in report.findings)
    return result
