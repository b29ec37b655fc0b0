"""vmlift define: machines become domains of a libvirt connection."""

from __future__ import annotations

import argparse
import sys

from .. import define
from .arguments import ArgumentParser, Subcommands, add_command
from .definition import (account_text, add_disks, add_hypervisor, add_opening, add_translating,
                         as_json, network_map)
from .text import printable
from .whole_file import write_whole


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "define", run, "define a machine on a libvirt host",
        "Defines the machines of a package or definition on a libvirt host, all or none. They are "
        "translated to what the host can do; a libvirt .xml is defined as it stands unless an "
        "option about its translation is given. An existing domain is never replaced. Disks are "
        "not opened.")
    add_opening(parser)
    parser.add_argument("--connect", metavar="URI", default="",
                        help="the libvirt connection (qemu:///system); otherwise libvirt's default")
    add_translating(parser)
    add_hypervisor(parser)
    add_disks(parser)
    parser.add_argument("--report", metavar="LOSS.json", help="write the account of every key")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing report")
    parser.add_argument("-q", "--quiet", action="store_true", help="no account on stderr")
    parser.add_argument("vm", metavar="VM")


def run(options: argparse.Namespace) -> int:
    defined = define(
        options.vm, connection=options.connect, profile=options.profile,
        decisions=dict(options.decisions), network_map=network_map(options),
        hypervisor=options.hypervisor, disk_directory=options.disks,
        disk_format=options.disk_format, configuration=options.configuration,
        references=options.references, limits=dict(options.limit))
    if options.report is not None and defined.report is not None:
        write_whole(options.report, as_json(defined.report), overwrite=options.overwrite)
    if options.json:
        print(as_json({"connection": defined.connection,
                       "domains": [each._asdict() for each in defined.domains],
                       "report": defined.report}), end="")
        return 0
    for domain in defined.domains:
        print(printable(f"{domain.name}  {domain.uuid}  {defined.connection}"))
    if not options.quiet and defined.report is not None:
        sys.stdout.flush()
        print(account_text(defined.report), end="", file=sys.stderr)
    return 0
