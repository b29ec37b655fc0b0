"""The faces agree: the C header, the Python module, its stub, and the one list of error codes."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vmlift
from vmlift import _core

SOURCE = Path(__file__).resolve().parents[2]
HEADER = SOURCE / "capi/vmlift.h"
STUB = SOURCE / "bindings/python/vmlift/_core.pyi"

# What pybind11's classes have and a stub cannot say: their metaclass, and that they cannot be
# made by calling them.
STUBTEST_ALLOWED = "vmlift._core.[A-Za-z]+\nvmlift._core.[A-Za-z]+.__init__\n"


def listed_errors():
    """errors.def as {name: number}."""
    lines = re.findall(r"^VMLIFT_ERROR\((\w+), (\w+), (\d+), ",
                       (SOURCE / "include/vmlift/errors.def").read_text(), re.MULTILINE)
    return {name: (c_name, int(number)) for name, c_name, number in lines}


def test_error_numbers_are_distinct_and_in_order():
    numbers = [number for _, number in listed_errors().values()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_python_has_the_error_codes_of_the_list():
    assert ({name: number for name, (number, _) in vmlift.error_codes().items()}
            == {name: number for name, (_, number) in listed_errors().items()})


def test_every_code_that_has_a_class_of_its_own_is_a_code():
    assert set(vmlift.errors._CLASSES) <= set(listed_errors())
    assert set(vmlift.errors._CODES_BY_ERRNO.values()) <= set(listed_errors())


def test_the_stub_has_the_modules_names(tmp_path):
    pytest.importorskip("mypy.stubtest")
    allowed = tmp_path / "allowed"
    allowed.write_text(STUBTEST_ALLOWED)
    outcome = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "vmlift._core", "--allowlist", allowed,
         "--ignore-unused-allowlist"], capture_output=True, text=True, cwd=tmp_path)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_package_is_typed(tmp_path):
    pytest.importorskip("mypy")
    package = SOURCE / "bindings/python/vmlift"
    outcome = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, package],
        capture_output=True, text=True, cwd=package.parent)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def stub_signatures():
    """{name or Class.name: parameter names} of the stub's functions."""
    signatures = {}

    def add(node, prefix=""):
        if any(isinstance(mark, ast.Name) and mark.id == "property"
               for mark in node.decorator_list):
            return
        arguments = [each.arg for each in node.args.posonlyargs + node.args.args]
        signatures[prefix + node.name] = arguments + [each.arg for each in node.args.kwonlyargs]

    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            add(node)
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    add(member, node.name + ".")
    return signatures


def module_signature(name):
    """The parameter names in the signature that pybind11 puts into the docstring."""
    thing = _core
    for part in name.split("."):
        thing = getattr(thing, part)
    line = thing.__doc__.splitlines()[0]
    return re.findall(r"(?:\(|, )(\w+)(?=: )", line)


@pytest.mark.parametrize("name", [name for name in stub_signatures()
                                  if not name.endswith("__exit__")])
def test_the_stub_has_the_modules_parameters(name):
    expected = [parameter.replace("self", "arg0") if index == 0 and parameter == "self"
                else parameter for index, parameter in enumerate(stub_signatures()[name])]
    found = module_signature(name)
    assert [re.sub("^(self|arg0)$", "arg0", each) for each in found] == expected


def test_the_package_offers_what_the_module_has():
    inside = {"first_difference"}  # behind vmlift.compare
    public = {name for name in dir(_core) if not name.startswith("_")}
    assert public - inside <= set(vmlift.__all__)
    assert all(hasattr(vmlift, name) for name in vmlift.__all__)


# Where Python has what a C function does: a name in the package, or why there is none.
COUNTERPARTS = {
    "vmlift_version": "__version__",
    "vmlift_free": "Python frees memory itself",
    "vmlift_code_name": "error_codes",
    "vmlift_error_": "Error",
    "vmlift_format_": "formats",
    "vmlift_probe": "probe",
    "vmlift_open_options_": "open_disk",
    "vmlift_create_options_": "create_disk",
    "vmlift_disk_open": "open_disk",
    "vmlift_disk_create": "create_disk",
    "vmlift_disk_copy": "copy_disk",
    "vmlift_disk_digest": "digest",
    "vmlift_disk_compare": "compare",
    "vmlift_disk_": "Disk",
    "vmlift_map_": "DiskExtent",
    "vmlift_info_": "DiskInfo",
    "vmlift_snapshots_": "SnapshotInfo",
    "vmlift_bitmaps_": "BitmapInfo",
    "vmlift_check_": "CheckReport",
    "vmlift_cancel_": "Ctrl-C and exceptions in a progress callback cancel",
    "vmlift_run_options_": "convert",
    "vmlift_convert": "convert",
    "vmlift_copy_report_": "CopyReport",
    "vmlift_package_": "Package",
    "vmlift_translate_options_": "translate",
    "vmlift_translation_": "Translation",
    "vmlift_vm_define": "define",
    "vmlift_host_": "LibvirtHost",
    "vmlift_migrate_options_": "migrate",
    "vmlift_migration_": "Migration",
}


def c_functions():
    """Every declared function with the version mark before its name."""
    declarations = re.findall(r"^VMLIFT_API\((\w+)\)[^;(]*?(vmlift_\w+)\(",
                              HEADER.read_text(), re.MULTILINE)
    assert declarations
    return {name: version for version, name in declarations}


def test_c_has_the_error_codes_of_the_list():
    found = re.findall(r"^  VMLIFT_ERR_(\w+) = (\d+),", HEADER.read_text(), re.MULTILINE)
    assert [(name, int(number)) for name, number in found] == list(listed_errors().values())


def test_every_function_of_the_header_is_marked_once():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    declared = re.findall(r"\b(vmlift_\w+)\([^)]*\);", text)
    assert sorted(declared) == sorted(c_functions())


def test_the_library_exports_what_the_header_declares(build_folder):
    library = build_folder / "capi/libvmlift.so"
    if not library.exists():
        pytest.skip("libvmlift.so is not built")
    symbols = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", library],
                             capture_output=True, text=True, check=True).stdout
    exported = re.findall(r" T (\w+)@@VMLIFT_([\d.]+)", symbols)
    assert dict(exported) == {name: version.replace("_", ".")
                              for name, version in c_functions().items()}


@pytest.mark.parametrize("name", c_functions())
def test_what_c_can_do_python_can(name):
    fitting = [prefix for prefix in COUNTERPARTS if name == prefix or
               (prefix.endswith("_") and name.startswith(prefix))]
    assert fitting, f"{name} has no counterpart in Python and no reason why"
    counterpart = COUNTERPARTS[max(fitting, key=len)]
    assert " " in counterpart or hasattr(vmlift, counterpart)
