"""Makes the sample appliance: python3 -m appliance.make OUT.ova [--marker TEXT]

A small Linux as VMware would export it. Booted anywhere, it says on its serial console which disk
controller and network card it met and whether its data is intact, prints the marker, and
switches itself off.
"""

import argparse
import shlex
import tempfile
from pathlib import Path

from .disk import DISK_SIZE, make_bootable_disk, run
from .ova import write_ova

NAME = "sample-guest"
MAC = "00:50:56:01:02:03"
MARKER = "the guest is up"
QEMU_IMG = "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized"


def make_appliance(ova, marker=MARKER, convert=QEMU_IMG):
    """Writes the appliance to `ova`; `convert` makes a streamOptimized VMDK of a raw disk."""
    with tempfile.TemporaryDirectory(prefix="appliance-") as folder:
        work = Path(folder)
        make_bootable_disk(work / "disk.raw", work, marker)
        run(*shlex.split(convert), work / "disk.raw", work / "disk.vmdk")
        write_ova(ova, NAME, work / "disk.vmdk", DISK_SIZE, MAC)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ova", type=Path)
    parser.add_argument("--marker", default=MARKER)
    parser.add_argument("--convert", default=QEMU_IMG, metavar="COMMAND",
                        help="what makes a streamOptimized VMDK of a raw disk (%(default)s)")
    arguments = parser.parse_args()
    make_appliance(arguments.ova, arguments.marker, arguments.convert)
