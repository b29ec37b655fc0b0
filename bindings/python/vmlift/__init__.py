"""Moves virtual machines across hypervisors.

>>> with vmlift.open_disk("appliance.vmdk") as disk:
...     boot_sector = disk.read(512, 0)
>>> vmlift.convert("appliance.vmdk", "appliance.qcow2", "qcow2").size
"""

from ._core import (
    BitmapInfo,
    CheckReport,
    CopyReport,
    Disk,
    DiskExtent,
    DiskInfo,
    Format,
    FormatOption,
    LibvirtHost,
    SnapshotInfo,
    Subformat,
    __version__,
    convert,
    copy_disk,
    create_disk,
    decisions,
    dialects,
    digest,
    error_codes,
    formats,
    open_disk,
    probe,
)
from .assessment import assess
from .comparison import Comparison, compare
from .definition import Definition, Domain, define
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
from .migration import Migration, migrate
from .not_yet import SyncSession, fixup_apply, fixup_plan
from .package import Document, Package, Translation, inspect, translate

__all__ = [
    "BitmapInfo", "Cancelled", "CheckReport", "Comparison", "CopyReport", "Definition", "Disk",
    "DiskExtent", "DiskInfo", "Document", "Domain", "Error", "Exists", "Format", "FormatOption",
    "InvalidArgument", "Io", "LibvirtHost", "Migration", "NoMemory", "NoSpace", "NotFound",
    "OutOfRange", "Package", "PermissionDenied", "SnapshotInfo", "Subformat", "SyncSession",
    "Timeout", "Translation", "UnsupportedFeature", "__version__", "assess", "compare", "convert",
    "copy_disk", "create_disk", "decisions", "define", "dialects", "digest", "error_codes",
    "fixup_apply", "fixup_plan", "formats", "inspect", "migrate", "open_disk", "probe",
    "translate",
]
