"""Definitions translated by Python and the command line: decisions, networks, hosts, profiles."""

import json
import shutil
import subprocess

import pytest

import vmlift

VMX = '''config.version = "8"
virtualHW.version = "19"
displayName = "web-01"
guestOS = "rhel9-64"
memsize = "2048"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "web-01.vmdk"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:01:02:03"
ethernet1.present = "TRUE"
ethernet1.networkName = "Backup"
'''

MAP = """networks:
  VM Network: {bridge: br7, vlan: 7}
  Backup: {network: backup, portgroup: nightly}
"""

CAPABILITIES = """<domainCapabilities><machine>pc-q35-7.2</machine><devices>
<disk supported='yes'><enum name='bus'><value>sata</value></enum></disk>
</devices></domainCapabilities>"""


@pytest.fixture
def vmx(tmp_path):
    path = tmp_path / "web-01.vmx"
    path.write_text(VMX)
    return path


def decision(report, name):
    (found,) = [each for each in report["decisions"] if each["name"] == name]
    return found


def test_a_decision_is_the_callers_in_python_and_on_the_command_line(vmx, vmlift_command, tmp_path):
    translated = vmlift.translate(vmx, "libvirt", decisions={"machine": "pc"})
    assert 'machine="pc"' in translated.documents[0].text
    report = tmp_path / "loss.json"
    done = vmlift_command("translate", vmx, "--to", "libvirt", "--set", "machine=pc",
                          "--report", report, "-q")
    assert done.out == translated.documents[0].text
    assert decision(json.loads(report.read_text()), "machine")["value"] == "pc"
    assert decision(json.loads(report.read_text()), "machine")["reason"]


@pytest.mark.parametrize("name, value", [("machien", "pc"), ("firmware", "coreboot")])
def test_an_unknown_decision_is_refused(vmx, vmlift_command, name, value):
    with pytest.raises(vmlift.InvalidArgument) as raised:
        vmlift.translate(vmx, "libvirt", decisions={name: value})
    assert name in raised.value.message
    done = vmlift_command("translate", vmx, "--to", "libvirt", "--set", f"{name}={value}")
    assert done.status == 2 and "error[InvalidArgument]" in done.err


def test_a_map_says_where_networks_go(vmx, vmlift_command, tmp_path):
    (tmp_path / "map.yaml").write_text(MAP)
    domain = vmlift_command("translate", vmx, "--to", "libvirt", "--map", tmp_path / "map.yaml",
                            "-q").out
    assert domain == vmlift.translate(vmx, "libvirt", network_map=MAP).documents[0].text
    for part in ('<source bridge="br7"', '<tag id="7"',
                 '<source network="backup" portgroup="nightly"'):
        assert part in domain
    assert '<link state="down"' not in domain
    unmapped = vmlift_command("translate", vmx, "--to", "libvirt", "-q").out
    assert unmapped.count('<link state="down"') == 2 and "br7" not in unmapped


def test_multus_networks_are_kubevirts(vmx):
    multus = "networks:\n  VM Network: {multus: prod/web}\n  Backup: {multus: prod/backup}\n"
    yaml = pytest.importorskip("yaml")
    manifest = yaml.safe_load(
        vmlift.translate(vmx, "kubevirt", network_map=multus).documents[0].text)
    instance = manifest["spec"]["template"]["spec"]
    assert [each["multus"]["networkName"] for each in instance["networks"]] == [
        "prod/web", "prod/backup"]
    assert all("state" not in each for each in instance["domain"]["devices"]["interfaces"])


@pytest.mark.parametrize("profile, bus, model", [
    ("boot-safe", "sata", "e1000e"), ("tuned", "virtio", "virtio"),
    ("vmware-compat", "scsi", "vmxnet3")])
def test_a_profile_chooses_the_devices(vmx, vmlift_command, profile, bus, model):
    domain = vmlift_command("translate", vmx, "--to", "libvirt", "--profile", profile, "-q").out
    assert f'<target dev="{"vda" if bus == "virtio" else "sda"}" bus="{bus}"' in domain
    assert f'<model type="{model}"' in domain


def test_a_host_is_not_asked_for_what_it_lacks(vmx, vmlift_command, tmp_path):
    (tmp_path / "caps.xml").write_text(CAPABILITIES)
    domain = vmlift_command("translate", vmx, "--to", "libvirt", "--profile", "tuned",
                            "--capabilities", tmp_path / "caps.xml", "-q").out
    assert 'bus="sata"' in domain and 'bus="virtio"' not in domain


def test_a_domain_for_xen_is_one_that_libvirt_takes(vmx, vmlift_command, tmp_path):
    domain = vmlift_command("translate", vmx, "--to", "libvirt", "--target", "xen", "-q").out
    assert '<domain type="xen"' in domain and 'machine="xenfv"' in domain
    if not shutil.which("virt-xml-validate"):
        pytest.skip("virt-xml-validate is absent (libvirt-clients)")
    (tmp_path / "xen.xml").write_text(domain)
    subprocess.run(["virt-xml-validate", tmp_path / "xen.xml", "domain"], check=True)


@pytest.mark.parametrize("dialect", ["libvirt", "ovf", "vmx", "kubevirt", "qm", "openstack", "xl"])
def test_every_key_of_the_source_is_in_every_report(vmx, dialect):
    report = vmlift.translate(vmx, dialect).report
    told = {entry["key"] for entry in report["entries"]}
    assert {line.split(" = ")[0] for line in VMX.splitlines()} <= told
    for entry in report["entries"]:
        answer = {"dropped": "reason", "needs-action": "action"}.get(entry["status"])
        assert answer is None or entry[answer]
