"""How arguments are taken: the options that several commands share."""

from __future__ import annotations

import argparse
import re
from typing import Callable, NoReturn, Optional, TypedDict

from .._core import Disk, open_disk
from ..errors import InvalidArgument

REFERENCES = "deny, same-directory, under=DIR or any"


class ArgumentParser(argparse.ArgumentParser):
    """argparse whose complaints are errors like any other."""

    def __init__(self, **settings: object) -> None:
        # An abbreviation that works today is ambiguous with the next option.
        super().__init__(allow_abbrev=False, **settings)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise InvalidArgument("InvalidArgument", f"{message}; see '{self.prog} --help'")


Subcommands = argparse._SubParsersAction  # the type has no public name


def add_command(commands: "Subcommands[ArgumentParser]", name: str,
                run: Callable[[argparse.Namespace], int], summary: str,
                description: Optional[str] = None) -> ArgumentParser:
    """A command with what every command has: --json."""
    parser = commands.add_parser(name, help=summary, description=description or summary)
    parser.add_argument("--json", action="store_true", help="print JSON, errors included")
    parser.set_defaults(run=run)
    return parser


def add_reading(parser: ArgumentParser) -> None:
    """What says how a source may be opened."""
    parser.add_argument("-f", dest="format", metavar="FMT",
                        help="the disk's format; otherwise it is recognised (raw never is)")
    parser.add_argument("--references", metavar="POLICY",
                        help=f"what the image may refer to: {REFERENCES}")
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", type=limit,
                        help="raise or lower a bound on what the input may claim; io_timeout: "
                             "seconds that a server may be silent (60)")
    parser.add_argument("--allow-corrupt", action="store_true",
                        help="open an image that is marked corrupt")
    parser.add_argument("-U", "--force-share", action="store_true",
                        help="read an image although another program writes to it")
    parser.add_argument("--snapshot", metavar="NAME",
                        help="read this internal snapshot, by id or name")
    parser.add_argument("--source-option", dest="source_options", action="append", default=[],
                        metavar="KEY=VALUE", type=key_value,
                        help="an option of the source's format, for disks on servers (conf, "
                             "tls-certificates, ...); 'vmlift formats' lists them")


class Reading(TypedDict):
    """The keyword arguments that add_reading asks for."""

    references: Optional[str]
    limits: dict[str, int]
    allow_corrupt: bool
    allow_in_use: bool
    snapshot: Optional[str]


def reading(options: argparse.Namespace) -> Reading:
    return {"references": options.references, "limits": dict(options.limit),
            "allow_corrupt": options.allow_corrupt, "allow_in_use": options.force_share,
            "snapshot": options.snapshot}


def open_source(options: argparse.Namespace) -> Disk:
    """The DISK of a command, opened as its options say."""
    return open_disk(options.disk, format=options.format, options=dict(options.source_options),
                     **reading(options))


def add_creating(parser: ArgumentParser) -> None:
    """What says how a target disk is made."""
    parser.add_argument("-o", dest="options", action="append", default=[],
                        metavar="KEY=VALUE,...", type=key_values,
                        help="options of the target's format; 'vmlift formats' lists them")
    parser.add_argument("-c", dest="compress", action="store_true",
                        help="compress the target (deflate unless -o says otherwise)")
    parser.add_argument("--verify", action="store_true",
                        help="read the target back and compare before it gets its name")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing target")


def creating(options: argparse.Namespace) -> dict[str, str]:
    """All -o options together; the last one of a name counts."""
    return {key: value for pairs in options.options for key, value in pairs}


def add_working(parser: ArgumentParser) -> None:
    """What long commands have."""
    parser.add_argument("-m", "--threads", type=positive, default=0, metavar="N",
                        help="worker threads; otherwise one for each processor, and as many as "
                             "keep a server busy")
    parser.add_argument("-p", "--progress", action="store_true",
                        help="show progress even where stderr is no terminal")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")


def key_values(text: str) -> list[tuple[str, str]]:
    """KEY=VALUE,KEY=VALUE; a comma in a value is doubled, as for qemu-img."""
    pairs = []
    for item in re.split(r"(?<!,),(?!,)", text):
        key, equals, value = item.replace(",,", ",").partition("=")
        if not equals or not key:
            raise argparse.ArgumentTypeError(f"'{item}' is not KEY=VALUE")
        pairs.append((key, value))
    return pairs


def key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return key, value


def limit(text: str) -> tuple[str, int]:
    name, value = key_value(text)
    return name, byte_count(value)


def byte_count(text: str) -> int:
    """'1048576', '1024K', '1M', '2T'"""
    match = re.fullmatch(r"([0-9]+)([KMGTPE]?)", text)
    number = int(match[1]) << 10 * (" KMGTPE".index(match[2] or " ")) if match else -1
    if not 0 <= number < 1 << 64:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of bytes (K, M, G, T may follow)")
    return number


def positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to 1024")
    return int(text)
