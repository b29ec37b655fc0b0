"""vmlift convert: one disk into another format."""

from __future__ import annotations

import argparse
import json

from .. import CopyReport, convert
from .arguments import (ArgumentParser, Subcommands, add_command, add_creating, add_reading,
                        add_working, creating, reading)
from .progress import Progress
from .text import duration, exact_size, fields, human_size, printable


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "convert", run, "copy a disk into another format",
        "Copies a disk into another format. The target gets its name when it is complete.")
    add_reading(parser)
    parser.add_argument("-O", dest="target_format", metavar="FMT", required=True,
                        help="the target's format")
    add_creating(parser)
    parser.add_argument("--digest", action="store_true",
                        help="tell the SHA-256 of what a guest would read")
    parser.add_argument("--bitmaps", action="store_true",
                        help="give the target the source's persistent bitmaps too")
    add_working(parser)
    parser.add_argument("source", metavar="SRC")
    parser.add_argument("target", metavar="DST")


def run(options: argparse.Namespace) -> int:
    with Progress("convert", quiet=options.quiet, forced=options.progress) as progress:
        report = convert(
            options.source, options.target, options.target_format, source_format=options.format,
            options=creating(options), compress=options.compress, overwrite=options.overwrite,
            verify=options.verify, digest=options.digest, bitmaps=options.bitmaps,
            threads=options.threads, source_options=dict(options.source_options),
            progress=progress, **reading(options))
    if options.json:
        print(json.dumps(document(options, report), indent=2))
    elif not options.quiet:
        print(text(options, report), end="")
    return 0


def document(options: argparse.Namespace, report: CopyReport) -> dict[str, object]:
    return {"source": options.source, "target": options.target, "format": options.target_format,
            "size": report.size, "data_bytes": report.data_bytes,
            "zero_bytes": report.zero_bytes, "encoded_bytes": report.encoded_bytes,
            "shared_bytes": report.shared_bytes, "seconds": report.seconds,
            "verified": report.verified, "sha256": report.sha256}


def text(options: argparse.Namespace, report: CopyReport) -> str:
    ways = [f"{human_size(size)} {how}" for size, how in (
        (report.encoded_bytes, "moved compressed"),
        (report.shared_bytes, "shared with the source")) if size]
    data = human_size(report.data_bytes) + (f", of them {', '.join(ways)}" if ways else "")
    # Holes cost nothing: only what is data tells how fast the copy was.
    rate = report.data_bytes / report.seconds if report.seconds >= 0.1 else 0
    return printable(options.target) + "\n" + fields([
        ("format", options.target_format),
        ("virtual size", exact_size(report.size)),
        ("data", data),
        ("zeros", human_size(report.zero_bytes)),
        ("time", duration(report.seconds) + (f", {human_size(rate)}/s of data" if rate else "")),
        ("verified", "read back and compared" if report.verified else None),
        ("sha256", report.sha256),
    ])
