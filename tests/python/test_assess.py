"""What is said before machines are moved: `inspect --assess` over packages and folders."""

import pytest

import vmlift

SOUND = '''config.version = "8"
virtualHW.version = "19"
displayName = "{name}"
guestOS = "rhel9-64"
memsize = "2048"
numvcpus = "2"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "{name}.vmdk"
scsi0:0.ctkEnabled = "TRUE"
'''


@pytest.fixture
def farm(tmp_path):
    """Three machines in folders of a datastore, one of them broken."""
    for name, more in {"web-01": "", "db-01": 'scsi0.sharedBus = "physical"\n',
                       "broken": 'mem.hotadd = "many\n'}.items():
        folder = tmp_path / "datastore" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.vmx").write_text(SOUND.format(name=name) + more)
    return tmp_path / "datastore"


def test_a_folder_stands_for_every_machine_below_it(farm):
    found = vmlift.assess([farm])
    assert [(each["name"], each["severity"]) for each in found["machines"]] == [
        ("db-01", "blocker"), ("web-01", None)]
    assert [each["code"] for each in found["errors"]] == ["BadVmx"]
    (concern,) = [each for each in found["concerns"] if each["severity"] == "blocker"]
    assert concern["id"] == "controller.shared-bus" and concern["machine"] == "db-01"
    assert concern["package"].endswith("db-01.vmx") and concern["action"]
    web = found["machines"][1]
    assert (web["cpus"], web["memory"], web["disks"]) == (2, 2 << 30, 1)


def test_the_table_tells_all_that_could_be_read(vmlift_command, farm):
    told = vmlift_command("inspect", "--assess", farm)
    assert told.status == 2 and "BadVmx" in told.err and "mem.hotadd" in told.err
    assert "2 machines: 1 with blockers, 0 with warnings, 1 ready" in told.out
    assert "blocker  scsi0: the bus is shared" in told.out


def test_named_packages_are_assessed_in_their_order(vmlift_command, farm, ova):
    told = vmlift_command("inspect", "--assess", "--json", ova, farm / "web-01/web-01.vmx")
    assert told.status == 0
    packages = [each["package"] for each in told.json()["machines"]]
    assert packages == [str(ova), str(farm / "web-01/web-01.vmx")]


def test_several_packages_are_shown_one_after_the_other(vmlift_command, farm, ova):
    vmx = farm / "web-01/web-01.vmx"
    shown = vmlift_command("inspect", ova, vmx).out
    assert shown.count("cpus") >= 2
    both = vmlift_command("inspect", "--json", ova, vmx).json()["packages"]
    assert [each["package"] for each in both] == [str(ova), str(vmx)]
    assert both[1]["machines"][0]["name"] == "web-01"
