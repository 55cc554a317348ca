"""Rules about SQL text: each takes a file's name and text and returns what is wrong."""

import re

from storage.query import StubError, parse

CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtime|localtimestamp)\b"
    r"|'(now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
STARS = re.compile(r"\b(select|returning)\s+\*|\w\.\*|,\s*\*", re.IGNORECASE)
TRANSACTIONS = re.compile(
    r"^\s*(begin|start\s+transaction|commit|rollback|savepoint)\b[^\n]*;",
    re.IGNORECASE | re.MULTILINE,
)
NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
STRINGS = re.compile(r"'(?!(?:now|today|tomorrow|yesterday)')(?:[^']|'')*'", re.IGNORECASE)


def asks_for_the_time(name: str, text: str) -> list[str]:
    """Time is an argument: `:now`."""
    return [
        f"{name} asks the database for the time: {each[0]}" for each in CLOCKS.finditer(code(text))
    ]


def takes_every_column(name: str, text: str) -> list[str]:
    """Columns are named, in the order of the struct."""
    return [f"{name} takes every column: {each[0].strip()}" for each in STARS.finditer(code(text))]


def is_not_one_statement(name: str, text: str) -> list[str]:
    """A query file has a purpose line and one statement."""
    try:
        parse(text)
    except StubError as error:
        return [f"{name}: {error}"]
    return []


def has_no_purpose(name: str, text: str) -> list[str]:
    """The first line is a sentence that ends like one."""
    first = text.partition("\n")[0]
    is_sentence = re.fullmatch(r"-- [A-Z].*\.", first) and len(first.split()) >= 4
    return [] if is_sentence else [f"{name} has no sentence on its first line: {first!r}"]


def ends_its_transaction(name: str, text: str) -> list[str]:
    """The runner wraps each migration in a transaction; the file never ends it."""
    return [
        f"{name} controls a transaction: {each[0].strip()}"
        for each in TRANSACTIONS.finditer(code(text))
    ]


def code(text: str) -> str:
    """The text without comments and without strings (which may mention anything)."""
    return STRINGS.sub("''", NOT_CODE.sub("", text))
