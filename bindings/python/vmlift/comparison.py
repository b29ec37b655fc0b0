"""Comparing two disks by what a guest would read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, NamedTuple, Optional

from . import _core

if TYPE_CHECKING:
    from ._types import Location, ProgressCallback


class Comparison(NamedTuple):
    """The outcome; true where the disks are the same."""

    #: The first byte that differs, None where none does.
    first_difference: Optional[int]
    size_a: int
    size_b: int

    @property
    def identical(self) -> bool:
        return self.first_difference is None

    def __bool__(self) -> bool:
        return self.identical


def compare(a: Location, b: Location, *, format_a: Optional[str] = None,
            format_b: Optional[str] = None, ignore_size: bool = False, threads: int = 0,
            snapshot_a: Optional[str] = None, snapshot_b: Optional[str] = None,
            references: Optional[str] = None, limits: Mapping[str, int] = {},
            allow_corrupt: bool = False, allow_in_use: bool = False,
            options: Mapping[str, str] = {},
            progress: Optional[ProgressCallback] = None) -> Comparison:
    """Compares two disks. With `ignore_size` the longer one may go on in zeros."""
    def opened(location: Location, format_name: Optional[str],
               snapshot: Optional[str]) -> _core.Disk:
        return _core.open_disk(location, format=format_name, snapshot=snapshot,
                               references=references, limits=limits,
                               allow_corrupt=allow_corrupt, allow_in_use=allow_in_use,
                               options=options, progress=progress)

    with opened(a, format_a, snapshot_a) as disk_a, \
            opened(b, format_b, snapshot_b) as disk_b:
        difference = _core.first_difference(disk_a, disk_b, ignore_size=ignore_size,
                                            threads=threads, progress=progress)
        return Comparison(difference, disk_a.size, disk_b.size)
