"""A damaged or hostile image makes the library open nothing but what the policy allows. The C++ tests
of such images are run once more under strace; marks in the trace say where an image begins."""

import re
import shutil
import subprocess

import pytest

TRACED = "open,openat,openat2,creat,connect,access,faccessat,faccessat2,execve"
# What the C library opens: facts about the system, and its tables of character sets.
# Files without a name, as what is expanded is kept in, hold nobody else's bytes.
ALWAYS = re.compile(r"/proc/|/sys/devices/system/cpu|/(usr/)?lib.*/gconv/|/.*/#[0-9]+")
MARK = re.compile(r'"/vmlift-watched/(begin([^:"]*):([^"]*)|end)"')
OPENED = re.compile(r"\) = \d+<([^>]*)>")


@pytest.mark.parametrize("program, images", [
    ("formats/vmdk/vmdk_damage_test", 140),
    ("formats/qcow2/qcow2_test", 60),
    ("package/package_test", 30),
    ("io/io_test", 20),
])
def test_nothing_else_is_opened(build_folder, tmp_path, program, images):
    if shutil.which("strace") is None:
        pytest.skip("strace is absent (Debian: strace)")
    path = build_folder / "tests" / program
    if not path.is_file():
        pytest.skip(f"{path} is not built")
    log = tmp_path / "trace"
    traced = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-y", "-s", "512", "-e", f"trace={TRACED}", "-o", log, path,
         "--test-suite=vmdk,qcow2 bad input,hostile *"], capture_output=True, text=True,
        timeout=300)
    if "PTRACE" in traced.stderr:
        pytest.skip("tracing is not allowed here: " + traced.stderr.strip())
    assert traced.returncode == 0, traced.stdout + traced.stderr

    watched = tried = 0
    allowed = None
    for line in calls(log):
        mark = MARK.search(line)
        if mark:
            allowed = None
            if mark[1] != "end":
                watched += 1
                allowed = tuple(folder for folder in (mark[2], mark[3]) if folder)
            continue
        if allowed is None or "exited with" in line:
            continue
        assert "connect(" not in line and "execve(" not in line, line
        opened = OPENED.search(line)
        tried += 1
        if opened is not None:
            assert (ALWAYS.match(opened[1])
                    or any(is_in(opened[1], folder) for folder in allowed)), line
    assert watched >= images
    assert tried > watched  # the trace does see what the library tries


def is_in(path, folder):
    return path == folder or path.startswith(folder + "/")


def calls(log):
    """Whole calls, also those that another thread's interrupted."""
    begun = {}
    for line in log.read_text(errors="replace").splitlines():
        thread, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
        elif "resumed>" in call:
            yield begun.pop(thread, "") + call.partition("resumed>")[2]
        else:
            yield call
