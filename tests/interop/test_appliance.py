"""The sample appliance from end to end: made, migrated, judged by other tools, booted."""

import xml.etree.ElementTree as ElementTree

import pytest

from appliance import boot, disk, make
from programs import need, run

MARKER = "the guest of the interop test is up"


@pytest.fixture(scope="module")
def appliance(tmp_path_factory):
    need("dpkg-deb", "depmod", "mke2fs", "sfdisk", "grub-mkimage", "qemu-img")
    if not disk.guest_kernel_package().is_file():
        pytest.skip(f"no guest kernel at {disk.guest_kernel_package()}"
                    " (`cmake/bootstrap.sh deps` fetches it)")
    ova = tmp_path_factory.mktemp("appliance") / "sample-guest.ova"
    make.make_appliance(ova, MARKER)
    return ova


@pytest.fixture(scope="module")
def migrated(appliance, vmlift_command):
    """The folder that `vmlift migrate` filled."""
    target = appliance.parent / "kvm"
    done = vmlift_command("migrate", appliance, "--to", target, "-O", "qcow2")
    assert done.status == 0, done.err
    return target


def domain(folder):
    (path,) = folder.glob("*.xml")
    return path


@pytest.mark.slow
def test_the_appliances_ovf_is_valid(appliance, shared_data, tmp_path):
    need("xmllint")
    run("tar", "-C", tmp_path, "-xf", appliance, "sample-guest.ovf")
    run("xmllint", "--nonet", "--noout", "--schema", shared_data / "ovf-schema/DSP8023.xsd",
        tmp_path / "sample-guest.ovf")


@pytest.mark.slow
def test_the_migrated_disk_is_sound_and_the_same(appliance, migrated, tmp_path):
    run("tar", "-C", tmp_path, "-xf", appliance, "sample-guest-disk1.vmdk")
    (qcow2,) = migrated.glob("*.qcow2")
    run("qemu-img", "check", qcow2)
    run("qemu-img", "compare", tmp_path / "sample-guest-disk1.vmdk", qcow2)


@pytest.mark.slow
def test_the_domain_is_what_libvirt_accepts(migrated):
    need("virt-xml-validate")
    run("virt-xml-validate", domain(migrated), "domain")


@pytest.mark.slow
def test_the_migrated_guest_boots_on_the_hardware_of_its_domain(migrated):
    need("virsh", "qemu-system-x86_64", "setpriv")
    devices = ElementTree.parse(domain(migrated)).find("devices")
    assert devices.find("disk/target").get("bus") == "sata"
    model = devices.find("interface/model").get("type")

    console = "\n".join(boot.boot(domain(migrated), MARKER, timeout=240))
    assert "on ahci" in console
    assert f"nic eth0 {make.MAC} on {model}" in console
    assert "processors 2" in console
    assert "payload intact" in console
