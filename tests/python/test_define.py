"""Machines defined on a libvirt host: its driver for tests, which forgets when the process ends."""

import pytest

import vmlift

HOST = "test:///default"  # has one domain, called "test"

VMX = '''config.version = "8"
virtualHW.version = "19"
displayName = "web-01"
guestOS = "rhel9-64"
uuid.bios = "56 4d 0e 5a 2a 62 8b 3c-7f 3c 86 d4 4e 5c 11 22"
ethernet0.present = "TRUE"
ethernet0.networkName = "VM Network"
'''

DOMAIN = """<domain type='test'><name>{}</name><memory unit='MiB'>64</memory>
<os><type>hvm</type></os></domain>"""


@pytest.fixture(autouse=True)
def host():
    try:
        return vmlift.LibvirtHost(HOST)
    except vmlift.UnsupportedFeature as error:
        pytest.skip(str(error))


@pytest.fixture
def vmx(tmp_path):
    path = tmp_path / "web-01.vmx"
    path.write_text(VMX)
    return path


@pytest.fixture
def domain(tmp_path):
    path = tmp_path / "domain.xml"
    path.write_text(DOMAIN.format("abc"))
    return path


def test_a_machine_is_defined_as_the_guest_knows_itself(vmx):
    defined = vmlift.define(vmx, connection=HOST)
    assert defined.connection == HOST
    assert defined.domains == [("web-01", "5a0e4d56-622a-3c8b-7f3c-86d44e5c1122")]
    assert any(entry["key"] == "uuid.bios" for entry in defined.report["entries"])


def test_a_domain_xml_is_defined_as_it_stands(domain):
    defined = vmlift.define(domain, connection=HOST)
    assert defined.domains[0].name == "abc" and defined.report is None


def test_an_existing_domain_is_never_replaced(host, tmp_path):
    (tmp_path / "test.xml").write_text(DOMAIN.format("test"))
    with pytest.raises(vmlift.Exists) as raised:
        vmlift.define(tmp_path / "test.xml", connection=HOST)
    assert raised.value.path == HOST and "'test'" in raised.value.message
    host.define([DOMAIN.format("a")])
    with pytest.raises(vmlift.Exists):
        host.define([DOMAIN.format("b"), DOMAIN.format("a")])
    assert host.define([DOMAIN.format("b")])[0][0] == "b"


def test_the_command_prints_name_uuid_and_host(vmlift_command, vmx, tmp_path):
    done = vmlift_command("define", vmx, "--connect", HOST, "--report", tmp_path / "loss.json")
    assert (done.status, done.out) == (
        0, f"web-01  5a0e4d56-622a-3c8b-7f3c-86d44e5c1122  {HOST}\n")
    assert "needs-action" in done.err and (tmp_path / "loss.json").exists()


def test_the_command_says_what_libvirt_said(vmlift_command, vmx):
    refused = vmlift_command("define", vmx, "--connect", "nonsense:///system", "--json")
    assert refused.status == 2
    assert refused.json()["error"]["path"] == "nonsense:///system"
    assert refused.err == ""


def test_the_guests_kind_and_the_hosts_abilities_are_obeyed(vmlift_command, vmx, tmp_path):
    xen = vmlift_command("translate", vmx, "--to", "libvirt", "--target", "xen", "-q")
    assert "<domain type=\"xen\"" in xen.out or "<domain type='xen'" in xen.out
    (tmp_path / "caps.xml").write_text("no XML")
    bad = vmlift_command("translate", vmx, "--to", "libvirt", "--capabilities",
                         tmp_path / "caps.xml", "--json")
    assert bad.json()["error"]["code"] == "BadXml"
