"""A progress bar on a terminal; nothing elsewhere unless asked for.

rich draws it where it is installed. It is imported only once a bar is worth showing, from the
callback: the copy goes on in its own threads meanwhile, and short commands never pay for it.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Optional, Type

from .text import duration, human_size

#: Seconds that a command may take before it has to say how far it is.
PATIENCE = 0.4


class Progress:
    """Callable as progress(done, total); shows nothing before PATIENCE has passed."""

    def __init__(self, title: str, *, quiet: bool = False, forced: bool = False) -> None:
        self.title = title
        self.wanted = forced or (sys.stderr.isatty() and not quiet)
        self.began = time.monotonic()
        self.bar: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __call__(self, done: int, total: int) -> None:
        if not self.wanted:
            return
        if self.bar is None:
            if time.monotonic() - self.began < PATIENCE:
                return
            self.bar = make_bar(self.began)
        self.bar.show(self.title, done, total)

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if self.bar is not None:
            self.bar.close()


def make_bar(began: float) -> Any:
    if sys.stderr.isatty():
        try:
            return RichBar()
        except ImportError:
            pass
    return PlainBar(began)


class RichBar:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (BarColumn, DownloadColumn, Progress as Bar, TextColumn,
                                   TimeRemainingColumn, TransferSpeedColumn)
        self.bar = Bar(TextColumn("{task.description}"), BarColumn(),
                       TextColumn("{task.percentage:>3.0f} %"), DownloadColumn(binary_units=True),
                       TransferSpeedColumn(), TimeRemainingColumn(),
                       console=Console(stderr=True), auto_refresh=False)
        self.task = self.bar.add_task("")
        self.bar.start()

    def show(self, title: str, done: int, total: int) -> None:
        from rich.markup import escape
        self.bar.update(self.task, description=escape(title), completed=done, total=total,
                        refresh=True)

    def close(self) -> None:
        self.bar.stop()


class PlainBar:
    """One line, drawn over itself on a terminal."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.drawn = 0.0
        self.in_place = sys.stderr.isatty()

    def show(self, title: str, done: int, total: int) -> None:
        now = time.monotonic()
        # A log wants a line now and then, a terminal a lively one.
        if done < total and now - self.drawn < (0.2 if self.in_place else 2):
            return
        self.drawn = now
        rate = done / (now - self.began)
        percent = 100 * done // total if total else 100
        left = duration((total - done) / rate) if rate else "unknown"
        text = (f"{title}  {percent:3} %  {human_size(done)} of {human_size(total)}"
                f"  {human_size(rate)}/s  {left} left")
        end = "" if self.in_place else "\n"
        print(f"\r{text:<78}" if self.in_place else text, end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.in_place:
            print(file=sys.stderr)
