"""The types that several signatures name. Imported by type checkers only."""

from __future__ import annotations

from array import array
from mmap import mmap
from os import PathLike
from typing import Any, Callable, TypedDict, Union

#: A path, a URI, or PACKAGE.ova!MEMBER.
Location = Union[str, bytes, "PathLike[str]", "PathLike[bytes]"]

#: Contiguous memory; a NumPy array's `.data` is a memoryview.
Buffer = Union[bytes, bytearray, memoryview, mmap, "array[Any]"]

#: progress(done, total), in bytes; called where the operation was called. An exception stops it.
ProgressCallback = Callable[[int, int], object]

#: progress(stage, done, total): "copying", "verifying" or "publishing", and bytes.
StageCallback = Callable[[str, int, int], object]


class Verified(TypedDict):
    """What checking a manifest found in order."""

    files: int
    bytes: int
    #: Files that the definition or its disks need and the manifest does not list.
    unlisted: "list[str]"


class Dialect(TypedDict):
    name: str
    description: str
    extension: str
    reads: bool
    writes: bool


class Decision(TypedDict):
    """A choice that a translation's caller may make."""

    name: str
    values: str
    meaning: str
