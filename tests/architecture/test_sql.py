"""Every query file has one purpose, one statement and one stub; no SQL asks for the time."""

import importlib
from collections.abc import Callable

import pytest

from storage.query import LIBRARY, Query
from tests.architecture import sql_rules as rules
from tests.architecture.sources import ROOT, files, name_of

Rule = Callable[[str, str], list[str]]
QUERY_RULES: tuple[Rule, ...] = (
    rules.has_no_purpose,
    rules.is_not_one_statement,
    rules.takes_every_column,
    rules.asks_for_the_time,
)
MIGRATION_RULES: tuple[Rule, ...] = (
    rules.has_no_purpose,
    rules.asks_for_the_time,
    rules.ends_its_transaction,
)


def every_query() -> dict[str, Query]:
    """Return every query of the product: importing a module declares its queries."""
    for path in files(("storage",), ".py"):
        importlib.import_module(f"storage.{path.stem}")
    return LIBRARY.queries


def sql_files(*, migrations: bool) -> dict[str, str]:
    """Return the text of every query file, or of every migration, by name."""
    return {
        name_of(path): path.read_text(encoding="utf-8")
        for path in files(("sql",), ".sql")
        if path.parent != ROOT / "sql" and (path.parent.name == "migrations") is migrations
    }


def without_a_stub(sql: set[str], stubs: set[str]) -> set[str]:
    """Return the query files that no function runs."""
    return {name for name in sql if name.removeprefix("sql/").removesuffix(".sql") not in stubs}


@pytest.mark.parametrize("rule", QUERY_RULES, ids=lambda rule: rule.__name__)
def test_query_files_keep_the_rule(rule: Rule) -> None:
    texts = sql_files(migrations=False)
    assert not [complaint for name, text in texts.items() for complaint in rule(name, text)]


@pytest.mark.parametrize("rule", MIGRATION_RULES, ids=lambda rule: rule.__name__)
def test_migrations_keep_the_rule(rule: Rule) -> None:
    texts = sql_files(migrations=True)
    assert texts
    assert not [complaint for name, text in texts.items() for complaint in rule(name, text)]


def test_every_query_file_has_its_stub() -> None:
    stubs = {name.replace(".", "/") for name in every_query()}
    assert not without_a_stub(set(sql_files(migrations=False)), stubs)


def test_a_file_without_a_stub_is_noticed() -> None:
    assert without_a_stub({"sql/a/b.sql", "sql/a/c.sql"}, {"a/b"}) == {"sql/a/c.sql"}


BAD: list[tuple[Rule, str]] = [
    (rules.has_no_purpose, "SELECT 1"),
    (rules.has_no_purpose, "-- todo\nSELECT 1"),
    (rules.is_not_one_statement, "-- Does two things.\nSELECT 1; SELECT 2;"),
    (rules.is_not_one_statement, "-- Takes numbers.\nSELECT $1"),
    (rules.takes_every_column, "SELECT * FROM users"),
    (rules.takes_every_column, "SELECT u.* FROM users u"),
    (rules.takes_every_column, "UPDATE users SET a = 1 RETURNING *"),
    (rules.takes_every_column, "SELECT a, * FROM users"),
    (rules.asks_for_the_time, "SELECT now()"),
    (rules.asks_for_the_time, "SELECT NOW ()"),
    (rules.asks_for_the_time, "SELECT a FROM b WHERE c < CURRENT_TIMESTAMP"),
    (rules.asks_for_the_time, "created_at timestamptz DEFAULT clock_timestamp()"),
    (rules.asks_for_the_time, "SELECT 'now'::timestamptz"),
    (rules.ends_its_transaction, "CREATE TABLE a ();\nCOMMIT;\n"),
    (rules.ends_its_transaction, "BEGIN;\nCREATE TABLE a ();"),
]


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_a_bad_sample_is_noticed(rule: Rule, text: str) -> None:
    assert rule("sql/a/b.sql", text)


GOOD: list[tuple[Rule, str]] = [
    (rules.has_no_purpose, "-- Says what it does.\nSELECT 1"),
    (rules.takes_every_column, "SELECT count(*), a * b, 2 * c FROM d"),
    (
        rules.asks_for_the_time,
        "-- now() is given\nSELECT :now::timestamptz, 'now() or never'",
    ),
    (rules.ends_its_transaction, "CREATE FUNCTION f() AS $$\nBEGIN\n  RETURN NULL;\nEND $$;"),
]


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_a_good_sample_passes(rule: Rule, text: str) -> None:
    assert not rule("sql/a/b.sql", text)
