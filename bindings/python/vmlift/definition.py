"""Machines on their host: a definition becomes domains of a libvirt connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from ._core import LibvirtHost
from .package import Package

if TYPE_CHECKING:
    from ._types import Location


class Domain(NamedTuple):
    """A domain as its host knows it."""

    name: str
    uuid: str


class Definition(NamedTuple):
    """What was defined where, and what became of every key of the source.

    `report` is None for a domain XML that was defined as it stands.
    """

    connection: str
    domains: list[Domain]
    report: Optional[dict[str, Any]]


def define(location: Location, *, connection: str = "", profile: str = "",
           decisions: Mapping[str, str] = {}, network_map: Optional[str] = None,
           hypervisor: str = "", disk_directory: Optional[str] = None,
           disk_format: Optional[str] = None, configuration: str = "",
           references: Optional[str] = None, limits: Mapping[str, int] = {}) -> Definition:
    """Defines the machines of a package, or none, on the libvirt connection `connection`.

    They are translated with what the host says it can do. A libvirt domain XML is defined as it
    stands unless something of its translation is stated. A domain of the same name or UUID is
    never replaced: Exists. Disks are not looked at. Without libvirt: UnsupportedFeature.
    """
    package = Package(location, configuration=configuration, references=references, limits=limits)
    stated = (profile, decisions, network_map, hypervisor, disk_directory, disk_format)
    host = LibvirtHost(connection)
    if package.kind == "libvirt" and not any(stated):
        return Definition(host.uri, defined(host, [package.definition_text]), None)
    # The same kind of guest is asked about and written.
    hypervisor = hypervisor or ("xen" if host.uri.startswith("xen") else "kvm")
    documents, report = package.translate(
        "libvirt", profile=profile, decisions=decisions, network_map=network_map,
        hypervisor=hypervisor, disk_directory=disk_directory, disk_format=disk_format,
        capabilities=host.capabilities(hypervisor))
    return Definition(host.uri, defined(host, [each.text for each in documents]), report)


def defined(host: LibvirtHost, texts: list[str]) -> list[Domain]:
    return [Domain(*each) for each in host.define(texts)]
