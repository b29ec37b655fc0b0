"""Moves virtual machines across hypervisors.

>>> with vmlift.open_disk("appliance.vmdk") as disk:
...     boot_sector = disk.read(512, 0)
"""

from ._core import (
    BitmapInfo,
    CheckReport,
    Disk,
    DiskExtent,
    DiskInfo,
    Format,
    FormatOption,
    SnapshotInfo,
    Subformat,
    __version__,
    create_disk,
    error_codes,
    formats,
    open_disk,
    probe,
)
from .errors import (
    Cancelled,
    Error,
    Exists,
    InvalidArgument,
    Io,
    NoMemory,
    NoSpace,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Timeout,
    UnsupportedFeature,
)

__all__ = [name for name in dir() if not name.startswith("_")] + ["__version__"]
