"""How an error looks to a person and to a script."""

from __future__ import annotations

import os
import sys
from typing import Optional

from ..errors import Cancelled, Error, NoMemory, from_os_error
from .text import printable

EXIT_STATUS = 2

# What to do about it, where the message alone does not say.
ADVICE = {
    "Truncated": "copy the file again from where it came from",
    "BadMagic": "state its real format with -f, or leave -f out to have it recognised",
    "Exists": "choose another name, or replace it with --overwrite",
    "ReferenceDenied": "if you trust the image, allow it with --references",
    "MissingExtent": "bring the missing file beside the one that names it",
    "Limit": "if you trust the input, raise the limit with --limit NAME=VALUE",
    "NoSpace": "make room or choose another place; nothing was left there",
    "ChecksumMismatch": "fetch the files again; nothing was written under the target's name",
    "Encrypted": "decrypt it with the product that encrypted it",
    "Internal": "please report this",
}


def report(exception: BaseException, as_json: bool) -> int:
    error = as_error(exception)
    if error.code == "Internal" and os.environ.get("VMLIFT_TRACEBACK"):
        raise exception
    if as_json:
        import json
        print(json.dumps({"error": document(error)}, indent=2))
        sys.stdout.flush()
    else:
        print(f"vmlift: error[{error.code}]: {line(error)}", file=sys.stderr)
    return EXIT_STATUS


def as_error(exception: BaseException) -> Error:
    if isinstance(exception, Error):
        return exception
    if isinstance(exception, KeyboardInterrupt):
        return Cancelled("Cancelled", "interrupted; nothing was left behind")
    if isinstance(exception, MemoryError):
        return NoMemory("NoMemory", "memory ran out")
    if isinstance(exception, OSError):
        return from_os_error(exception)
    return Error("Internal", f"{type(exception).__name__}: {exception}")


def advice(error: Error) -> Optional[str]:
    if error.code == "UnsafeProbe" and str(error.path).lower().endswith((".ova", ".ovf", ".vmx")):
        return "a machine is shown by 'vmlift inspect'; a disk in it is called PACKAGE.ova!MEMBER"
    text = ADVICE.get(error.code)
    # The core's own words are nearer to the case than a general line.
    if text is None or ";" in error.message or "--" in error.message:
        return None
    return text


def line(error: Error) -> str:
    text = error.describe()
    what_to_do = advice(error)
    return printable(f"{text}; {what_to_do}" if what_to_do else text)


def document(error: Error) -> dict[str, object]:
    return {"code": error.code, "message": error.message, "path": error.path,
            "offset": error.offset, "advice": advice(error)}
