"""What the README shows works: its examples run, and its table of formats is the real one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vmlift

SOURCE = Path(__file__).resolve().parents[2]
README = (SOURCE / "README.md").read_text()
WARNINGS = ("-Wall", "-Wextra", "-Werror")

DISK_SIZE = 3 << 20


def example(language):
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture
def folder(ova):
    """A folder with the appliance that the examples name."""
    return ova.parent


def run(*command, cwd):
    package = Path(vmlift.__file__).absolute().parents[1]  # PYTHONPATH may be a relative one
    done = subprocess.run([str(word) for word in command], cwd=cwd, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env={**os.environ, "PYTHONPATH": str(package)})
    assert done.returncode == 0, done.stdout
    return done.stdout


def is_the_disk(vmlift_command, target, raw_disk):
    compared = vmlift_command("compare", "-f", "raw", raw_disk, target)
    return compared.status == 0


def test_the_table_of_formats_is_the_librarys(vmlift_command):
    assert vmlift_command("formats", "--markdown").out in README


def test_the_shell_example_runs(folder, raw_disk, vmlift_command):
    script = "set -e\nvmlift() { " + f"'{sys.executable}' -m vmlift \"$@\"; }}\n" + example("sh")
    run("bash", "-c", script.replace("/var/tmp/", f"{folder}/out-"), cwd=folder)
    assert is_the_disk(vmlift_command, folder / "web-01.qcow2", raw_disk)
    assert (folder / "loss.json").is_file()


def test_the_python_example_runs(folder, raw_disk, vmlift_command):
    said = run(sys.executable, "-c", example("python"), cwd=folder)
    assert "streamOptimized" in said and str(DISK_SIZE) in said
    assert is_the_disk(vmlift_command, folder / "python.qcow2", raw_disk)


def test_the_cpp_example_compiles_and_runs(folder, raw_disk, vmlift_command, build_folder):
    (folder / "example.cpp").write_text(example("cpp"))
    libraries = run("pkg-config", "--libs", "fmt", "libdeflate", "libisal", "zlib", "liblzma",
                    "libzstd", "pugixml", "yaml-cpp", "libcrypto", cwd=folder).split()
    run(os.environ.get("CXX", "g++"), "-std=c++23", *WARNINGS, f"-I{SOURCE / 'include'}",
        "example.cpp", build_folder / "lib/libvmlift_core.a", *libraries, "-pthread",
        "-o", "example", cwd=folder)
    assert "bytes are data" in run("./example", cwd=folder)
    assert is_the_disk(vmlift_command, folder / "cpp.qcow2", raw_disk)


def test_the_c_example_compiles_and_runs(folder, raw_disk, vmlift_command, build_folder):
    (folder / "example.c").write_text(example("c"))
    run(os.environ.get("CC", "gcc"), "-std=c11", *WARNINGS, f"-I{SOURCE / 'capi'}",
        "example.c", f"-L{build_folder / 'capi'}", f"-Wl,-rpath,{build_folder / 'capi'}",
        "-lvmlift", "-o", "example", cwd=folder)
    run("./example", cwd=folder)
    assert is_the_disk(vmlift_command, folder / "c.qcow2", raw_disk)
