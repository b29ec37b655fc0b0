"""The command line. A file for each command: it names its arguments, runs, and prints.

Exit status: 0 done (`compare`: the same), 1 `compare` found a difference or `check` found damage,
2 an error. Errors go to stderr, or with --json to stdout.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Optional, Sequence

from . import failure


def main(arguments: Optional[Sequence[str]] = None) -> int:
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # Names inside images need not be UTF-8; printing one must not end in a traceback.
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    end_like_an_interrupt(signal.SIGTERM, signal.SIGHUP)
    as_json = "--json" in arguments
    try:
        from .commands import build_parser  # here: Ctrl-C while they load has its way out too
        options = build_parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader (`| head`) went away; the interpreter's last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failure.EXIT_STATUS
    except (Exception, KeyboardInterrupt) as exception:
        return failure.report(exception, as_json)


def end_like_an_interrupt(*numbers: signal.Signals) -> None:
    """Gives these signals the way out that Ctrl-C has: targets given up, nothing left behind."""
    for number in numbers:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
