"""What a built library is linked with."""

from programs import need, run

# Loaded when a disk needs them: what is linked with one of them loads on no machine without it.
OPTIONAL = ("libnbd", "librbd", "librados")


def check_linkage(library):
    need("ldd")
    linked = run("ldd", library)
    assert "libc.so" in linked
    assert not [name for name in OPTIONAL if name in linked]
