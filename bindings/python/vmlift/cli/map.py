"""vmlift map: where data, zeros and holes lie."""

from __future__ import annotations

import argparse
import json

from .. import DiskExtent
from .arguments import ArgumentParser, Subcommands, add_command, add_reading, open_source
from .snapshot import find
from .text import human_size, table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "map", run, "list where data, zeros and holes lie")
    add_reading(parser)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--bitmap", metavar="NAME",
                      help="list what this persistent bitmap marks instead; of an NBD export "
                           "qemu:allocation-depth is what lies in the top image itself")
    only.add_argument("--changed-since", metavar="SNAPSHOT",
                      help="list what was written since this snapshot instead, by name or id (RBD)")
    parser.add_argument("disk", metavar="DISK")


def run(options: argparse.Namespace) -> int:
    with open_source(options) as disk:
        if options.bitmap is not None:
            return show_ranges(disk.bitmap(options.bitmap), options.json)
        if options.changed_since is not None:
            snapshot = find(disk, options.changed_since)
            return show_ranges(disk.changes_since(snapshot.id), options.json)
        extents = disk.map()
    if options.json:
        print_list([document(extent) for extent in extents])
    else:
        print(text(extents), end="")
    return 0


def show_ranges(ranges: list[tuple[int, int]], as_json: bool) -> int:
    if as_json:
        print_list([{"start": offset, "length": length} for offset, length in ranges])
    else:
        print(table(["start", "length", ""],
                    [(offset, length, human_size(length)) for offset, length in ranges],
                    right=[0, 1, 2]), end="")
    return 0


def print_list(documents: list[dict[str, object]]) -> None:
    lines = ",\n".join(json.dumps(item) for item in documents)
    print(f"[{lines}]")


def document(extent: DiskExtent) -> dict[str, object]:
    result: dict[str, object] = {
        "start": extent.offset, "length": extent.length, "depth": extent.depth,
        "present": extent.present, "zero": extent.zero, "data": extent.data,
        "compressed": extent.compressed}
    if extent.host_offset is not None:
        result["offset"] = extent.host_offset
    return result


def text(extents: list[DiskExtent]) -> str:
    return table(
        ["start", "length", "", "content", "depth", "at byte of its file"],
        [(extent.offset, extent.length, human_size(extent.length), content(extent), extent.depth,
          extent.host_offset) for extent in extents], right=[0, 1, 2, 4, 5])


def content(extent: DiskExtent) -> str:
    if extent.compressed:
        return "compressed"
    if extent.data and not extent.zero:
        return "data"
    return "zeros" if extent.present else "hole"
