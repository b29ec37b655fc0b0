"""The exceptions of vmlift: one class, and subclasses where Python has a natural one.

`except vmlift.Error as error` catches everything; `error.code` is the name that C++, C and the
command line use too ("Truncated"). `except FileNotFoundError` works as well as one would expect.
"""

from __future__ import annotations

import errno
from typing import Optional

__all__ = [
    "Error", "NotFound", "PermissionDenied", "Exists", "NoSpace", "Io", "Timeout", "Cancelled",
    "InvalidArgument", "OutOfRange", "UnsupportedFeature", "NoMemory",
]


class Error(Exception):
    """What went wrong, as a value: `code`, `message`, `path`, `offset`."""

    code: str
    message: str
    path: Optional[str]
    offset: Optional[int]
    os_number: int

    def __init__(self, code: str, message: str, path: Optional[str] = None,
                 offset: Optional[int] = None, os_number: int = 0) -> None:
        super().__init__(code, message, path, offset, os_number)
        self.code = code
        self.message = message
        self.path = path
        self.offset = offset
        self.os_number = os_number

    def describe(self) -> str:
        """Message, path and place in one line, without the code."""
        text = self.message
        if self.path is not None:
            text += f", {self.path}"
        if self.offset is not None:
            text += f", at byte {self.offset}"
        return text

    def __str__(self) -> str:
        return f"{self.code}: {self.describe()}"


class _OsError(Error, OSError):
    """An Error that is an OSError: `errno` and `filename` are set too."""

    default_errno = errno.EIO

    def __init__(self, code: str, message: str, path: Optional[str] = None,
                 offset: Optional[int] = None, os_number: int = 0) -> None:
        super().__init__(code, message, path, offset, os_number)
        self.errno = os_number or self.default_errno
        self.strerror = message
        self.filename = path


class NotFound(_OsError, FileNotFoundError):
    default_errno = errno.ENOENT


class PermissionDenied(_OsError, PermissionError):
    default_errno = errno.EACCES


class Exists(_OsError, FileExistsError):
    default_errno = errno.EEXIST


class NoSpace(_OsError):
    default_errno = errno.ENOSPC


class Io(_OsError):
    default_errno = errno.EIO


class Timeout(_OsError, TimeoutError):
    default_errno = errno.ETIMEDOUT


class Cancelled(Error):
    pass


class InvalidArgument(Error, ValueError):
    pass


class OutOfRange(Error, IndexError):
    pass


class UnsupportedFeature(Error, NotImplementedError):
    pass


class NoMemory(Error, MemoryError):
    pass


_CLASSES: dict[str, type[Error]] = {
    "NotFound": NotFound,
    "MissingExtent": NotFound,
    "Permission": PermissionDenied,
    "Exists": Exists,
    "NoSpace": NoSpace,
    "Io": Io,
    "Timeout": Timeout,
    "Cancelled": Cancelled,
    "InvalidArgument": InvalidArgument,
    "OutOfRange": OutOfRange,
    "UnsupportedFeature": UnsupportedFeature,
    "NoMemory": NoMemory,
}


def from_core(code: str, message: str, path: Optional[str], offset: Optional[int],
              os_number: int) -> Error:
    """The exception for an error of the C++ core."""
    return _CLASSES.get(code, Error)(code, message, path, offset, os_number)


_CODES_BY_ERRNO = {
    errno.ENOENT: "NotFound", errno.ENOTDIR: "NotFound",
    errno.EACCES: "Permission", errno.EPERM: "Permission", errno.EROFS: "Permission",
    errno.ENOSPC: "NoSpace", errno.EDQUOT: "NoSpace", errno.EFBIG: "NoSpace",
    errno.EEXIST: "Exists",
}


def from_os_error(error: OSError) -> Error:
    """The same trouble met by Python itself, under the core's names."""
    code = _CODES_BY_ERRNO.get(error.errno or 0, "Io")
    path = None if error.filename is None else str(error.filename)
    return from_core(code, error.strerror or str(error), path, None, error.errno or 0)
