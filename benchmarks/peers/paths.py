"""The paths that are measured: what vmlift does, what its peers do for the same, and the ratio
that is to be reached."""

from dataclasses import dataclass, field


@dataclass
class Path:
    name: str
    source: str  # a key of images.make_sources
    source_format: str
    target_format: str
    vmlift: tuple = ()
    peer: tuple = ()
    at_least: float = 0
    aim: float = 0
    shares: bool = False  # needs a file system with reflinks
    others: dict = field(default_factory=dict)  # further commands, by name


OUT_OF_ORDER = ("-W", "-m", "16")

PATHS = (
    Path("streamOptimized -> compressed qcow2", "stream", "vmdk", "qcow2", ("-c",),
         ("-c", *OUT_OF_ORDER), 30, 60),
    Path("streamOptimized -> raw", "stream", "vmdk", "raw", (), OUT_OF_ORDER, 3, 5),
    Path("streamOptimized -> qcow2", "stream", "vmdk", "qcow2", (), OUT_OF_ORDER, 3, 5),
    Path("sparse VMDK -> raw", "sparse", "vmdk", "raw", (), OUT_OF_ORDER, 1.3, 2),
    Path("sparse VMDK -> qcow2", "sparse", "vmdk", "qcow2", (), OUT_OF_ORDER, 1.3, 2),
    Path("sparse VMDK -> raw, shared", "sparse", "vmdk", "raw", (), OUT_OF_ORDER, 3, 10,
         shares=True),
    Path("sparse VMDK -> qcow2, shared", "sparse", "vmdk", "qcow2", (), OUT_OF_ORDER, 3, 10,
         shares=True),
    Path("compressed qcow2 -> raw", "qcow2c", "qcow2", "raw", (), OUT_OF_ORDER, 2, 3),
    Path("compressed qcow2 -> streamOptimized", "qcow2c", "qcow2", "vmdk",
         ("-o", "subformat=streamOptimized"), ("-o", "subformat=streamOptimized"), 5, 10),
    Path("raw -> streamOptimized", "raw", "raw", "vmdk",
         ("-o", "subformat=streamOptimized"), ("-o", "subformat=streamOptimized"), 5, 6),
    Path("raw -> streamOptimized, fast", "raw", "raw", "vmdk",
         ("-o", "subformat=streamOptimized,compression=fast"),
         ("-o", "subformat=streamOptimized"), 15, 20),
    Path("raw -> compressed qcow2", "raw", "raw", "qcow2", ("-c",), ("-c", *OUT_OF_ORDER), 2.5, 3),
    Path("raw -> compressed qcow2, zstd", "raw", "raw", "qcow2",
         ("-c", "-o", "compression_type=zstd"),
         ("-c", "-o", "compression_type=zstd", *OUT_OF_ORDER), 1, 2),
    Path("raw -> raw", "raw", "raw", "raw", (), OUT_OF_ORDER, 1, 1.5,
         others={"cp": ("cp", "--sparse=auto", "{source}", "{target}")}),
    Path("raw -> raw, shared", "raw", "raw", "raw", (), OUT_OF_ORDER, 3, 10, shares=True),
)
