"""Other programs, run by the tests."""

import shutil
import subprocess

import pytest


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is absent")


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
