"""The words of the glossary: what is never said in tables, addresses and public names."""

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch

EMPTY_WORDS = frozenset(
    {"manager", "managers", "helper", "helpers", "util", "utils", "common", "misc"}
)
"""Names that say nothing: nobody can tell what belongs in there."""

ALLOWED = {
    "client_secret": "Stripe's word for what the browser confirms with",
    "stripe_client": "Stripe's word for its SDK's entrance",
    "stripe_customer": "Stripe's customer",
    "payout_schedule": "Stripe's word for when payouts go out by themselves",
    "schedule_version": "says which schedule of a booking a timing belongs to",
    "common_passwords": "the list of passwords everybody tries first",
}
"""Phrases that hold a banned word and mean something else, each with its reason."""

OUTSIDE = ("gateways/*.py", "domain/operations.py", "domain/payment_calls.py")
"""Modules that name what others own: Stripe's customer, a client of NATS."""


def words_of_the_outside(name: str) -> set[str]:
    """The banned words that keep another's meaning in this module."""
    is_outside = any(fnmatch(name, pattern) for pattern in OUTSIDE)
    return {"client", "customer"} if is_outside else set()


def never_said(glossary: str) -> set[str]:
    """The words of the last column of the glossary's table."""
    words: set[str] = set()
    for line in glossary.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        is_row = line.startswith("|") and len(cells) == 3
        if not is_row or cells[0] == "word" or set(cells[0]) <= {"-", ":"}:
            continue
        words |= {word.strip() for word in cells[2].split(",") if word.strip() not in {"–", ""}}
    return words


def said(name: str) -> str:
    """A name as words between underscores: `ClientOrder`, `client-order` → `_client_order_`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    words = re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()
    return f"_{words}_"


def banned_in(names: Iterable[str], banned: Iterable[str]) -> list[str]:
    """The names that say a banned word, in the singular or the plural."""
    found: list[str] = []
    for name in names:
        words = said(name)
        for phrase in ALLOWED:
            words = words.replace(f"_{phrase}", "_")
        for word in banned:
            plain = said(word).strip("_")
            if f"_{plain}_" in words or f"_{plain}s_" in words:
                found.append(f"{name} says {word}")
    return found


def public_names(tree: ast.Module) -> Iterator[str]:
    """Classes, functions, arguments, fields and constants that other modules may see."""
    for part in ast.walk(tree):
        if isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if not part.name.startswith("_"):
                yield part.name
        elif isinstance(part, ast.arg):
            yield part.arg
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield part.target.id
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield from (each.id for each in statement.targets if isinstance(each, ast.Name))


def addresses(tree: ast.Module) -> Iterator[str]:
    """The paths of HTTP handlers and routers."""
    for part in ast.walk(tree):
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"/[a-z0-9/_{}:.-]+", text):
            yield text
