"""The command line's contract: output, exit status, errors as text and as JSON."""

import hashlib
import os
import pty
import subprocess
import sys

import pytest

import vmlift

COMMANDS = ["info", "map", "check", "digest", "convert", "compare", "inspect", "translate", "define",
            "migrate", "snapshot", "sync", "fixup", "formats"]


def test_info_has_qemu_img_names(vmlift_command, raw_disk):
    info = vmlift_command("info", "-f", "raw", "--json", raw_disk).json()
    assert info["virtual-size"] == 3 << 20
    assert info["format"] == "raw"
    assert info["filename"] == str(raw_disk)


def test_info_tells_a_person_the_size_twice(vmlift_command, raw_disk):
    assert "3.00 MiB (3145728 bytes)" in vmlift_command("info", "-f", "raw", raw_disk).out


def test_map_is_a_list_that_covers_the_disk(vmlift_command, raw_disk):
    extents = vmlift_command("map", "-f", "raw", "--json", raw_disk).json()
    assert sum(extent["length"] for extent in extents) == 3 << 20
    assert {"start", "length", "depth", "present", "zero", "data", "compressed",
            "offset"} <= set(extents[0])


def test_the_map_of_an_empty_disk_is_an_empty_list(vmlift_command, tmp_path):
    (tmp_path / "empty").touch()
    assert vmlift_command("map", "-f", "raw", "--json", tmp_path / "empty").json() == []


def test_digest_prints_the_hex_digest_first(vmlift_command, raw_disk):
    expected = hashlib.sha256(raw_disk.read_bytes()).hexdigest()
    assert vmlift_command("digest", "-f", "raw", raw_disk).out.split()[0] == expected
    assert vmlift_command("digest", "-f", "raw", "--json", raw_disk).json()["digest"] == expected


def test_convert_and_compare(vmlift_command, raw_disk, tmp_path):
    copy = tmp_path / "copy.raw"
    outcome = vmlift_command("convert", "-f", "raw", "-O", "raw", "--verify", "--json", raw_disk,
                             copy)
    assert outcome.status == 0 and outcome.err == ""
    assert outcome.json()["verified"] is True
    same = vmlift_command("compare", "-f", "raw", "-F", "raw", raw_disk, copy)
    assert (same.status, same.out) == (0, "The disks are identical.\n")
    with open(copy, "r+b") as file:
        file.write(b"F")
    different = vmlift_command("compare", "-f", "raw", "-F", "raw", "--json", raw_disk, copy)
    assert different.status == 1
    assert different.json() == {"identical": False, "first_difference": 0,
                                "sizes": [3 << 20, 3 << 20]}


