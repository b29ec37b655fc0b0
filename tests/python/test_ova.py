"""Machines packed into an OVA: by migrate, and by translate to OVF."""

import os
import shutil
import subprocess
import tarfile

import pytest

import vmlift


def members(path):
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_migrate_packs_an_ova_with_its_report_beside_it(vmlift_command, ova, tmp_path):
    target = tmp_path / "copy.ova"
    done = vmlift_command("migrate", ova, "--to", target, "--json").json()
    assert members(target) == ["copy.ovf", "copy.mf", "copy-disk1.vmdk"]
    assert [file["kind"] for file in done["migration"]["files"]] == [
        "descriptor", "manifest", "report"]
    assert (tmp_path / "copy.loss.json").is_file()
    assert vmlift.Package(target).verify()["files"] == 2
    same = vmlift_command("compare", f"{ova}!web-01-disk1.vmdk", f"{target}!copy-disk1.vmdk")
    assert same.status == 0
    before, after = (vmlift.inspect(each)["machines"][0] for each in (ova, target))
    for kept in ("name", "cpus", "memory", "firmware"):
        assert after[kept] == before[kept]
    assert [nic["mac"] for nic in after["nics"]] == [nic["mac"] for nic in before["nics"]]


def test_translate_to_ovf_writes_an_ova_when_it_is_named_so(vmlift_command, ova, tmp_path):
    target, report = tmp_path / "copy.ova", tmp_path / "report.json"
    done = vmlift_command("translate", ova, "--to", "ovf", "-o", target, "--report", report, "-q")
    assert (done.status, done.out, done.err) == (0, "", "")
    assert members(target)[0] == "copy.ovf" and report.is_file()
    again = vmlift_command("translate", ova, "--to", "ovf", "-o", target, "--json")
    assert again.json()["error"]["code"] == "Exists"


def test_an_ova_takes_no_other_disks(vmlift_command, ova, tmp_path):
    refused = vmlift_command("migrate", ova, "--to", tmp_path / "copy.ova", "-O", "qcow2")
    assert refused.status == 2 and "InvalidArgument" in refused.err
    assert not (tmp_path / "copy.ova").exists()


@pytest.mark.parametrize("made_by", ["migrate", "translate"])
def test_virt_v2v_reads_the_ova(vmlift_command, ova, tmp_path, made_by):
    if not shutil.which("virt-v2v"):
        pytest.skip("virt-v2v is absent")
    target = tmp_path / "copy.ova"
    how = (["migrate", ova, "--to", target] if made_by == "migrate" else
           ["translate", ova, "--to", "ovf", "-o", target, "-q"])
    assert vmlift_command(*how).status == 0
    read = subprocess.run(["virt-v2v", "-i", "ova", target, "--print-source"], text=True,
                          capture_output=True, timeout=120,
                          env={**os.environ, "LIBGUESTFS_BACKEND": "direct"})
    assert read.returncode == 0, read.stdout + read.stderr
    machine = vmlift.inspect(ova)["machines"][0]
    assert f"source name: {machine['name']}" in read.stdout
    assert f"memory: {machine['memory']} (bytes)" in read.stdout
    assert f"nr vCPUs: {machine['cpus']}" in read.stdout
    (nic,) = machine["nics"]
    assert f'"{nic["network"]}" mac: {nic["mac"]}' in read.stdout
