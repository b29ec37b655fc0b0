"""vmlift info: what an image says about itself."""

from __future__ import annotations

import argparse
import json
import time

from .. import DiskInfo
from .arguments import ArgumentParser, Subcommands, add_command, add_reading, open_source
from .text import exact_size, fields, human_size, printable, table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(commands, "info", run, "tell what an image says about itself")
    add_reading(parser)
    parser.add_argument("disk", metavar="DISK")


def run(options: argparse.Namespace) -> int:
    with open_source(options) as disk:
        info = disk.info()
    if options.json:
        print(json.dumps(document(info), indent=2))
    else:
        print(text(info), end="")
    return 0


def document(info: DiskInfo) -> dict[str, object]:
    """qemu-img's names where the meaning is the same, our own beside them."""
    result: dict[str, object] = {
        "virtual-size": info.virtual_size,
        "filename": info.path,
        "format": info.format,
        "actual-size": info.stored_size,
        "cluster-size": info.unit_size or None,
        "compressed": info.compressed,
        "encrypted": info.encrypted,
        "dirty-flag": info.dirty,
        "corrupt": info.corrupt,
        "subformat": info.subformat or None,
        "backing-filename": info.backing_file,
        "backing-filename-format": info.backing_format,
        "data-file": info.data_file,
    }
    result = {key: value for key, value in result.items() if value is not None}
    if info.snapshots:
        result["snapshots"] = [
            {"id": snapshot.id, "name": snapshot.name, "date-sec": snapshot.created,
             "vm-clock-sec": 0, "virtual-size": snapshot.virtual_size}
            for snapshot in info.snapshots]
    if info.bitmaps:
        result["bitmaps"] = [
            {"name": bitmap.name, "granularity": bitmap.granularity, "enabled": bitmap.enabled,
             "consistent": bitmap.consistent}
            for bitmap in info.bitmaps]
    result["files"] = info.files
    result["format-specific"] = {"type": info.format, "data": {name: typed(name, value)
                                         for name, value in info.details.items()}}
    result["warnings"] = info.warnings
    return result


def typed(name: str, value: str) -> object:
    """A detail under the type that qemu-img gives it."""
    if value in ("true", "false"):
        return value == "true"
    if name in ("cid", "parent-cid"):
        return int(value, 16)
    return int(value) if name == "refcount-bits" else value


def text(info: DiskInfo) -> str:
    kind = info.format
    if info.subformat and info.subformat != info.format:
        kind += f" ({info.subformat})"
    marks = [name for name, is_set in (("compressed", info.compressed),
                                       ("encrypted", info.encrypted), ("dirty", info.dirty),
                                       ("corrupt", info.corrupt)) if is_set]
    backing = info.backing_file
    if backing and info.backing_format:
        backing += f" ({info.backing_format})"
    result = printable(info.path) + "\n" + fields([
        ("format", kind),
        ("virtual size", exact_size(info.virtual_size)),
        ("stored size", None if info.stored_size is None else exact_size(info.stored_size)),
        ("unit size", exact_size(info.unit_size) if info.unit_size else None),
        ("marks", ", ".join(marks)),
        ("parent", backing),
        ("data file", info.data_file),
        ("files", ", ".join(info.files)),
        *info.details.items(),
        *(("warning", warning) for warning in info.warnings),
    ])
    if info.snapshots:
        result += "\n" + table(
            ["snapshot", "name", "size", "made"],
            [(snapshot.id, snapshot.name, human_size(snapshot.virtual_size),
              time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(snapshot.created)))
             for snapshot in info.snapshots], right=[2], indent="  ")
    if info.bitmaps:
        result += "\n" + table(
            ["bitmap", "granularity", "state"],
            [(bitmap.name, human_size(bitmap.granularity),
              "inconsistent" if not bitmap.consistent
              else "recording" if bitmap.enabled else "stopped")
             for bitmap in info.bitmaps], right=[1], indent="  ")
    return result
