"""vmlift inspect: the machines that packages and definitions describe."""

from __future__ import annotations

import argparse
from typing import Any

from .. import inspect
from . import assessment
from .arguments import ArgumentParser, Subcommands, add_command
from .definition import add_opening, as_json, warn
from .text import exact_size, fields, human_size, printable, table


def add_to(commands: "Subcommands[ArgumentParser]") -> None:
    parser = add_command(
        commands, "inspect", run, "show the machines in an .ova, .ovf, .vmx or libvirt .xml",
        "Shows the machines that an .ova, .ovf, .vmx or libvirt .xml defines. Disks are not "
        "opened.")
    add_opening(parser)
    parser.add_argument("--assess", action="store_true",
                        help="tell what to know or to solve before the machines are moved; VM may "
                        "also be a folder of many machines")
    parser.add_argument("vms", metavar="VM", nargs="+")


def run(options: argparse.Namespace) -> int:
    if options.assess:
        return assessment.run(options)
    documents = [inspect(vm, configuration=options.configuration, references=options.references,
                         limits=dict(options.limit)) for vm in options.vms]
    if options.json:
        # One package is the document itself.
        print(as_json(documents[0] if len(documents) == 1 else {"packages": [
            {"package": vm, **document} for vm, document in zip(options.vms, documents)]}), end="")
        return 0
    for index, (vm, document) in enumerate(zip(options.vms, documents)):
        if index > 0:
            print()
        show(document, vm)
    return 0


def show(document: dict[str, Any], vm: str) -> None:
    print("\n".join(machine_text(machine) for machine in document["machines"]), end="")
    if len(document["configurations"]) > 1:
        print("\nconfigurations: " + ", ".join(
            printable(each["id"]) + (" (default)" if each["default"] else "")
            for each in document["configurations"]))
    warn(document["warnings"], vm)
    for machine in document["machines"]:
        warn(machine["warnings"], vm)


def machine_text(machine: dict[str, Any]) -> str:
    result = f"{printable(machine['name'])}\n" + fields([
        ("annotation", machine["annotation"]),
        ("guest", guest(machine)),
        ("hardware version", machine["hardware_version"]),
        ("cpus", cpus(machine)),
        ("memory", None if machine["memory"] is None else exact_size(machine["memory"])),
        ("firmware", firmware(machine["firmware"])),
        ("tpm", "yes" if machine["tpm"] else None),
        ("uuid", machine["uuid"]),
        ("snapshots", ", ".join(each["name"] for each in machine["snapshots"])),
        ("state", ", ".join(word for word in ("suspended", "encrypted") if machine.get(word))),
    ])
    if machine["disks"]:
        result += "\n" + table(
            ["disk", "capacity", "mode", "source"],
            [(address(disk), None if disk["capacity"] is None else human_size(disk["capacity"]),
              disk["mode"], disk["source"] or "(blank)") for disk in machine["disks"]],
            right=[1], indent="  ")
    if machine["nics"]:
        result += "\n" + table(
            ["nic", "mac", "model", "network"],
            [(nic["index"], nic["mac"], nic["model"], nic["network"]) for nic in machine["nics"]],
            indent="  ")
    others = ([(each["kind"], address(each), each["source"]) for each in machine["media"]]
              + [(f"{each['bus']} controller", each["index"], each["model"])
                 for each in machine["controllers"]]
              + [("serial port", each["index"], each["kind"]) for each in machine["serials"]]
              + [("parallel port", each["index"], each["kind"]) for each in machine["parallels"]])
    if others:
        result += "\n" + table(["other", "place", "what"], others, indent="  ")
    return result


def address(device: dict[str, Any]) -> str:
    return f"{device['bus']}{device['controller']}:{device['unit']}"


def guest(machine: dict[str, Any]) -> object:
    description = machine.get("guest_os_description")
    return f"{machine['guest_os']} ({description})" if description else machine["guest_os"]


def cpus(machine: dict[str, Any]) -> object:
    cores = machine["cores_per_socket"]
    return machine["cpus"] if cores is None else f"{machine['cpus']}, {cores} in a socket"


def firmware(stated: dict[str, Any]) -> object:
    return f"{stated['type']}, secure boot" if stated["secure_boot"] else stated["type"]
