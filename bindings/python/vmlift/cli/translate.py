"""vmlift translate: a definition in another dialect, with an account of every key."""

from __future__ import annotations

import argparse
import os
import sys

from .. import Document, Migration, Translation, translate
from ..errors import InvalidArgument
from .arguments import ArgumentParser, Subcommands, add_command
from .definition import (account_text, add_disks, add_hypervisor, add_opening, add_translating,
                         as_json, network_map, text_file)
from .progress import Progress
from .text import printable
from .whole_file import write_whole


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "translate", run, "write a definition in another dialect",
        "Writes the machines of a definition in another dialect. Disks are not opened. What "
        "became of the source's settings is told on stderr and in the report. With --to ovf and "
        "-o X.ova the disks are copied too: that is 'vmlift migrate --to X.ova'.")
    add_opening(parser)
    parser.add_argument("--to", required=True, metavar="DIALECT",
                        help="libvirt, ovf, vmx, kubevirt, qm, openstack or xl")
    add_translating(parser)
    add_hypervisor(parser)
    parser.add_argument("--capabilities", metavar="DOMCAPS.xml",
                        help="what the target host can do: libvirt's domcapabilities")
    add_disks(parser)
    parser.add_argument("-o", dest="out", metavar="OUT",
                        help="the file to write, or a folder; otherwise stdout")
    parser.add_argument("--report", metavar="LOSS.json", help="write the account of every key")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    parser.add_argument("-q", "--quiet", action="store_true", help="no account on stderr")
    parser.add_argument("vm", metavar="VM")


def run(options: argparse.Namespace) -> int:
    if options.to == "ovf" and options.out is not None and options.out.lower().endswith(".ova"):
        return write_ova(options)
    translation = translate(
        options.vm, options.to, profile=options.profile, decisions=dict(options.decisions),
        network_map=network_map(options), disk_directory=options.disks,
        disk_format=options.disk_format, hypervisor=options.hypervisor,
        capabilities=text_file(options.capabilities, "capabilities") or "",
        configuration=options.configuration,
        references=options.references, limits=dict(options.limit))
    files = destinations(translation.documents, options.out)
    for document, path in zip(translation.documents, files):
        write_whole(path, document.text, overwrite=options.overwrite)
    if options.report is not None:
        write_whole(options.report, as_json(translation.report), overwrite=options.overwrite)
    if options.json:
        print(as_json(outline(translation, files)), end="")
        return 0
    if not files:
        for document in translation.documents:
            print(document.text, end="")
    if not options.quiet:
        for path in files:
            print(printable(path))
        sys.stdout.flush()
        print(account_text(translation.report), end="", file=sys.stderr)
    return 0


def write_ova(options: argparse.Namespace) -> int:
    """An OVA holds the disks too: a migration, whose report goes where this command's does."""
    for given, name in ((options.disks, "--disks"), (options.hypervisor, "--hypervisor"),
                        (options.capabilities, "--capabilities")):
        if given:
            raise InvalidArgument("InvalidArgument", f"{name} means nothing to an OVA")
    migration = Migration(
        options.vm, options.out, disk_format=options.disk_format or "",
        overwrite=options.overwrite, profile=options.profile, decisions=dict(options.decisions),
        network_map=network_map(options), configuration=options.configuration,
        references=options.references, limits=dict(options.limit))
    with Progress("translate", quiet=options.quiet or options.json) as progress:
        done = migration.run(progress=lambda _, done, total: progress(done, total))
    if options.report is not None:
        write_whole(options.report, as_json(migration.report), overwrite=options.overwrite)
    if options.json:
        print(as_json({"migration": done, "report": migration.report}), end="")
    elif not options.quiet:
        print(printable(options.out))
        sys.stdout.flush()
        print(account_text(migration.report), end="", file=sys.stderr)
    return 0


def destinations(documents: list[Document], out: str | None) -> list[str]:
    """The files that the documents go to; none when they go to stdout."""
    if out is None:
        return []
    if os.path.isdir(out):
        return [os.path.join(out, document.file_name) for document in documents]
    if len(documents) > 1:
        names = ", ".join(document.machine for document in documents)
        raise InvalidArgument(
            "InvalidArgument", f"{len(documents)} machines ({names}) do not go into one file; "
            "name a folder with -o", out)
    return [out]


def outline(translation: Translation, files: list[str]) -> dict[str, object]:
    documents = [
        {"machine": document.machine, "file_name": document.file_name,
         "path": files[index] if files else None, "text": document.text}
        for index, document in enumerate(translation.documents)]
    return {"documents": documents, "report": translation.report}
