"""The types that several signatures name. Imported by type checkers only."""

from __future__ import annotations

from array import array
from mmap import mmap
from os import PathLike
from typing import Any, Callable, Union

#: A path, a URI, or PACKAGE.ova!MEMBER.
Location = Union[str, bytes, "PathLike[str]", "PathLike[bytes]"]

#: Contiguous memory; a NumPy array's `.data` is a memoryview.
Buffer = Union[bytes, bytearray, memoryview, mmap, "array[Any]"]

#: progress(done, total), in bytes; called where the operation was called. An exception stops it.
ProgressCallback = Callable[[int, int], object]
