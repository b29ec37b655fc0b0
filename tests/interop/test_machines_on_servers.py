"""Machines whose disks are on servers: migrated onto Ceph and NBD, and read from NBD."""

import os
import re
import shutil
import tarfile
import xml.etree.ElementTree as ElementTree

import vmlift
from nbd_server import NbdServer
from programs import need, run

VMX = """\
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "19"
displayName = "live"
guestOS = "debian11-64"
memSize = "512"
numvcpus = "1"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "live.vmdk"
"""


def domain_of(done):
    path = next(file["path"] for file in done["migration"]["files"] if file["kind"] == "domain")
    if shutil.which("virt-xml-validate"):
        run("virt-xml-validate", path, "domain")
    return ElementTree.parse(path)


def test_a_machine_goes_onto_ceph(vmlift_command, ova, tmp_path, cluster):
    done = vmlift_command("migrate", ova, "--to", tmp_path / "out", "--disks", "rbd:rbd",
                          "--verify", "--json").json()
    image = done["plan"]["disks"][0]["target"]
    assert image == "rbd:rbd/web-01-disk1"
    assert vmlift_command("compare", f"{ova}!web-01-disk1.vmdk", image).status == 0
    source = domain_of(done).find("devices/disk[@device='disk']/source")
    assert source.attrib == {"protocol": "rbd", "name": "rbd/web-01-disk1"}
    told = [entry for entry in vmlift.Migration(
        ova, tmp_path / "plan", disk_place="rbd:rbd", overwrite=True).report["entries"]
        if entry["status"] == "needs-action" and "secret" in entry["action"]]
    assert told
    again = vmlift_command("migrate", ova, "--to", tmp_path / "again", "--disks", "rbd:rbd",
                           "--json")
    assert again.json()["error"]["code"] == "Exists" and not (tmp_path / "again").exists()


def test_the_plan_finds_what_would_stop_the_run(vmlift_command, ova, tmp_path, cluster):
    for arguments, code in ((("--disks", "rbd:no-such-pool"), "NotFound"),
                            (("--disks", "rbd:rbd", "-o", "conf=/no/ceph.conf"), "NotFound"),
                            (("--disks", "rbd:rbd", "-o", "data_pool=none"), "NotFound"),
                            (("--disks", "rbd:rbd", "-o", "features=magic"), "InvalidArgument")):
        refused = vmlift_command("migrate", ova, "--to", tmp_path / "out", "--plan", "--json",
                                 *arguments).json()
        assert refused["error"]["code"] == code, refused


def test_a_failed_migration_leaves_no_image(vmlift_command, ova, tmp_path, cluster):
    broken = tmp_path / "broken.ova"
    content = bytearray(ova.read_bytes())
    content[content.find(b"KDMV") + 600] ^= 1  # within the disk: the manifest tells
    broken.write_bytes(content)
    before = cluster.run("rbd", "ls", "rbd").stdout
    failed = vmlift_command("migrate", broken, "--to", tmp_path / "out", "--disks", "rbd:rbd",
                            "-o", "object_size=1M", "--overwrite", "--json").json()
    assert failed["error"]["code"] == "ChecksumMismatch"
    assert cluster.run("rbd", "ls", "rbd").stdout == before and not (tmp_path / "out").exists()


def test_a_machine_goes_to_an_nbd_server(vmlift_command, ova, tmp_path):
    need("nbdkit")
    exports = tmp_path / "exports"
    exports.mkdir()
    size = vmlift.open_disk(f"{ova}!web-01-disk1.vmdk").size
    with open(exports / "web-01-disk1", "wb") as export:
        export.truncate(size)
    with NbdServer(tmp_path, "file", f"dir={exports}") as server:
        arguments = ("migrate", ova, "--to", tmp_path / "out", "--disks", server.uri, "--json")
        assert vmlift_command(*arguments).json()["error"]["code"] == "Exists"
        os.truncate(exports / "web-01-disk1", size - 512)
        small = vmlift_command(*arguments, "--overwrite", "--plan").json()
        assert small["error"]["code"] == "NoSpace"
        os.truncate(exports / "web-01-disk1", size)
        done = vmlift_command(*arguments, "--overwrite", "--verify").json()
        source = domain_of(done).find("devices/disk[@device='disk']/source")
        assert source.attrib == {"protocol": "nbd", "name": "web-01-disk1"}
        assert source.find("host").attrib == {"transport": "unix", "socket": str(server.socket)}
    same = vmlift_command("compare", "-F", "raw", f"{ova}!web-01-disk1.vmdk",
                          exports / "web-01-disk1")
    assert same.status == 0


