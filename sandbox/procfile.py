"""Reads the Procfile: one process a line, `name: command`."""

import shlex
import sys
from pathlib import Path

RELEASE = "release"
"""The process that runs once before the others."""


def programs_of(path: Path) -> dict[str, list[str]]:
    """Return the programs by name, with this Python as their `python`."""
    programs: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, command = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        words = shlex.split(command)
        programs[name.strip()] = [sys.executable if word == "python" else word for word in words]
    return programs
