"""What to know before machines are moved, over many packages: the input to planning waves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Optional, Sequence

from .errors import Error
from .package import Package

if TYPE_CHECKING:
    from ._types import Location

SEVERITIES = ("blocker", "warning", "info")
DEFINITIONS = (".ova", ".ovf", ".vmx")


def assess(locations: Sequence[Location], *, references: Optional[str] = None,
           limits: Mapping[str, int] = {}) -> dict[str, Any]:
    """Concerns about every machine of every package: the document of `inspect --assess --json`.

    A folder stands for every .ova, .ovf and .vmx below it. A package that cannot be read is among
    the `errors`; the others are assessed all the same.
    """
    machines: list[dict[str, Any]] = []
    concerns: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for location in locations:
        for path in packages_at(os.fsdecode(location)):
            try:
                package = Package(path, references=references, limits=limits)
            except Error as error:
                errors.append({"package": path, "code": error.code, "message": error.message,
                               "path": error.path, "offset": error.offset})
                continue
            found = [{"package": path, **concern} for concern in package.concerns]
            concerns += found
            machines += [machine_outline(path, machine, found)
                         for machine in package.definition["machines"]]
    return {"machines": machines, "concerns": concerns, "errors": errors}


def packages_at(path: str) -> Iterator[str]:
    """The package itself, or every one below a folder, in the order of their names."""
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(files)
                    if name.lower().endswith(DEFINITIONS))


def machine_outline(package: str, machine: dict[str, Any],
                    concerns: list[dict[str, Any]]) -> dict[str, Any]:
    """One machine's size and how many concerns there are about it."""
    own = [each["severity"] for each in concerns if each["machine"] == machine["name"]]
    counts = {severity: own.count(severity) for severity in SEVERITIES}
    capacities = [disk["capacity"] for disk in machine["disks"]]
    return {
        "package": package, "name": machine["name"], "guest_os": machine["guest_os"],
        "cpus": machine["cpus"], "memory": machine["memory"], "disks": len(capacities),
        "capacity": None if None in capacities else sum(capacities), "concerns": counts,
        "severity": next((severity for severity in SEVERITIES if counts[severity]), None)}