def test_a_blank_disk_leaves_nothing_of_what_an_export_held(vmlift_command, ova, tmp_path):
    need("nbdkit")
    with tarfile.open(ova) as packed:
        name = next(member for member in packed.getnames() if member.endswith(".ovf"))
        text = packed.extractfile(name).read().decode()
    blank, count = re.subn(r'(<Disk [^>]*)ovf:fileRef="[^"]*"', r"\1", text)
    blank, files = re.subn(r"<File [^>]*/>", "", blank)
    assert (count, files) == (1, 1)
    machine = tmp_path / name
    machine.write_text(blank)
    capacity = vmlift.open_disk(f"{ova}!web-01-disk1.vmdk").size
    held = tmp_path / "held"
    held.write_bytes(b"S" * (capacity + (1 << 20)))
    with NbdServer(tmp_path, "file", held) as server:
        done = vmlift_command("migrate", machine, "--to", tmp_path / "out", "--disks", server.uri,
                              "--overwrite", "--verify")
        assert done.status == 0, done.err
    assert held.read_bytes() == bytes(capacity + (1 << 20))


def test_a_vmware_disk_is_read_from_an_nbd_server(vmlift_command, raw_disk, tmp_path):
    """As nbdkit's vddk plugin serves it: the definition is here, its disk is not."""
    need("nbdkit")
    (tmp_path / "live.vmx").write_text(VMX)
    with NbdServer(tmp_path, "file", raw_disk) as server:
        arguments = ("migrate", tmp_path / "live.vmx", "--to", tmp_path / "out", "--json")
        assert vmlift_command(*arguments).json()["error"]["code"] == "MissingExtent"
        mistyped = vmlift_command(*arguments, "--source", f"scsi0:1={server.uri}").json()["error"]
        assert mistyped["code"] == "InvalidArgument" and "there is scsi0:0" in mistyped["message"]
        done = vmlift_command(*arguments, "--source", f"scsi0:0={server.uri}").json()
    assert done["plan"]["disks"][0]["source"] == server.uri
    run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw_disk, tmp_path / "out/live.qcow2")


def test_places_that_are_none_are_refused(vmlift_command, ova, tmp_path):
    for place, word in (("rbd:", "pool"), ("nbd://store/export", "export"),
                        (str(tmp_path / "absent"), "no folder")):
        refused = vmlift_command("migrate", ova, "--to", tmp_path / "out", "--disks", place)
        assert refused.status == 2 and word in refused.err, refused.err
    refused = vmlift_command("migrate", ova, "--to", "rbd:rbd")
    assert "InvalidArgument" in refused.err
    refused = vmlift_command("migrate", ova, "--to", tmp_path / "a.ova", "--disks", str(tmp_path))
    assert "InvalidArgument" in refused.err
    refused = vmlift_command("migrate", ova, "--to", tmp_path / "out", "--disks", "rbd:rbd", "-O",
                             "qcow2")
    assert "InvalidArgument" in refused.err
    assert not (tmp_path / "out").exists()


def test_disks_go_into_a_folder_of_their_own(vmlift_command, ova, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    done = vmlift_command("migrate", ova, "--to", tmp_path / "out", "--disks", store,
                          "--json").json()
    assert [path.name for path in store.iterdir()] == ["web-01-disk1.qcow2"]
    source = domain_of(done).find("devices/disk[@device='disk']/source")
    assert source.attrib == {"file": str(store / "web-01-disk1.qcow2")}
    run("qemu-img", "check", "-q", store / "web-01-disk1.qcow2")
