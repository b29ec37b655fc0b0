"""A disk of several files is replaced, and the program is killed at every step of it: what lies
there afterwards is the old disk, the new one, or none that opens. Never a mixture."""

import shutil
import subprocess
import sys

import pytest

import vmlift

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is absent")

SIZE = 3 << 20


def filled(path, letter):
    path.write_bytes(letter * SIZE)
    return path


def content(path):
    """The guest's first and last byte; None where nothing opens."""
    try:
        with vmlift.open_disk(path, format="vmdk") as disk:
            data = disk.read(disk.size, 0)
    except vmlift.Error as error:
        assert error.code in ("NotFound", "MissingExtent"), error
        return None
    assert data in (b"o" * SIZE, b"n" * SIZE), "a mixture of both disks"
    return data[:1]


@pytest.mark.parametrize("subformat", ["twoGbMaxExtentSparse", "monolithicFlat"])
def test_killed_at_any_step_the_disk_is_old_new_or_absent(tmp_path, subformat):
    old, new = filled(tmp_path / "old.raw", b"o"), filled(tmp_path / "new.raw", b"n")
    seen = []
    for call in ("linkat", "renameat", "renameat2", "unlinkat"):
        for step in range(1, 10):
            folder = tmp_path / f"{call}{step}"
            folder.mkdir()
            target = folder / "disk.vmdk"
            vmlift.convert(old, target, "vmdk", source_format="raw",
                           options={"subformat": subformat})
            killed = subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                 "-e", f"inject={call}:signal=KILL:when={step}",
                 sys.executable, "-m", "vmlift", "convert", "-q", "-f", "raw", "-O", "vmdk", "-o",
                 f"subformat={subformat}", "--overwrite", new, target],
                capture_output=True, text=True, timeout=120)
            if "PTRACE" in killed.stderr:
                pytest.skip("tracing is not allowed here: " + killed.stderr.strip())
            seen.append(content(target))
            if killed.returncode == 0:  # there is no such step any more
                assert seen[-1] == b"n"
                assert not list(folder.glob(".*"))
                break
        else:
            pytest.fail(f"{call} is called without end")
    assert {b"o", None, b"n"} == set(seen)


def test_a_conversion_that_fails_leaves_the_old_files_as_they_were(tmp_path, vmlift_command):
    target = tmp_path / "disk.vmdk"
    vmlift.convert(filled(tmp_path / "old.raw", b"o"), target, "vmdk", source_format="raw",
                   options={"subformat": "twoGbMaxExtentSparse"})
    # The source turns out to be cut short when most of it is written already.
    new = tmp_path / "new.vmdk"
    vmlift.convert(filled(tmp_path / "new.raw", b"n"), new, "vmdk", source_format="raw",
                   options={"subformat": "monolithicSparse"})
    new.write_bytes(new.read_bytes()[:-70000])
    before = {path.name: path.read_bytes() for path in tmp_path.glob("disk*.vmdk")}
    outcome = vmlift_command("convert", "-m", "1", "-O", "vmdk", "-o",
                             "subformat=twoGbMaxExtentSparse", "--overwrite", new, target)
    assert outcome.status == 2 and "error[Truncated]" in outcome.err
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*disk*")} == before
