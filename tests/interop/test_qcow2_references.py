"""A qcow2 image that names other files: the command line reports it and opens none of them."""

import shutil
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.skipif(not shutil.which("qemu-img"), reason="qemu-img is absent"),
    pytest.mark.skipif(not shutil.which("strace"), reason="strace is absent"),
]


def image_naming(path, options):
    """An image without data whose header names another file, which need not exist."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-u", *options, str(path), "1M"],
                   check=True)


def traced(log, *arguments):
    """Runs `vmlift ARGUMENTS...`; returns its outcome and the files and peers it tried."""
    process = subprocess.run(
        ["strace", "-f", "-e", "trace=open,openat,openat2,connect", "-o", str(log),
         sys.executable, "-m", "vmlift", *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return process, log.read_text()


@pytest.mark.parametrize("references", [None, "same-directory"])
@pytest.mark.parametrize("name", ["{outside}/confidential", "../outside/confidential", "nbd://127.0.0.1:1",
                                  'json:{{"driver":"file","filename":"{outside}/confidential"}}'])
def test_a_denied_parent_is_not_opened(tmp_path, name, references):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/confidential").write_bytes(b"confidential" * 100000)
    folder = tmp_path / "inside"
    folder.mkdir()
    image_naming(folder / "d.qcow2", ["-b", name.format(outside=tmp_path / "outside"), "-F", "raw"])
    policy = ["--references", references] if references else []
    process, trace = traced(tmp_path / "log", "convert", "-f", "qcow2", "-O", "raw", *policy,
                            folder / "d.qcow2", folder / "out.raw")
    assert process.returncode == 2
    assert "error[ReferenceDenied]" in process.stderr
    assert [path.name for path in folder.iterdir()] == ["d.qcow2"]
    opened = [line for line in trace.splitlines() if "confidential" in line and " = -1 " not in line]
    assert opened == []
    assert "sin_port" not in trace


def test_info_names_the_parent_and_opens_nothing_but_the_image(tmp_path, vmlift_command):
    confidential = tmp_path / "confidential"
    confidential.write_bytes(bytes(1 << 20))
    image_naming(tmp_path / "d.qcow2", ["-b", str(confidential), "-F", "raw"])
    process, trace = traced(tmp_path / "log", "info", "--json", tmp_path / "d.qcow2")
    assert process.returncode == 0
    assert str(confidential) in process.stdout
    assert "confidential" not in trace
