"""Boots a domain XML with libvirt and QEMU until its guest says something:
python3 -m appliance.boot DOMAIN.xml

libvirt itself turns the definition into a QEMU command line, inside this process's child (no
daemon), with software emulation (no KVM) and without root's rights. The guest runs on copies of
its disks. What the definition asks of its future host is replaced by what any machine has:
networks by QEMU's own user network (same card, same address), the first serial port by a file.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CONTROL_SEQUENCES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")


class BootFailure(Exception):
    pass


def boot(domain_xml, marker, timeout=120.0, on_line=lambda line: None):
    """Boots until a console line contains `marker`; hands each line to `on_line`, returns all."""
    # libvirt's sockets live below this folder and their paths must be short.
    with tempfile.TemporaryDirectory(prefix="boot-", dir="/tmp") as folder:
        stage = Path(folder)
        console = stage / "console.log"
        domain = ElementTree.parse(domain_xml).getroot()
        adapt(domain, stage, console)
        ElementTree.ElementTree(domain).write(stage / "domain.xml")
        (stage / "etc").mkdir()
        (stage / "etc/qemu.conf").write_text('stdio_handler = "file"\n')
        with Virsh(stage) as virsh:
            name = shlex.quote(domain.findtext("name"))
            virsh.say(f"define --validate {stage / 'domain.xml'}")
            virsh.say(f"start {name}")
            try:
                return watch(console, marker, timeout, on_line, virsh)
            finally:
                virsh.say(f"destroy {name}")
                virsh.say(f"undefine --nvram {name}")


def adapt(domain, stage, console):
    domain.set("type", "qemu")
    devices = domain.find("devices")
    for number, source in enumerate(devices.iterfind("disk[@type='file']/source")):
        copy = stage / f"disk{number}"
        subprocess.run(["cp", "--sparse=always", source.get("file"), copy], check=True)
        source.set("file", str(copy))
    for interface in devices.iterfind("interface"):
        interface.set("type", "user")
        for host_side in interface.findall("source") + interface.findall("virtualport"):
            interface.remove(host_side)
    for port in devices.findall("serial") + devices.findall("console"):
        devices.remove(port)
    serial = ElementTree.SubElement(devices, "serial", type="file")
    ElementTree.SubElement(serial, "source", path=str(console))


class Virsh:
    """One virsh with libvirt's QEMU driver inside; root runs it as nobody."""

    def __init__(self, stage):
        command = ["virsh", "--quiet", "-c", f"qemu:///embed?root={stage}"]
        if os.geteuid() == 0:
            for path in [stage, *stage.rglob("*")]:
                shutil.chown(path, "nobody", "nogroup")
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        self.errors = stage / "errors.log"
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            stderr=open(self.errors, "w"), env={**os.environ, "HOME": str(stage)})

    def say(self, command):
        if self.process.poll() is None:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()

    def complaints(self):
        """virsh's own errors; the driver inside it also warns there of this and that."""
        said = self.errors.read_text()
        return said.strip() if re.search("^error:", said, re.MULTILINE) else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=60)


def watch(console, marker, timeout, on_line, virsh):
    lines = []
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        time.sleep(0.1)
        if virsh.complaints():
            raise BootFailure(f"libvirt did not start the guest: {virsh.complaints()}")
        text = console.read_text(errors="replace") if console.exists() else ""
        whole = CONTROL_SEQUENCES.sub("", text).split("\n")[:-1]
        for line in whole[len(lines):]:
            lines.append(line)
            on_line(line)
            if marker in line:
                return lines
    raise BootFailure(f"no {marker!r} on the console within {timeout:.0f} s; it ends with:\n"
                      + "\n".join(lines[-15:]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("domain", type=Path)
    parser.add_argument("--marker", default="the guest is up")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds (%(default)s)")
    arguments = parser.parse_args()
    try:
        boot(arguments.domain, arguments.marker, arguments.timeout,
             lambda line: line.strip() and print("  |", line, flush=True))
    except BootFailure as failure:
        sys.exit(f"not booted: {failure}")
