"""Where the files are that the rules of the house are about."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("domain", "storage", "gateways", "actors", "server")
EVERYTHING = (*PRODUCT, "sandbox", "bench", "tests", "web", "sql", "ops")
GENERATED = {"node_modules", "dist", "__pycache__", ".data"}
NOT_WRITTEN_BY_HAND = {"sql/schema.sql", "web/package-lock.json"}


def files(folders: tuple[str, ...], *suffixes: str) -> Iterator[Path]:
    """Every file of these folders with one of the suffixes, without what tools made."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and not GENERATED & set(path.relative_to(ROOT).parts):
                yield path


def name_of(path: Path) -> str:
    """The path as people write it: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Name and syntax tree of every Python file of these folders."""
    for path in files(folders, ".py"):
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"), name_of(path))
