"""Whole machines: a package becomes disks and a libvirt domain in a folder, or an OVA."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Mapping, Optional

from . import _core

if TYPE_CHECKING:
    from ._types import Location, StageCallback


class Migration(_core.Migration):
    """First the plan, which writes nothing; then run(), which is all or nothing."""

    @property
    def plan(self) -> dict[str, Any]:
        """What run() would do."""
        return dict(json.loads(self.plan_json()))

    @property
    def report(self) -> dict[str, Any]:
        """What becomes of every key of the source."""
        return dict(json.loads(self.account_json()))

    def run(self, *, progress: Optional[StageCallback] = None) -> dict[str, Any]:
        """Copies every disk, checks the manifest, then gives all results their names."""
        return dict(json.loads(self.run_json(progress=progress)))


def migrate(package: Location, destination: Location, *, disk_place: str = "",
            disk_format: str = "", disk_options: Mapping[str, str] = {}, compress: bool = False,
            overwrite: bool = False, sources: Mapping[str, str] = {},
            source_options: Mapping[str, str] = {}, profile: str = "",
            decisions: Mapping[str, str] = {},
            network_map: Optional[str] = None, configuration: str = "",
            ignore_locks: bool = False, resume: bool = False, verify: bool = False,
            threads: int = 0, references: Optional[str] = None, limits: Mapping[str, int] = {},
            progress: Optional[StageCallback] = None) -> dict[str, Any]:
    """Plans a migration and runs it; returns what was written.

    `destination` is a folder, for disks ("qcow2" or "raw") and libvirt domains; or an .ova, for an
    OVF of one machine with its disks. `disk_place` sends the disks elsewhere: another folder,
    "rbd:POOL[/NAMESPACE]", or an NBD server whose exports have the disks' names. `sources` says
    by address ("scsi0:0") which disks are read from elsewhere than the definition says, as
    `open_disk` takes them; `source_options` are theirs.
    """
    migration = Migration(
        package, destination, disk_place=disk_place, disk_format=disk_format,
        disk_options=disk_options, compress=compress, overwrite=overwrite, sources=sources,
        source_options=source_options, profile=profile, decisions=decisions,
        network_map=network_map, configuration=configuration, ignore_locks=ignore_locks,
        resume=resume, verify=verify, threads=threads, references=references, limits=limits)
    return migration.run(progress=progress)
