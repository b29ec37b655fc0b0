"""Bad packages: a named error, the source untouched, nothing at the target."""

import hashlib
import io
import re
import tarfile

import pytest


def unpacked(ova):
    """The members in their order."""
    with tarfile.open(ova) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def packed(ova, members):
    """Packs members anew, with a manifest that fits unless it is among the changes."""
    with tarfile.open(ova, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def manifest_of(members):
    return "".join(f"SHA256({name})= {hashlib.sha256(data).hexdigest()}\n"
                   for name, data in members.items() if not name.endswith(".mf")).encode()


def with_ovf(members, change):
    name = next(name for name in members if name.endswith(".ovf"))
    members = {**members, name: change(members[name].decode()).encode()}
    members[name.replace(".ovf", ".mf")] = manifest_of(members)
    return members


def cut_short(members):
    vmdk = next(name for name in members if name.endswith(".vmdk"))
    members = {**members, vmdk: members[vmdk][:len(members[vmdk]) // 2]}
    return {**members, "web-01.mf": manifest_of(members)}


def wrong_digest(members):
    return {**members, "web-01.mf": re.sub(rb"= [0-9a-f]{4}", b"= 0000", members["web-01.mf"])}


def upward_href(members):
    return with_ovf(members, lambda text: text.replace('ovf:href="', 'ovf:href="../'))


def doctype(members):
    return with_ovf(members, lambda text: re.sub(
        r"(<\?xml[^>]*\?>)", r'\1<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>', text, 1))


def disk_named_twice(members):
    """The same file stands twice in the manifest, with two digests."""
    vmdk = next(name for name in members if name.endswith(".vmdk"))
    return {**members, "web-01.mf": members["web-01.mf"]
            + f"SHA256({vmdk})= {'0' * 64}\n".encode()}


@pytest.mark.parametrize("damage, codes", [
    (cut_short, {"Truncated"}),
    (wrong_digest, {"ChecksumMismatch"}),
    (upward_href, {"ReferenceDenied"}),
    (doctype, {"BadXml"}),
    (disk_named_twice, {"BadManifest"}),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_bad_package_leaves_nothing(vmlift_command, tmp_path, ova, damage, codes):
    packed(ova, damage(unpacked(ova)))
    before = ova.read_bytes()
    target = tmp_path / "out"
    outcome = vmlift_command("migrate", "--json", ova, "--to", target)
    assert outcome.status == 2
    error = outcome.json()["error"]
    assert error["code"] in codes, error
    assert not target.exists()
    assert ova.read_bytes() == before


def test_a_truncated_archive_is_named(vmlift_command, tmp_path, ova):
    ova.write_bytes(ova.read_bytes()[:-20000])
    outcome = vmlift_command("migrate", "--json", ova, "--to", tmp_path / "out")
    assert outcome.json()["error"]["code"] == "Truncated"
    assert not (tmp_path / "out").exists()


def test_a_truncated_vmdk_is_named(vmlift_command, tmp_path, stream_vmdk):
    stream_vmdk.write_bytes(stream_vmdk.read_bytes()[:-1500])
    before = sorted(path.name for path in tmp_path.iterdir())
    outcome = vmlift_command("convert", "--json", "-O", "qcow2", stream_vmdk, tmp_path / "x.qcow2")
    assert outcome.json()["error"]["code"] == "Truncated"
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_existing_result_is_kept(vmlift_command, tmp_path, ova):
    target = tmp_path / "out"
    target.mkdir()
    (target / "web-01.xml").write_text("precious")
    outcome = vmlift_command("migrate", "--json", ova, "--to", target)
    assert outcome.json()["error"]["code"] == "Exists"
    assert [path.name for path in target.iterdir()] == ["web-01.xml"]
    assert (target / "web-01.xml").read_text() == "precious"


def test_the_plan_writes_nothing(vmlift_command, tmp_path, ova):
    plan = vmlift_command("migrate", "--json", "--plan", ova, "--to", tmp_path / "out").json()
    assert plan["machines"] == ["web-01"] and len(plan["disks"]) == 1
    assert not (tmp_path / "out").exists()


def test_every_key_is_in_the_report(vmlift_command, tmp_path, ova):
    report = tmp_path / "loss.json"
    outcome = vmlift_command("translate", ova, "--to", "libvirt", "-o", tmp_path / "web-01.xml",
                             "--report", report, "--json")
    assert outcome.status == 0, outcome.out
    entries = outcome.json()["report"]["entries"]
    assert {"kept", "mapped"} <= {entry["status"] for entry in entries}
    assert all(entry["reason"] for entry in entries if entry["status"] == "dropped")
    assert all(entry["action"] for entry in entries if entry["status"] == "needs-action")
    assert "00:50:56:01:02:03" in (tmp_path / "web-01.xml").read_text()
    again = vmlift_command("translate", ova, "--to", "libvirt", "-o", tmp_path / "web-01.xml")
    assert "error[Exists]" in again.err
