"""Text for people: sizes, aligned fields, tables. Nothing in it steers the terminal."""

from __future__ import annotations

from typing import Iterable, Sequence


def printable(text: object) -> str:
    """Control characters made visible: a name inside an image must not move the cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
                   for c in str(text))


def human_size(size: float) -> str:
    """'1.5 GiB', as precise as a glance needs."""
    if size < 1024:
        return f"{int(size)} bytes" if size != 1 else "1 byte"
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        size /= 1024
        if size < 1023.95 or unit == "PiB":
            break
    return f"{size:.2f} {unit}" if size < 10 else f"{size:.1f} {unit}"


def exact_size(size: int) -> str:
    """'1.50 GiB (1610612736 bytes)'"""
    return human_size(size) if size < 1024 else f"{human_size(size)} ({size} bytes)"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def fields(rows: Iterable[tuple[str, object]], indent: str = "  ") -> str:
    """Names in one column, values in the next; rows without a value are left out."""
    kept = [(name, printable(value)) for name, value in rows if value not in (None, "")]
    width = max((len(name) for name, _ in kept), default=0)
    return "".join(f"{indent}{name:<{width}}  {value}\n" for name, value in kept)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = (),
          indent: str = "") -> str:
    """Columns as wide as they need; those in `right` are aligned to the right."""
    lines = [list(head)] + [[printable("" if cell is None else cell) for cell in row]
                            for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ""
    for line in lines:
        cells = [cell.rjust(width) if column in right else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text += (indent + "  ".join(cells)).rstrip() + "\n"
    return text
