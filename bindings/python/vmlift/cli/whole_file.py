"""Small files that are complete or absent, as the library's own targets are."""

from __future__ import annotations

import os

from ..errors import Exists


def write_whole(path: str, text: str, *, overwrite: bool) -> None:
    """Writes `text` under `path`, flushed, in one step. Raises Exists, OSError."""
    folder, name = os.path.split(os.path.abspath(path))
    hidden = os.path.join(folder, f".{name}.partial-{os.urandom(8).hex()}")
    file = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(file, "w", encoding="utf-8", errors="surrogateescape",
                       newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(file)
        if overwrite:
            os.rename(hidden, path)
            return
        try:
            os.link(hidden, path)  # never replaces what is there
        except FileExistsError:
            raise Exists("Exists", "the target exists already; --overwrite replaces it",
                         path) from None
    finally:
        try:
            os.unlink(hidden)
        except FileNotFoundError:
            pass  # renamed
