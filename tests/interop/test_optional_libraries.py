"""librbd and libnbd are loaded when a disk needs them, and named where they are missing."""

import os
import subprocess
import sys

import pytest

import vmlift
from c_library import vmlift_library
from linkage import check_linkage


def test_the_libraries_are_linked_with_neither():
    check_linkage(vmlift._core.__file__)
    check_linkage(vmlift_library()._name)


@pytest.mark.parametrize("library, location, package", [
    ("libnbd.so.0", "nbd://127.0.0.1:1/", "libnbd0"),
    ("librbd.so.1", "rbd:pool/image", "librbd1"),
    ("librados.so.2", "rbd:pool/image", "librados2"),
])
def test_a_library_that_cannot_be_loaded_is_named_with_its_package(tmp_path, library, location,
                                                                   package):
    # Found first, and no library: as good as absent.
    (tmp_path / library).write_bytes(b"no library")
    outcome = subprocess.run([sys.executable, "-m", "vmlift", "info", location],
                             env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
                             capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "error[UnsupportedFeature]" in outcome.stderr
    assert f"install the package {package}" in outcome.stderr
