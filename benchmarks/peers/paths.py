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
    codec: str = ""  # what the codec does here, as codec_benchmark calls it
    others: dict = field(default_factory=dict)  # further commands, by name
    also: dict = field(default_factory=dict)  # vmlift with further arguments, by name


@dataclass
class Instant:
    """What has to take next to no time, however large the disk is."""

    name: str
    command: tuple  # of vmlift
    under: float  # seconds, net of Python's start
    shares: bool = False


OUT_OF_ORDER = ("-W", "-m", "16")

# What a digest and reading the target back cost.
CARE = {"with --digest": ("--digest",), "with --verify": ("--verify",)}

PATHS = (
    Path("streamOptimized -> compressed qcow2", "stream", "vmdk", "qcow2", ("-c",),
         ("-c", *OUT_OF_ORDER), 30, 60, also=CARE),
    Path("streamOptimized -> raw", "stream", "vmdk", "raw", (), OUT_OF_ORDER, 3, 5,
         codec="decode streamOptimized"),
    Path("streamOptimized -> qcow2", "stream", "vmdk", "qcow2", (), OUT_OF_ORDER, 3, 5,
         codec="decode streamOptimized", also=CARE),
    Path("sparse VMDK -> raw", "sparse", "vmdk", "raw", (), OUT_OF_ORDER, 1.3, 2),
    Path("sparse VMDK -> qcow2", "sparse", "vmdk", "qcow2", (), OUT_OF_ORDER, 1.3, 2),
    Path("sparse VMDK -> raw, shared", "sparse", "vmdk", "raw", (), OUT_OF_ORDER, 3, 10,
         shares=True),
    Path("sparse VMDK -> qcow2, shared", "sparse", "vmdk", "qcow2", (), OUT_OF_ORDER, 3, 10,
         shares=True),
    Path("compressed qcow2 -> raw", "qcow2c", "qcow2", "raw", (), OUT_OF_ORDER, 2, 3,
         codec="decode qcow2 deflate"),
    Path("compressed qcow2 -> streamOptimized", "qcow2c", "qcow2", "vmdk",
         ("-o", "subformat=streamOptimized"), ("-o", "subformat=streamOptimized"), 5, 10),
    Path("raw -> streamOptimized", "raw", "raw", "vmdk",
         ("-o", "subformat=streamOptimized"), ("-o", "subformat=streamOptimized"), 5, 6,
         codec="encode streamOptimized",
         also={"small": ("-o", "compression=small")}),
    Path("raw -> streamOptimized, fast", "raw", "raw", "vmdk",
         ("-o", "subformat=streamOptimized,compression=fast"),
         ("-o", "subformat=streamOptimized"), 15, 20, codec="encode streamOptimized fast"),
    Path("raw -> compressed qcow2", "raw", "raw", "qcow2", ("-c",), ("-c", *OUT_OF_ORDER), 2.5, 3,
         codec="encode qcow2 deflate",
         also={"fast": ("-o", "compression=fast"), "small": ("-o", "compression=small")}),
    Path("raw -> compressed qcow2, zstd", "raw", "raw", "qcow2",
         ("-c", "-o", "compression_type=zstd"),
         ("-c", "-o", "compression_type=zstd", *OUT_OF_ORDER), 1, 2, codec="encode qcow2 zstd",
         also={"fast": ("-o", "compression=fast"), "small": ("-o", "compression=small")}),
    Path("raw -> raw", "raw", "raw", "raw", (), OUT_OF_ORDER, 0, 1.5,
         others={"cp": ("cp", "--sparse=auto", "{source}", "{target}"),
                 "nbdcopy": ("nbdcopy", "--", "[", "nbdkit", "--exit-with-parent", "file",
                             "{source}", "]", "{target}")},
         also=CARE),
    Path("raw -> raw, shared", "raw", "raw", "raw", (), OUT_OF_ORDER, 0, 10, shares=True),
)

INSTANTS = (
    Instant("raw -> raw, shared", ("convert", "-f", "raw", "-O", "raw", "{raw}", "{target}"), 0.1,
            shares=True),
    Instant("map of a 62 TiB qcow2", ("map", "--json", "{huge-qcow2}"), 0.05),
    Instant("map of a 62 TiB VMDK", ("map", "--json", "{huge-vmdk}"), 0.05),
)
