"""The parts of the interface whose work is not there yet. Each says so when it is called."""

from __future__ import annotations

from typing import NoReturn

from .errors import UnsupportedFeature


class SyncSession:
    """Copying only what changed."""

    def __init__(self, *arguments: object, **options: object) -> None:
        refuse("SyncSession", "stop the machine and use migrate() or convert()")


def fixup_plan(*disks: object, **options: object) -> NoReturn:
    """What would be changed inside a guest."""
    refuse("fixup_plan", "the profile boot-safe gives hardware that the guest has drivers for")


def fixup_apply(*disks: object, **options: object) -> NoReturn:
    """Changes a guest so that it boots on its new hardware."""
    refuse("fixup_apply", "the profile boot-safe gives hardware that the guest has drivers for")


def refuse(name: str, instead: str) -> NoReturn:
    raise UnsupportedFeature("UnsupportedFeature", f"{name} is not there yet; {instead}")
