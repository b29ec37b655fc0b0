"""One .ova around a disk, as VMware exports it: descriptor first, then manifest, then disk."""

import hashlib
import io
import tarfile
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent


def write_ova(ova, name, vmdk, capacity, mac):
    """Packs the streamOptimized file `vmdk` with an OVF for it into `ova`."""
    disk_file = f"{name}-disk1.vmdk"
    ovf = Template((HERE / "appliance.ovf").read_text()).substitute(
        name=name, mac=mac, disk_file=disk_file, disk_file_size=vmdk.stat().st_size,
        capacity=capacity, populated=vmdk.stat().st_size).encode()
    members = {f"{name}.ovf": ovf, disk_file: vmdk.read_bytes()}
    manifest = "".join(f"SHA256({file})= {hashlib.sha256(data).hexdigest()}\n"
                       for file, data in members.items())
    with tarfile.open(ova, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, f"{name}.ovf", ovf)
        add(archive, f"{name}.mf", manifest.encode())
        add(archive, disk_file, members[disk_file])


def add(archive, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = 0o644
    archive.addfile(member, io.BytesIO(data))
