"""Documents and lists that say the same as the code: each function returns what differs."""

import re
from collections.abc import Iterable
from pathlib import Path


def settings_told(readme: str) -> set[str]:
    """The settings of README's table."""
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", readme, re.MULTILINE))


def differing(told: Iterable[str], real: Iterable[str]) -> list[str]:
    """What one side has and the other lacks."""
    told, real = set(told), set(real)
    return [f"{each} is told and not there" for each in sorted(told - real)] + [
        f"{each} is there and not told" for each in sorted(real - told)
    ]


def codes_told(problems: str) -> set[str]:
    """The codes of the problem list: first cell of a row, in code marks."""
    return set(re.findall(r"^\| `([a-z0-9-]+)` \|", problems, re.MULTILINE))


def files_missing(text: str, root: Path) -> list[str]:
    """Files and folders that a text names in code marks and that are not there."""
    named = re.findall(r"`([\w./-]+(?:/|\.(?:py|sql|md|toml|lock|ts|json|html)))`", text)
    return [each for each in named if not (root / each.lstrip("/")).exists()]


def targets_told(text: str) -> set[str]:
    """The make targets a text tells people to type."""
    found = re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", text, re.MULTILINE)
    return {quoted or bare for quoted, bare in found}


def targets_of(makefile: str) -> set[str]:
    """The targets a Makefile has."""
    return set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))


def without_a_reason(pyproject: str) -> list[str]:
    """Dependencies whose line does not end in a comment that says why they are there."""
    named = pyproject.partition("[tool.")[0]
    lists = re.findall(r"^[a-z]+ = \[\n(.*?)^\]", named, re.MULTILINE | re.DOTALL)
    return [
        line.strip()
        for block in lists
        for line in block.splitlines()
        if line.strip() and not re.search(r'^\s*".*",?\s+# \S+', line)
    ]


def lock_faults(lock: str) -> list[str]:
    """Requirements without an exact version or without a hash, and any address."""
    logical = re.sub(r"\\\n\s*", " ", lock)
    lines = [line for line in logical.splitlines() if line.strip() and not line.startswith("#")]
    loose = [
        f"{line.split(' ')[0]} has no exact version with a hash"
        for line in lines
        if not re.match(r"^[A-Za-z0-9._\[\]-]+==\S+( ;.*?)? .*--hash=sha256:[0-9a-f]{64}", line)
    ]
    addresses = re.findall(r"\S*https?:\S*|--(?:index-url|extra-index-url|find-links)\S*", lock)
    return loose + [f"{each} is an address" for each in addresses]
