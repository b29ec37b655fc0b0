"""Machines packed into an OVA: by migrate, and by translate to OVF."""

import tarfile

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
