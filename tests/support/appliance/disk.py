"""A small bootable Linux disk, made from Debian's kernel package and busybox.

Nothing is mounted and nothing is installed on this machine: mke2fs fills the file system from a
folder, sfdisk writes the partition table into a plain file, and GRUB's core image is copied into
the gap before the first partition.
"""

import hashlib
import os
import random
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUSYBOX = Path("/bin/busybox")
GRUB = Path("/usr/lib/grub/i386-pc")

SECTOR = 512
FIRST_PARTITION = 1 << 20  # the gap before it holds the boot loader
DISK_SIZE = 128 << 20
PAYLOAD_SIZE = 8 << 20

# Drivers of the disk controllers and network cards that the guest may meet, on VMware and on KVM,
# and of the file system it boots from (ext4 asks for a checksum driver at run time only). What they
# depend on comes along.
DRIVERS = (
    "ext4 crc32c_generic sd_mod "
    "mptspi mptsas vmw_pvscsi ata_piix ahci nvme sym53c8xx virtio_blk virtio_scsi "
    "vmxnet3 e1000 e1000e virtio_net virtio_pci"
).split()


def guest_kernel_package():
    """The kernel package that `cmake/bootstrap.sh deps` fetches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "vmlift/guest-kernel.deb"


def run(*command, **options):
    """Runs a tool; what it says is shown only when it fails."""
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: "
                           f"{result.stdout.decode(errors='replace')}")
    return result.stdout


def make_bootable_disk(disk, work, marker):
    """Writes the raw disk `disk`; its guest prints `marker` once it is up. `work` is scratch."""
    kernel_package = unpack_kernel(work)
    root = make_root_tree(work / "root", marker)
    boot = root / "boot"
    (boot / "grub").mkdir(parents=True)
    shutil.copy(HERE / "guest/grub.cfg", boot / "grub/grub.cfg")
    shutil.copy(next(kernel_package.glob("boot/vmlinuz-*")), boot / "vmlinuz")
    make_initramfs(work / "initramfs", kernel_package, boot / "initrd.img")

    with open(disk, "wb") as file:
        file.truncate(DISK_SIZE)
    run("sfdisk", "--quiet", disk,
        input=f"label: dos\nstart={FIRST_PARTITION // SECTOR}, type=83, bootable\n".encode())
    make_root_file_system(disk, root)
    install_boot_loader(disk, work)


def unpack_kernel(work):
    package = guest_kernel_package()
    if not package.is_file():
        raise RuntimeError(f"{package} is absent; `cmake/bootstrap.sh deps` fetches it")
    run("dpkg-deb", "-x", package, work / "kernel")
    return work / "kernel"


def make_busybox_tree(root, folders):
    """A folder tree with busybox under /bin and a link to it for each of its commands."""
    for folder in ["bin", *folders]:
        (root / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for applet in run(BUSYBOX, "--list").decode().split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")


def install_program(source, target):
    shutil.copy(source, target)
    target.chmod(0o755)


def make_root_tree(root, marker):
    make_busybox_tree(root, ["sbin", "etc", "proc", "sys", "dev"])
    install_program(HERE / "guest/init", root / "sbin/init")
    (root / "etc/marker").write_text(marker + "\n")
    (root / "etc/fstab").write_text("LABEL=vmlift-root / ext4 ro 0 1\n")

    # Half of the payload deflates well and half not at all, as data of real guests does.
    payload = random.Random(marker).randbytes(PAYLOAD_SIZE // 2)
    payload += b"".join(b"line %d of the payload\n" % n for n in range(PAYLOAD_SIZE // 32))
    (root / "payload").write_bytes(payload)
    (root / "payload.sha256").write_text(f"{hashlib.sha256(payload).hexdigest()}  payload\n")
    return root


def make_initramfs(tree, kernel_package, initrd):
    make_busybox_tree(tree, ["proc", "sys", "dev", "root"])
    install_program(HERE / "guest/initramfs-init", tree / "init")
    version = next(kernel_package.glob("lib/modules/*")).name
    run("depmod", "-b", kernel_package, version)
    for module in driver_files(kernel_package, version):
        target = tree / module.relative_to(kernel_package)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, target)
    run("depmod", "-b", tree, version)

    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    archive = run(BUSYBOX, "cpio", "-o", "-H", "newc", "-R", "0:0", cwd=tree,
                  input="\n".join(names).encode())
    initrd.write_bytes(run("gzip", "-n", input=archive))


def driver_files(kernel_package, version):
    """The files of the drivers and of all they depend on, as modprobe sees it."""
    files = set()
    for driver in DRIVERS:
        lines = run("modprobe", "-d", kernel_package, "-S", version, "--show-depends", driver)
        for line in lines.decode().splitlines():
            kind, name = line.split()[:2]
            if kind == "insmod":
                files.add(Path(name))
    return sorted(files)


def make_root_file_system(disk, root):
    # GRUB 2.06 reads no file system with these two newer features.
    run("mke2fs", "-q", "-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file", "-m", "0",
        "-L", "vmlift-root", "-d", root, "-E", f"offset={FIRST_PARTITION},root_owner=0:0",
        disk, f"{(DISK_SIZE - FIRST_PARTITION) >> 10}k")


def install_boot_loader(disk, work):
    """GRUB for BIOS: boot.img in sector 0 around the partition table, its core right behind."""
    core = work / "core.img"
    run("grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub",
        "biosdisk", "part_msdos", "ext2", "normal", "configfile", "search", "search_label",
        "linux", "serial", "terminal", "test", "echo")
    if core.stat().st_size > FIRST_PARTITION - SECTOR:
        raise RuntimeError("GRUB's core image does not fit before the first partition")
    with open(disk, "r+b") as file:
        file.write((GRUB / "boot.img").read_bytes()[:440])  # disk signature and table stay
        file.seek(SECTOR)
        file.write(core.read_bytes())
