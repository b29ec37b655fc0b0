"""What inspect, translate and migrate share: their options, and how an account reads."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from typing import Any, Optional

from ..errors import InvalidArgument
from .arguments import ArgumentParser, REFERENCES, key_value, limit
from .text import fields, printable


def add_opening(parser: ArgumentParser) -> None:
    """What says how a package is opened."""
    parser.add_argument("--configuration", default="", metavar="ID",
                        help="the OVF's deployment option; otherwise its default")
    parser.add_argument("--references", metavar="POLICY",
                        help=f"what the definition may refer to: {REFERENCES}")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", type=limit,
                        help="raise or lower a bound on what the input may claim")


def add_translating(parser: ArgumentParser) -> None:
    """What says how a definition is translated."""
    parser.add_argument("--profile", default="", metavar="PROFILE",
                        help="boot-safe (the default), tuned or vmware-compat")
    parser.add_argument("--set", dest="decisions", action="append", default=[], type=key_value,
                        metavar="DECISION=VALUE", help="make a choice; the report lists them")
    parser.add_argument("--map", metavar="MAP.yaml", help="where the source's networks go")


def add_hypervisor(parser: ArgumentParser) -> None:
    parser.add_argument("--hypervisor", "--target", default="", metavar="KIND",
                        help="what a libvirt domain runs under: kvm (the default), qemu or xen")


def add_disks(parser: ArgumentParser) -> None:
    """Where a definition will find its disks."""
    parser.add_argument("-O", dest="disk_format", metavar="FMT",
                        help="the format that the disks will have")
    parser.add_argument("--disks", metavar="DIR", help="the folder that they will be in")


def text_file(path: Optional[str], what: str) -> Optional[str]:
    """The text of a file that an option names."""
    if path is None:
        return None
    with open(path, "rb") as file:
        content = file.read()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument("InvalidArgument", f"the {what} is not UTF-8 text", path,
                              error.start) from None


def network_map(options: argparse.Namespace) -> Optional[str]:
    """The text of the --map file."""
    return text_file(options.map, "map")


def account_text(report: dict[str, Any]) -> str:
    """How many settings ended how, and what became of those that did not simply pass."""
    entries = report["entries"]
    counts = Counter(entry["status"] for entry in entries)
    order = ("kept", "mapped", "defaulted", "dropped", "needs-action")
    result = f"{len(entries)} settings: " + ", ".join(
        f"{counts[status]} {status}" for status in order if counts[status]) + "\n"
    for status, word in (("dropped", "reason"), ("needs-action", "action")):
        groups = grouped([entry for entry in entries if entry["status"] == status], word)
        if groups:
            result += f"\n{status}:\n" + "".join(
                f"  {printable(words)}\n    {printable(settings)}\n" for words, settings in groups)
    return result


def grouped(entries: list[dict[str, Any]], word: str) -> list[tuple[str, str]]:
    """The settings that share a reason or action, with the first few by name."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        groups.setdefault(entry[word], []).append(f"{entry['key']} = {shortened(entry['value'])}")
    shown = 2
    return [(words, "; ".join(settings[:shown])
             + (f"; and {len(settings) - shown} more" if len(settings) > shown else ""))
            for words, settings in groups.items()]


def decisions_text(report: dict[str, Any]) -> str:
    """The choices made, which --set can make otherwise."""
    return "decisions (--set NAME=VALUE makes another):\n" + fields(
        [(decision["name"], f"{decision['value']}: {decision['reason']}")
         for decision in report["decisions"]])


def shortened(value: str, width: int = 40) -> str:
    return value if len(value) <= width else value[:width - 3] + "..."


def warn(warnings: list[dict[str, Any]], name: str) -> None:
    """What reading went on after, to stderr."""
    for warning in warnings:
        place = f"{name}:{warning['line']}" if warning.get("line") else name
        key = f"{warning['key']}: " if warning.get("key") else ""
        print("vmlift: warning: " + printable(f"{place}: {key}{warning['message']}"),
              file=sys.stderr)


def as_json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
