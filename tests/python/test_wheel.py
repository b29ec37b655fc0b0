"""`pip install .` gives a Python environment the package and the command `vmlift`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from linkage import check_linkage

SOURCE = Path(__file__).resolve().parents[2]

# What the wheel is built with and what it needs; fetched first, so that an unreachable package
# index is told from a wheel that does not build.
REQUIREMENTS = ["scikit-build-core>=0.10", "pybind11>=2.10", "rich>=13", "pyyaml>=6"]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, **options)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The bin folder of a fresh virtual environment with vmlift installed from its wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    fetched = run(*pip, "install", *REQUIREMENTS)
    if fetched.returncode != 0:
        pytest.skip(f"no package index to fetch the build tools from: {last_line(fetched.stderr)}")

    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if shutil.which("ccache"):
        # The names and flags of the everyday build: the cache knows every file already.
        environment.update(CC="cc", CXX="c++", CCACHE_NOHASHDIR="1",
                           CMAKE_CXX_COMPILER_LAUNCHER="ccache", CMAKE_C_COMPILER_LAUNCHER="ccache")
    built = run(*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", folder, SOURCE,
                "--config-settings=cmake.build-type=RelWithDebInfo",
                "--config-settings=cmake.define.VMLIFT_WERROR=ON",
                f"--config-settings=build-dir={SOURCE / 'build/wheel'}", env=environment)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("vmlift-*.whl")
    put = run(*pip, "install", wheel)
    assert put.returncode == 0, put.stderr
    return folder / "venv/bin"


def last_line(text):
    return (text.strip().splitlines() or ["pip said nothing"])[-1]


def run_installed(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return run(*command, cwd=cwd, env=environment)


@pytest.mark.slow
def test_the_wheels_command_converts_a_disk(installed, raw_disk, tmp_path):
    target = tmp_path / "disk.qcow2"
    done = run_installed(installed / "vmlift", "convert", "-f", "raw", "-O", "qcow2",
                         raw_disk, target, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    same = run_installed(installed / "vmlift", "compare", "-f", "raw", raw_disk, target,
                         cwd=tmp_path)
    assert same.returncode == 0, same.stdout + same.stderr


@pytest.mark.slow
def test_the_wheels_package_is_imported_from_the_environment(installed, tmp_path):
    assert module_of(installed, "vmlift", tmp_path).is_relative_to(installed.parent)


@pytest.mark.slow
def test_the_wheels_module_loads_where_the_servers_libraries_are_absent(installed, tmp_path):
    check_linkage(module_of(installed, "vmlift._core", tmp_path))


def module_of(installed, name, cwd):
    """Where the environment finds a module."""
    done = run_installed(installed / "python", "-c",
                         f"import {name} as module; print(module.__file__)", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
