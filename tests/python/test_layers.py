"""Who may include whom: the rule of lib/README.md, checked over every #include line."""

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]

# The picture of lib/README.md, each layer with the layers it may include.
DIRECT = {
    "base": [],
    "io": ["codec"],
    "codec": ["base"],
    "disk": ["io"],
    "vm": ["base"],
    "host": ["vm"],
    "formats": ["disk"],
    "copy": ["disk"],
    "package": ["formats", "vm"],
    "migrate": ["base", "io", "codec", "disk", "vm", "formats", "copy", "package"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def allowed(layer):
    """The layer itself and all it reaches through the picture."""
    reached = {layer}
    for below in DIRECT[layer]:
        reached |= allowed(below)
    return reached


def sources(folder):
    return sorted(path for path in (SOURCE / folder).rglob("*")
                  if path.suffix in (".hpp", ".cpp", ".h", ".c"))


def includes(path):
    return [name for _, name in INCLUDE.findall(path.read_text())]


def quoted_includes(path):
    return [name for quote, name in INCLUDE.findall(path.read_text()) if quote == '"']


def format_folder(path):
    """The folder formats/x that a file under lib/ belongs to, else None."""
    return path.parts[1] if path.parts[0] == "formats" and len(path.parts) > 2 else None


def violations_in_lib(path):
    """What a file of lib/ includes and may not; names count from lib/ or from the file's folder."""
    lib = SOURCE / "lib"
    own = path.relative_to(lib)
    for name in quoted_includes(path):
        if name.startswith("vmlift/"):
            continue
        target = path.parent / name if (path.parent / name).is_file() else lib / name
        target = target.resolve().relative_to(lib)
        if target.parts[0] not in allowed(own.parts[0]):
            yield f"{own} includes {name}: {own.parts[0]} may not include {target.parts[0]}"
        folder = format_folder(target)
        if folder and format_folder(own) != folder and own != Path("formats/formats.cpp"):
            yield f"{own} includes {name}: only formats.cpp may include formats/{folder}"


def test_every_folder_of_lib_is_a_layer_of_the_picture():
    assert {path.name for path in (SOURCE / "lib").iterdir() if path.is_dir()} == set(DIRECT)


@pytest.mark.parametrize("layer", DIRECT)
def test_layer_includes_only_what_it_may(layer):
    found = [line for path in sources(f"lib/{layer}") for line in violations_in_lib(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", ["include", "capi", "bindings", "benchmarks"])
def test_outside_the_library_only_public_headers_are_included(folder):
    found = []
    for path in sources(folder):
        for name in quoted_includes(path):
            own = (path.parent / name).is_file() or (SOURCE / folder / name).is_file()
            if not own and not name.startswith("vmlift/"):
                found.append(f"{path.relative_to(SOURCE)} includes {name}")
        found += [f"{path.relative_to(SOURCE)} includes {name}" for name in includes(path)
                  if (SOURCE / "lib" / name).is_file()]
    assert not found, "\n".join(found)


def test_public_headers_need_nothing_but_the_standard_library():
    found = [f"{path.relative_to(SOURCE)} includes {name}"
             for path in sources("include") for name in includes(path)
             if not name.startswith("vmlift/") and not re.fullmatch(r"[a-z_]+", name)]
    assert not found, "\n".join(found)