def test_compare_of_different_sizes_is_strict_when_asked(vmlift_command, tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abc\0")
    disks = ("-f", "raw", "-F", "raw", tmp_path / "a", tmp_path / "b")
    lenient = vmlift_command("compare", *disks)
    assert lenient.status == 0 and "the sizes differ: 3 and 4 bytes" in lenient.err
    assert vmlift_command("compare", "-s", *disks).status == 1


def test_compare_of_what_is_not_there_is_an_error(vmlift_command, raw_disk, tmp_path):
    assert vmlift_command("compare", "-f", "raw", raw_disk, tmp_path / "missing").status == 2


def test_an_existing_target_is_kept_unless_overwrite(vmlift_command, raw_disk, tmp_path):
    target = tmp_path / "target.raw"
    target.write_bytes(b"precious")
    arguments = ("convert", "-f", "raw", "-O", "raw", raw_disk, target)
    refused = vmlift_command(*arguments)
    assert refused.status == 2
    assert refused.err.startswith("vmlift: error[Exists]: ")
    assert str(target) in refused.err and "--overwrite" in refused.err
    assert target.read_bytes() == b"precious"
    assert vmlift_command(*arguments, "--overwrite").status == 0
    assert target.read_bytes() == raw_disk.read_bytes()


def test_errors_are_json_on_stdout_when_asked(vmlift_command, tmp_path):
    outcome = vmlift_command("info", "--json", tmp_path / "missing")
    assert outcome.status == 2 and outcome.err == ""
    error = outcome.json()["error"]
    assert error["code"] == "NotFound"
    assert error["path"] == str(tmp_path / "missing")
    assert error["offset"] is None and error["message"]


@pytest.mark.parametrize("arguments", [
    (), ("no-such-command",), ("info",), ("convert", "a", "b"), ("info", "--no-such-option", "a"),
    ("info", "--ref", "any", "a"), ("convert", "-O", "raw", "-o", "novalue", "a", "b"),
    ("info", "--limit", "virtual_size=many", "a"), ("info", "--limit", "no_such_limit=1", "a"),
    ("info", "--references", "sometimes", "a"), ("info", "-f", "no-such-format", "/dev/null"),
    ("convert", "-O", "no-such-format", "-f", "raw", "/dev/null", "a"),
    ("digest", "-m", "0", "a"), ("sync", "no-such-step"),
], ids=" ".join)
def test_a_bad_option_is_invalid_argument(vmlift_command, arguments):
    outcome = vmlift_command(*arguments)
    assert outcome.status == 2
    assert outcome.err.startswith("vmlift: error[InvalidArgument]: "), outcome.err
    assert outcome.out == ""
    assert vmlift_command(*arguments, "--json").json()["error"]["code"] == "InvalidArgument"


def test_an_unknown_target_option_names_those_there_are(vmlift_command, raw_disk, tmp_path):
    outcome = vmlift_command("convert", "-f", "raw", "-O", "raw", "-o", "colour=red", raw_disk,
                             tmp_path / "target")
    assert outcome.status == 2
    assert "error[InvalidArgument]" in outcome.err and "colour" in outcome.err
    assert not (tmp_path / "target").exists()


def test_raw_is_never_guessed(vmlift_command, raw_disk):
    outcome = vmlift_command("info", raw_disk)
    assert "error[UnsafeProbe]" in outcome.err and "-f raw" in outcome.err


def test_limits_may_be_set(vmlift_command, raw_disk):
    refused = vmlift_command("info", "-f", "raw", "--limit", "virtual_size=2M", raw_disk)
    assert "error[Limit]" in refused.err and "--limit" in refused.err
    assert vmlift_command("info", "-f", "raw", "--limit", "virtual_size=3M", raw_disk).status == 0


@pytest.mark.parametrize("arguments", [("sync", "status", "web-01"), ("fixup", "plan", "disk")],
                         ids=" ".join)
def test_what_is_not_there_yet_says_so(vmlift_command, arguments):
    outcome = vmlift_command(*arguments)
    assert outcome.status == 2
    assert "error[UnsupportedFeature]" in outcome.err and "not there yet" in outcome.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_json(vmlift_command, command):
    outcome = vmlift_command(command, "--help")
    assert outcome.status == 0
    assert "--json" in outcome.out


def test_a_hostile_name_does_not_reach_the_terminal_raw(vmlift_command, tmp_path):
    outcome = vmlift_command("info", tmp_path / "\x1b[2Jgone\n")
    assert "\x1b" not in outcome.err and outcome.err.count("\n") == 1
    assert "\\x1b[2Jgone\\n" in outcome.err


def test_a_reader_that_goes_away_is_no_crash(raw_disk):
    command = f"{sys.executable} -m vmlift formats --json | true"
    outcome = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in outcome.stderr


def test_version(vmlift_command):
    assert vmlift_command("--version").out == f"vmlift {vmlift.__version__}\n"


@pytest.mark.parametrize("with_rich", [True, False])
def test_a_terminal_sees_progress_with_rate_and_time_left(tmp_path, with_rich):
    """The bar, drawn into a terminal by a copy that is slowed down by its own callback."""
    if with_rich:
        pytest.importorskip("rich")
    script = (
        "import sys, time\n"
        + ("" if with_rich else "sys.modules['rich.console'] = None\n")
        + "from vmlift.cli import progress\n"
        "progress.PATIENCE = 0\n"
        "with progress.Progress('convert') as show:\n"
        "    for step in range(5):\n"
        "        time.sleep(0.3)\n"
        "        show(step << 30, 4 << 30)\n")
    main, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", script], stderr=terminal,
                               env={**os.environ, "COLUMNS": "100", "TERM": "xterm"})
    os.close(terminal)
    seen = b""
    try:
        while chunk := os.read(main, 4096):
            seen += chunk
    except OSError:
        pass  # Linux's way to say that the terminal is closed
    os.close(main)
    assert process.wait(timeout=60) == 0
    text = seen.decode()
    assert "convert" in text and "100 %" in text and "/s" in text
    assert ("left" if not with_rich else "0:00:0") in text
