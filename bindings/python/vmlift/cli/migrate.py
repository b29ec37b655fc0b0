"""vmlift migrate: a package becomes disks and a domain in a folder, or an OVA."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .. import Migration
from .arguments import (ArgumentParser, Subcommands, add_command, add_creating, add_working,
                        creating, key_value)
from .definition import (account_text, add_opening, add_translating, as_json, decisions_text,
                         network_map)
from .progress import Progress
from .text import count, duration, exact_size, fields, human_size, printable, table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "migrate", run, "turn a machine into disks and a libvirt domain, or an OVA",
        "Turns the machines of a package into disks, libvirt domains and a loss report in a "
        "folder; or one machine into an OVA with its report beside it. Everything gets its "
        "name at the end, or nothing does.")
    add_opening(parser)
    parser.add_argument("--to", required=True, metavar="DEST", dest="destination",
                        help="the folder for the results, or an .ova")
    parser.add_argument("-O", dest="disk_format", metavar="FMT", default="",
                        help="the disks' format: qcow2 (the default) or raw; in an .ova vmdk")
    parser.add_argument("--disks", default="", metavar="PLACE",
                        help="where the disks go instead: another folder, rbd:POOL[/NAMESPACE], or "
                        "an NBD server (nbd://HOST) with an export for each disk")
    parser.add_argument("--source", action="append", default=[], type=key_value, dest="sources",
                        metavar="ADDRESS=DISK",
                        help="read a disk from elsewhere than the definition says "
                        "(scsi0:0=nbd://HOST)")
    parser.add_argument("--source-option", dest="source_options", action="append", default=[],
                        metavar="KEY=VALUE", type=key_value,
                        help="an option of the formats that --source names")
    add_creating(parser)
    add_translating(parser)
    parser.add_argument("--plan", action="store_true", help="show what would be done, do nothing")
    parser.add_argument("--no-fixup", action="store_true",
                        help="leave the guest's inside alone (nothing changes it yet)")
    parser.add_argument("--resume", action="store_true", help="go on where a run was interrupted")
    parser.add_argument("--ignore-locks", action="store_true",
                        help="go on although lock files say that the machine is open")
    add_working(parser)
    parser.add_argument("vm", metavar="VM")


def run(options: argparse.Namespace) -> int:
    migration = Migration(
        options.vm, options.destination, disk_place=options.disks,
        disk_format=options.disk_format, disk_options=creating(options),
        compress=options.compress, overwrite=options.overwrite, sources=dict(options.sources),
        source_options=dict(options.source_options), profile=options.profile,
        decisions=dict(options.decisions),
        network_map=network_map(options), configuration=options.configuration,
        ignore_locks=options.ignore_locks, resume=options.resume, verify=options.verify,
        threads=options.threads, references=options.references, limits=dict(options.limit))
    plan = migration.plan
    if options.plan:
        print(as_json(plan) if options.json else plan_text(plan, migration.report), end="")
        return 0
    with Progress("migrate", quiet=options.quiet, forced=options.progress) as progress:
        def show(stage: str, done: int, total: int) -> None:
            progress.title = stage
            progress(done, total)
        done = migration.run(progress=show)
    if options.json:
        print(as_json({"migration": done, "plan": plan}), end="")
    elif not options.quiet:
        print(done_text(done), end="")
        sys.stdout.flush()
        print("\n" + account_text(migration.report), end="", file=sys.stderr)
    return 0


def plan_text(plan: dict[str, Any], report: dict[str, Any]) -> str:
    machines = plan["machines"]
    result = f"{printable(plan['package'])} -> {printable(plan['destination'])}\n" + fields([
        ("machines", ", ".join(machines)),
        ("manifest", manifest_plan(plan)),
    ])
    result += "\n" + table(
        ["disk", "capacity", "stored", "from", "to"],
        [(disk["address"], human_size(disk["capacity"]),
          human_size(disk["stored_size"]) if disk["stored_size"] else None,
          disk["source"] or "(blank)", disk["target"]) for disk in plan["disks"]],
        right=[1, 2], indent="  ")
    result += "\n" + table(["file", "machine", "to"],
                           [(file["kind"], file["machine"] or "all", file["path"])
                            for file in plan["files"]], indent="  ")
    concerns = concerns_of(plan)
    if concerns:
        result += "\n" + table(
            ["concern", "machine", "what", "what to do"],
            [(each["severity"], each["machine"], each["message"], each["action"])
             for each in concerns], indent="  ")
    return result + "\n" + account_text(report) + "\n" + decisions_text(report)


def concerns_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    concerns = plan["concerns"]
    return list(concerns["concerns"] if isinstance(concerns, dict) else concerns)


def manifest_plan(plan: dict[str, Any]) -> str:
    manifest = plan["manifest"]
    return "none" if manifest is None else f"{count(manifest['entries'], 'digest')} to check"


def done_text(done: dict[str, Any]) -> str:
    manifest = done["manifest"]
    verified = None if manifest is None else (
        f"{count(manifest['files'], 'file')} of {human_size(manifest['bytes'])} as listed")
    result = fields([(file["kind"], file["path"]) for file in done["files"]], indent="")
    for disk in done["disks"]:
        result += printable(disk["target"]) + "\n" + fields([
            ("virtual size", exact_size(disk["size"])),
            ("data", human_size(disk["data_bytes"])),
            ("verified", "read back and compared" if disk["verified"] else None)])
    return result + fields([
        ("manifest", verified),
        ("unlisted", ", ".join(manifest["unlisted"]) if manifest else None),
        ("time", duration(done["seconds"]))], indent="")
