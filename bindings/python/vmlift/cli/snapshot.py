"""vmlift snapshot: the points in time that a disk holds."""

from __future__ import annotations

import argparse
import json
import time
from typing import Callable

from .. import Disk, InvalidArgument, NotFound, SnapshotInfo, open_disk
from .arguments import ArgumentParser, Subcommands, add_command, add_reading, open_source, reading
from .text import human_size, printable, table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "snapshot", run, "list, take, remove, clone or go back to a disk's snapshots",
        "The snapshots of a disk: listed for RBD and qcow2 images; taken (create), removed "
        "(delete), gone back to (rollback) and made into a new disk (clone) for RBD images.")
    add_reading(parser)
    parser.add_argument("step", choices=STEPS, metavar="|".join(STEPS))
    parser.add_argument("disk", metavar="DISK")
    parser.add_argument("name", metavar="NAME", nargs="?",
                        help="the new snapshot's name, or the name or id of one")
    parser.add_argument("target", metavar="NEW", nargs="?", help="clone: the new disk's location")


def run(options: argparse.Namespace) -> int:
    step, wanted = STEPS[options.step]
    given = [word for word in (options.name, options.target) if word is not None]
    if len(given) != len(wanted):
        raise InvalidArgument("InvalidArgument", f"it is 'vmlift snapshot {options.step} "
                                                 f"{' '.join(['DISK', *wanted])}'")
    return step(options)


def list_all(options: argparse.Namespace) -> int:
    with open_source(options) as disk:
        snapshots = disk.info().snapshots
    if options.json:
        print(json.dumps([document(each) for each in snapshots], indent=2))
    elif snapshots:
        print(table(["id", "name", "size", "made"],
                    [(each.id, each.name, human_size(each.virtual_size), made(each))
                     for each in snapshots], right=[2]), end="")
    else:
        print("no snapshots")
    return 0


def create(options: argparse.Namespace) -> int:
    with open_for_change(options) as disk:
        taken = disk.take_snapshot(options.name)
    return tell(options, taken, f"taken: {printable(taken.name)}, id {printable(taken.id)}")


def delete(options: argparse.Namespace) -> int:
    with open_for_change(options) as disk:
        found = find(disk, options.name)
        disk.remove_snapshot(found.id)
    return tell(options, found, f"removed: {printable(found.name)}")


def roll_back(options: argparse.Namespace) -> int:
    with open_for_change(options) as disk:
        found = find(disk, options.name)
        disk.roll_back(found.id)
    return tell(options, found, f"rolled back to: {printable(found.name)}")


def clone(options: argparse.Namespace) -> int:
    with open_for_change(options) as disk:
        found = find(disk, options.name)
        disk.clone_snapshot(found.id, options.target)
    return tell(options, found, f"cloned: {printable(found.name)} as {printable(options.target)}")


def open_for_change(options: argparse.Namespace) -> Disk:
    return open_disk(options.disk, format=options.format, writable=True,
                     options=dict(options.source_options), **reading(options))


def find(disk: Disk, wanted: str) -> SnapshotInfo:
    """By its name, else by its id; ids are never used again, names may be."""
    snapshots = disk.info().snapshots
    for found in ([each for each in snapshots if each.name == wanted] or
                  [each for each in snapshots if each.id == wanted]):
        return found
    raise NotFound("NotFound", f"there is no snapshot '{wanted}'; "
                               "'vmlift snapshot list' lists them", path=disk.location)


def tell(options: argparse.Namespace, snapshot: SnapshotInfo, line: str) -> int:
    print(json.dumps(document(snapshot), indent=2) if options.json else line)
    return 0


def document(snapshot: SnapshotInfo) -> dict[str, object]:
    return {"id": snapshot.id, "name": snapshot.name, "date-sec": snapshot.created,
            "virtual-size": snapshot.virtual_size}


def made(snapshot: SnapshotInfo) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(snapshot.created))


# What each step does, and the arguments it takes behind DISK.
STEPS: dict[str, tuple[Callable[[argparse.Namespace], int], tuple[str, ...]]] = {
    "list": (list_all, ()), "create": (create, ("NAME",)), "delete": (delete, ("NAME",)),
    "rollback": (roll_back, ("NAME",)), "clone": (clone, ("NAME", "NEW"))}
