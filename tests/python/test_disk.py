"""Disks through the Python package."""

import hashlib
import threading
from array import array

import pytest

import vmlift


def test_read_gives_the_guests_bytes(raw_disk):
    content = raw_disk.read_bytes()
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        assert disk.size == len(content)
        assert disk.read(10, 4995) == content[4995:5005]
        assert disk.read(0, 0) == b""


def test_read_into_fills_any_writable_buffer(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        buffer = bytearray(b"." * 10)
        disk.read_into(memoryview(buffer)[2:7], 0)
        assert buffer == b"..first..."
        numbers = array("H", [0, 0])
        disk.read_into(numbers, disk.size - 4)
        assert numbers.tobytes() == b"last"
        with pytest.raises(BufferError):
            disk.read_into(b"read-only", 0)
        with pytest.raises(BufferError):
            disk.read_into(memoryview(buffer)[::2], 0)


def test_reading_past_the_end_names_the_place(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        with pytest.raises(IndexError) as caught:
            disk.read(2, disk.size - 1)
    assert caught.value.code == "OutOfRange"
    assert caught.value.offset == (3 << 20) - 1
    assert caught.value.path == str(raw_disk)


def test_a_read_of_absurd_length_takes_no_memory(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        with pytest.raises(vmlift.OutOfRange):
            disk.read(1 << 62, 0)


def test_a_closed_disk_says_so(raw_disk):
    disk = vmlift.open_disk(raw_disk, format="raw")
    disk.close()
    disk.close()
    assert disk.closed
    with pytest.raises(vmlift.InvalidArgument, match="closed"):
        disk.read(1, 0)


def test_map_covers_the_disk_without_gaps(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        extents = disk.map()
        size = disk.size
    assert extents[0].offset == 0 and extents[-1].end == size
    assert all(a.end == b.offset for a, b in zip(extents, extents[1:]))
    assert extents[0].data and not extents[0].zero and extents[0].host_offset == 0


def test_threads_read_one_disk_at_once(raw_disk):
    content = raw_disk.read_bytes()
    wrong = []

    def read_all(disk):
        if b"".join(disk.read(65536, at) for at in range(0, disk.size, 65536)) != content:
            wrong.append(True)

    with vmlift.open_disk(raw_disk, format="raw") as disk:
        threads = [threading.Thread(target=read_all, args=(disk,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_a_created_disk_has_its_name_only_after_commit(tmp_path):
    target = tmp_path / "new.raw"
    with vmlift.create_disk(target, "raw", 1000) as disk:
        disk.write(b"abc", 10)
        assert not target.exists()
        disk.commit()
    assert target.read_bytes() == bytes(10) + b"abc" + bytes(987)


def test_a_created_disk_without_commit_leaves_nothing(tmp_path):
    with vmlift.create_disk(tmp_path / "new.raw", "raw", 1000) as disk:
        disk.write(b"abc", 10)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_opened_for_reading_is_not_written(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        with pytest.raises(PermissionError):
            disk.write(b"x", 0)


def test_errors_are_natural_python_exceptions_too(tmp_path, raw_disk):
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        vmlift.open_disk(missing)
    assert isinstance(caught.value, vmlift.Error)
    assert caught.value.code == "NotFound"
    assert caught.value.filename == caught.value.path == str(missing)
    assert caught.value.errno == 2
    with pytest.raises(FileExistsError):
        vmlift.convert(raw_disk, raw_disk, "raw", source_format="raw")
    with pytest.raises(ValueError):
        vmlift.open_disk(raw_disk, format="no-such-format")
    with pytest.raises(vmlift.Error) as caught:
        vmlift.open_disk(raw_disk)
    assert caught.value.code == "UnsafeProbe"


def test_a_name_that_is_not_utf8_survives(tmp_path):
    name = bytes(tmp_path) + b"/\xff\xfe.raw"
    with vmlift.create_disk(name, "raw", 512) as disk:
        disk.commit()
    with vmlift.open_disk(name, format="raw") as disk:
        assert disk.location.encode(errors="surrogateescape") == name


def test_convert_reports_what_it_did(tmp_path, raw_disk):
    seen = []
    report = vmlift.convert(raw_disk, tmp_path / "copy.raw", "raw", source_format="raw",
                            verify=True, digest=True,
                            progress=lambda done, total: seen.append((done, total)))
    assert report.size == report.data_bytes + report.zero_bytes == 3 << 20
    assert report.verified
    assert report.sha256 == hashlib.sha256(raw_disk.read_bytes()).hexdigest()
    assert seen[-1] == (3 << 20, 3 << 20)


def test_digest_is_of_the_guests_bytes(raw_disk):
    with vmlift.open_disk(raw_disk, format="raw") as disk:
        assert vmlift.digest(disk) == hashlib.sha256(raw_disk.read_bytes()).hexdigest()


def test_compare_finds_the_first_difference(tmp_path, raw_disk):
    other = tmp_path / "other.raw"
    content = bytearray(raw_disk.read_bytes())
    other.write_bytes(content)
    formats = {"format_a": "raw", "format_b": "raw"}
    assert vmlift.compare(raw_disk, other, **formats)
    content[70000] = 1
    other.write_bytes(content)
    outcome = vmlift.compare(raw_disk, other, **formats)
    assert not outcome and outcome.first_difference == 70000


def test_compare_takes_a_longer_disk_only_when_told(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abc\0\0")
    formats = {"format_a": "raw", "format_b": "raw"}
    assert vmlift.compare(tmp_path / "a", tmp_path / "b", **formats).first_difference == 3
    assert vmlift.compare(tmp_path / "a", tmp_path / "b", ignore_size=True, **formats)


def test_a_progress_callback_that_raises_stops_the_copy(tmp_path, raw_disk):
    def refuse(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        vmlift.convert(raw_disk, tmp_path / "copy.raw", "raw", source_format="raw",
                       progress=refuse)


def test_bitmaps_are_made_copied_and_read(tmp_path, vmlift_command):
    image, copy = tmp_path / "a.qcow2", tmp_path / "b.qcow2"
    with vmlift.create_disk(image, "qcow2", 1 << 20) as disk:
        disk.add_bitmap("changed", marked=[(5, 1), (200000, 65536)])
        with pytest.raises(vmlift.InvalidArgument, match="already"):
            disk.add_bitmap("changed")
        with pytest.raises(vmlift.OutOfRange):
            disk.add_bitmap("beyond", marked=[(1 << 20, 1)])
        disk.commit()
    assert vmlift_command("convert", "-q", "--bitmaps", "-O", "qcow2", image, copy).status == 0
    expected = [(0, 65536), (3 * 65536, 2 * 65536)]
    with vmlift.open_disk(copy) as disk:
        assert disk.bitmap("changed") == expected
        (bitmap,) = disk.info().bitmaps
    assert (bitmap.name, bitmap.granularity, bitmap.enabled) == ("changed", 65536, True)
    listed = vmlift_command("map", "--bitmap", "changed", "--json", copy).json()
    assert [(extent["start"], extent["length"]) for extent in listed] == expected
    assert "196608" in vmlift_command("map", "--bitmap", "changed", copy).out
    assert "error[NotFound]" in vmlift_command("map", "--bitmap", "other", copy).err
    vmlift.convert(image, tmp_path / "c.qcow2", "qcow2")
    with vmlift.open_disk(tmp_path / "c.qcow2") as disk:
        assert disk.info().bitmaps == []


def test_a_part_of_a_raw_file_is_a_disk(tmp_path, raw_disk, vmlift_command):
    content = raw_disk.read_bytes()
    with vmlift.open_disk(raw_disk, format="raw", options={"offset": "1000", "size": "2048"}) as disk:
        assert disk.read(disk.size, 0) == content[1000:3048]
    window = ("--source-option", "offset=1000", "--source-option", "size=2048")
    done = vmlift_command("convert", "-q", "-f", "raw", *window, "-O", "raw", raw_disk, tmp_path / "p")
    assert done.status == 0 and (tmp_path / "p").read_bytes() == content[1000:3048]


def test_limits_and_references_are_the_callers(tmp_path, raw_disk, ova):
    flat = tmp_path / "flat.vmdk"
    vmlift.convert(raw_disk, flat, "vmdk", source_format="raw",
                   options={"subformat": "monolithicFlat"})
    for open_it in (lambda **how: vmlift.open_disk(flat, **how).close(),
                    lambda **how: vmlift.convert(flat, tmp_path / "copy", "raw", overwrite=True,
                                                 **how)):
        for how, code in (({"references": "deny"}, "ReferenceDenied"),
                          ({"limits": {"virtual_size": 1 << 20}}, "Limit"),
                          ({"limits": {"size": 1}}, "InvalidArgument"),
                          ({"references": "perhaps"}, "InvalidArgument")):
            with pytest.raises(vmlift.Error) as caught:
                open_it(**how)
            assert caught.value.code == code
        open_it(references="same-directory", limits={"virtual_size": 3 << 20})
    with pytest.raises(vmlift.Error) as caught:
        vmlift.Package(ova, limits={"members": 1})
    assert caught.value.code == "Limit"
