"""Ctrl-C: a running copy stops at once and leaves nothing."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import vmlift


@pytest.fixture
def large_disk(tmp_path):
    """Enough data that hashing and verifying it outlasts the interruption."""
    path = tmp_path / "source" / "large.raw"
    path.parent.mkdir()
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for _ in range(512):
            file.write(block)
    return path


@pytest.fixture
def large_machine(large_disk):
    """A VMX folder with that disk as a flat VMDK."""
    folder = large_disk.parent
    sectors = large_disk.stat().st_size // 512
    (folder / "large.vmdk").write_text(
        '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n'
        f'createType="monolithicFlat"\nRW {sectors} FLAT "large.raw" 0\n')
    (folder / "large.vmx").write_text(
        'config.version = "8"\nvirtualHW.version = "19"\ndisplayName = "large"\n'
        'scsi0.present = "TRUE"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "large.vmdk"\n')
    return folder / "large.vmx"


@pytest.fixture
def target_folder(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_keyboard_interrupt_stops_a_copy(large_disk, target_folder):
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        vmlift.convert(large_disk, target_folder / "copy.raw", "raw", source_format="raw",
                       verify=True, digest=True)
    assert time.monotonic() - began < 5
    assert list(target_folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_command_ends_as_cancelled(large_disk, target_folder, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "vmlift", "convert", "-f", "raw", "-O", "raw", "--verify",
         "--digest", "-p", large_disk, target_folder / "copy.raw"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # The first line of progress tells that the copy is under way.
    first = process.stderr.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert first.startswith("convert") and "%" in first, first
    assert process.returncode == 2, (out, err)
    assert "vmlift: error[Cancelled]: " in err
    assert "Traceback" not in err
    assert list(target_folder.iterdir()) == []


@pytest.mark.parametrize("target", ["new", ".", "large.ova"])
def test_an_interrupted_migration_leaves_nothing_behind(large_machine, target_folder, target):
    process = subprocess.Popen(
        [sys.executable, "-m", "vmlift", "migrate", large_machine, "--to",
         target_folder / target, "--verify", "-p"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert "%" in first, (first, out, err)
    assert process.returncode == 2, (out, err)
    assert "vmlift: error[Cancelled]: " in err
    assert "Traceback" not in err
    assert list(target_folder.iterdir()) == []
