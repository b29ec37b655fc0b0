"""One appliance through C++, C, Python and the command line: the same result."""

import json
import subprocess

import pytest

import vmlift


def content(path):
    """A disk counts by what its guest reads: parallel workers decide the order of its clusters."""
    if path.suffix != ".qcow2":
        return path.read_bytes()
    with vmlift.open_disk(path, format="qcow2") as disk:
        return disk.size, vmlift.digest(disk)


@pytest.fixture
def migrated(ova, tmp_path, build_folder, vmlift_command):
    """{face: (definition, {file name: content})}. Each migrates into the same folder name, since
    domains hold absolute paths, and is then moved aside."""
    destination = tmp_path / "out"

    def in_program(name):
        def run():
            program = build_folder / "tests/faces" / name
            if not program.exists():
                pytest.skip(f"{name} is not built (VMLIFT_BUILD_TESTS)")
            done = subprocess.run([program, ova, destination], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout)
        return run

    def in_python():
        vmlift.migrate(ova, destination)
        return vmlift.inspect(ova)

    def on_the_command_line():
        done = vmlift_command("migrate", ova, "--to", destination, "--json")
        assert done.status == 0, done.out
        return vmlift_command("inspect", "--json", ova).json()

    faces = {"C++": in_program("migrate_in_cpp"), "C": in_program("migrate_in_c"),
             "Python": in_python, "command line": on_the_command_line}
    results = {}
    for face, run in faces.items():
        definition = run()
        files = {path.name: content(path) for path in destination.iterdir()}
        results[face] = (definition, files)
        destination.rename(tmp_path / f"out of {face}")
    return results


def test_every_face_migrates_alike(migrated):
    definition, files = migrated["C++"]
    assert definition["machines"][0]["name"] == "web-01"
    assert {name.rpartition(".")[2] for name in files} == {"qcow2", "xml", "json"}
    for face, (other_definition, other_files) in migrated.items():
        assert other_definition == definition, face
        assert sorted(other_files) == sorted(files), face
        for name in files:
            assert other_files[name] == files[name], (face, name)


def test_the_migrated_disk_is_the_appliances(migrated, tmp_path, raw_disk, vmlift_command):
    (disk,) = (tmp_path / "out of C").glob("*.qcow2")
    assert vmlift_command("compare", "-f", "raw", raw_disk, disk).status == 0
