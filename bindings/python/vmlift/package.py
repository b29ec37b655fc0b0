"""Packages and the definitions in them: inspect and translate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from . import _core

if TYPE_CHECKING:
    from ._types import Location


class Document(NamedTuple):
    """A machine in another dialect. `file_name` is a safe suggestion."""

    machine: str
    file_name: str
    text: str


class Translation(NamedTuple):
    """The documents, one for each machine, and what became of every key of the source."""

    documents: list[Document]
    report: dict[str, Any]


class Package(_core.Package):
    """An OVA, an OVF or VMX beside its files, a libvirt domain beside its images.

    >>> with vmlift.Package("web-01.ova") as package:
    ...     package.definition["machines"][0]["name"]
    """

    @property
    def definition(self) -> dict[str, Any]:
        """What the package defines: the document of `vmlift inspect --json`."""
        return dict(json.loads(self.definition_json()))

    @property
    def concerns(self) -> list[dict[str, Any]]:
        """What to know or to solve before the machines are moved."""
        document = json.loads(self.concerns_json())
        return list(document["concerns"] if isinstance(document, dict) else document)

    def translate(self, to: str, *, profile: str = "", decisions: Mapping[str, str] = {},
                  network_map: Optional[str] = None, disk_directory: Optional[str] = None,
                  disk_format: Optional[str] = None, hypervisor: str = "",
                  capabilities: str = "") -> Translation:
        """Writes every machine in the dialect `to` ("libvirt", "ovf", "vmx", "kubevirt").

        `network_map` is the YAML text of a --map document, `hypervisor` what a libvirt domain
        runs under ("kvm", "qemu", "xen"), `capabilities` the domcapabilities XML of its host.
        """
        documents, report = self.translate_texts(
            to, profile=profile, decisions=decisions, network_map=network_map,
            disk_directory=disk_directory, disk_format=disk_format, hypervisor=hypervisor,
            capabilities=capabilities)
        return Translation([Document(*each) for each in documents], json.loads(report))

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def inspect(location: Location, *, configuration: str = "", references: Optional[str] = None,
            limits: Mapping[str, int] = {}) -> dict[str, Any]:
    """The definition(s) in an .ova, .ovf, .vmx or libvirt .xml."""
    return Package(location, configuration=configuration, references=references,
                   limits=limits).definition


def translate(location: Location, to: str, *, profile: str = "",
              decisions: Mapping[str, str] = {}, network_map: Optional[str] = None,
              disk_directory: Optional[str] = None, disk_format: Optional[str] = None,
              hypervisor: str = "", capabilities: str = "", configuration: str = "",
              references: Optional[str] = None, limits: Mapping[str, int] = {}) -> Translation:
    """The machines of a definition, in another dialect."""
    package = Package(location, configuration=configuration, references=references, limits=limits)
    return package.translate(to, profile=profile, decisions=decisions, network_map=network_map,
                             disk_directory=disk_directory, disk_format=disk_format,
                             hypervisor=hypervisor, capabilities=capabilities)
