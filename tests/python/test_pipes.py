"""Disks through pipes, and disks that another program has open."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

vmlift = pytest.importorskip("vmlift")


def in_shell(command, folder):
    # From another folder a relative PYTHONPATH leads nowhere.
    package = Path(vmlift._core.__file__).absolute().parents[1]
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True,
                          timeout=120, env={**os.environ, "PYTHONPATH": str(package)})


VMLIFT = f"{shlex.quote(sys.executable)} -m vmlift"


@pytest.mark.parametrize("source", ["-", "/dev/stdin"])
def test_a_stream_through_a_pipe_becomes_any_disk(stream_vmdk, raw_disk, tmp_path, source):
    for target, options in (("a.qcow2", "-c -O qcow2"), ("a.raw", "-O raw"),
                            ("a.vmdk", "-O vmdk -o subformat=monolithicSparse --verify")):
        done = in_shell(f"cat {stream_vmdk} | {VMLIFT} convert -f vmdk {options} {source} {target}",
                        tmp_path)
        assert done.returncode == 0, done.stderr
        format_name = options.split("-O ")[1].split()[0]
        assert vmlift.compare(tmp_path / target, raw_disk, format_a=format_name, format_b="raw")


def test_other_commands_read_pipes_too(stream_vmdk, raw_disk, tmp_path, vmlift_command):
    info = in_shell(f"cat {stream_vmdk} | {VMLIFT} info -", tmp_path)
    assert "streamOptimized" in info.stdout, info.stderr
    digest = in_shell(f"cat {stream_vmdk} | {VMLIFT} digest -q -", tmp_path)
    wanted = vmlift_command("digest", "-q", "-f", "raw", raw_disk)
    assert digest.stdout.split()[0] == wanted.out.split()[0]
    compared = in_shell(f"cat {stream_vmdk} | {VMLIFT} compare -f vmdk -F raw - {raw_disk}",
                        tmp_path)
    assert compared.returncode == 0, compared.stderr
    redirected = in_shell(f"{VMLIFT} info - < {stream_vmdk}", tmp_path)
    assert "streamOptimized" in redirected.stdout, redirected.stderr


def test_a_stream_that_breaks_off_is_truncated_and_leaves_nothing(stream_vmdk, tmp_path):
    before = sorted(tmp_path.iterdir())
    size = stream_vmdk.stat().st_size
    done = in_shell(f"head -c {size - 700} {stream_vmdk} | {VMLIFT} convert -f vmdk -O qcow2 - out",
                    tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("vmlift: error[Truncated]: "), done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_an_image_in_use_is_read_when_asked(tmp_path, vmlift_command):
    image = tmp_path / "disk.qcow2"
    with vmlift.create_disk(image, "qcow2", 1 << 20) as disk:
        disk.commit()
    with vmlift.open_disk(image, writable=True):
        refused = vmlift_command("info", image)
        assert refused.status == 2
        assert refused.err.startswith("vmlift: error[InUse]: ")
        assert "--force-share" in refused.err
        assert vmlift_command("info", "-U", image).status == 0
        assert vmlift_command("map", "--force-share", image).status == 0
        with vmlift.open_disk(image, allow_in_use=True) as disk:
            assert disk.size == 1 << 20
        with pytest.raises(vmlift.Error) as caught:
            vmlift.open_disk(image, writable=True, allow_in_use=True)
        assert caught.value.code == "InUse"
