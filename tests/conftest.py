"""What the Python tests share: the command line as a subprocess, and where sample data is."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from appliance.ova import write_ova

SOURCE = Path(__file__).resolve().parents[1]

# Without PYTHONPATH the usual build tree is tested, here and in every subprocess.
if importlib.util.find_spec("vmlift") is None:
    sys.path.insert(0, str(SOURCE / "build/python"))
    os.environ["PYTHONPATH"] = str(SOURCE / "build/python")


passed = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.stash[passed] = report.passed


@pytest.fixture
def tmp_path(tmp_path, request):
    """Of a test that passed nothing stays: all of them together are some gigabytes. (pytest 7.3 has
    an option for it, Debian 12's pytest is older.)"""
    yield tmp_path
    if request.node.stash.get(passed, False):
        shutil.rmtree(tmp_path, ignore_errors=True)


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


def run_vmlift(*arguments, **settings):
    """Runs `vmlift ARGUMENTS...` to its end."""
    process = subprocess.run([sys.executable, "-m", "vmlift", *map(str, arguments)],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=300, **settings)
    return Outcome(process.returncode, process.stdout, process.stderr)


@pytest.fixture(scope="session")
def vmlift_command():
    return run_vmlift


@pytest.fixture(scope="session")
def build_folder():
    """The build tree that the imported package comes from."""
    vmlift = pytest.importorskip("vmlift")
    folder = Path(vmlift._core.__file__).parents[2]
    if not (folder / "CMakeCache.txt").is_file():
        pytest.skip("the imported vmlift is installed, not in a build tree")
    return folder


@pytest.fixture(scope="session")
def shared_data():
    """Sample data that is not part of the project."""
    folder = Path(os.environ.get("VMLIFT_SHARED_DATA", SOURCE / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no sample data at {folder} (VMLIFT_SHARED_DATA names its folder)")
    return folder


@pytest.fixture
def raw_disk(tmp_path):
    """A small raw disk: data at both ends, a hole between."""
    path = tmp_path / "disk.raw"
    with open(path, "wb") as file:
        file.write(b"first" * 1000)
        file.truncate(3 << 20)
        file.seek((3 << 20) - 4)
        file.write(b"last")
    return path


@pytest.fixture
def stream_vmdk(tmp_path, raw_disk):
    """`raw_disk` as VMware exports it."""
    path = tmp_path / "disk.vmdk"
    made = run_vmlift("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized",
                      raw_disk, path)
    assert made.status == 0, made.err
    return path


@pytest.fixture
def ova(tmp_path, stream_vmdk):
    """An appliance with that disk, a manifest and one NIC."""
    path = tmp_path / "web-01.ova"
    write_ova(path, "web-01", stream_vmdk, 3 << 20, "00:50:56:01:02:03")
    return path
