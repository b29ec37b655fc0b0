"""How `vmlift inspect --assess` tells its findings."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..assessment import SEVERITIES, assess
from ..errors import InvalidArgument
from .definition import as_json
from .failure import EXIT_STATUS
from .text import count, human_size, printable, table


def run(options: argparse.Namespace) -> int:
    """Exit status 2 when a package could not be read; the others are told all the same."""
    if options.configuration:
        raise InvalidArgument("InvalidArgument", "--assess looks at default configurations only")
    found = assess(options.vms, references=options.references, limits=dict(options.limit))
    if options.json:
        print(as_json(found), end="")
    else:
        print(assessment_text(found), end="")
        sys.stdout.flush()
        for error in found["errors"]:
            print("vmlift: " + printable(f"error[{error['code']}]: {error['package']}: "
                                         f"{error['message']}"), file=sys.stderr)
    return EXIT_STATUS if found["errors"] else 0


def assessment_text(found: dict[str, Any]) -> str:
    """The machines with their sizes and counts, then the concerns of each."""
    machines = found["machines"]
    if not machines:
        return "no machines\n"
    result = table(
        ["machine", "guest", "cpus", "memory", "disks", *(f"{each}s" for each in SEVERITIES),
         "package"],
        [(machine["name"], machine["guest_os"], machine["cpus"], size(machine["memory"]),
          disks(machine), *(machine["concerns"][each] or "-" for each in SEVERITIES),
          machine["package"]) for machine in machines],
        right=[2, 3, 5, 6, 7])
    for machine in machines:
        concerns = [each for each in found["concerns"]
                    if (each["package"], each["machine"]) == (machine["package"], machine["name"])]
        if concerns:
            result += f"\n{printable(machine['name'])}\n" + "".join(map(concern_text, concerns))
    return result + "\n" + summary(machines) + "\n"


def concern_text(concern: dict[str, Any]) -> str:
    return printable(f"  {concern['severity']:<8} {concern['key']}: {concern['message']}; "
                     f"{concern['action']}") + "\n"


def summary(machines: list[dict[str, Any]]) -> str:
    blocked = sum(machine["severity"] == "blocker" for machine in machines)
    warned = sum(machine["severity"] == "warning" for machine in machines)
    return (f"{count(len(machines), 'machine')}: {blocked} with blockers, {warned} with warnings, "
            f"{len(machines) - blocked - warned} ready")


def size(memory: object) -> object:
    return human_size(memory) if isinstance(memory, int) else None


def disks(machine: dict[str, Any]) -> str:
    capacity = machine["capacity"]
    total = f", {human_size(capacity)}" if capacity and machine["disks"] else ""
    return f"{machine['disks']}{total}"
