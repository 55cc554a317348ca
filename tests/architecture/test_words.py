"""The words of the glossary are the words of tables, addresses and public names."""

import ast

import asyncpg
import pytest

from tests.architecture.sources import PRODUCT, ROOT, files, name_of, trees
from tests.architecture.word_rules import (
    EMPTY_WORDS,
    addresses,
    banned_in,
    never_said,
    public_names,
    said,
    words_of_the_outside,
)

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
NAMES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""


def test_the_glossary_has_words_that_are_never_said() -> None:
    assert {"teacher", "appointment", "pupil", "wallet"} <= never_said(GLOSSARY)


async def test_tables_columns_and_constraints_speak_the_glossary(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    names = [row[0] for row in await connection.fetch(NAMES)]
    await connection.close()
    assert "bookings" in names
    assert not banned_in(names, never_said(GLOSSARY) | EMPTY_WORDS)


@pytest.mark.parametrize("layer", PRODUCT)
def test_public_names_speak_the_glossary(layer: str) -> None:
    banned = never_said(GLOSSARY)
    found = [
        f"{name}: {complaint}"
        for name, tree in trees(layer)
        for complaint in banned_in(public_names(tree), banned - words_of_the_outside(name))
    ]
    assert not found


def test_addresses_speak_the_glossary() -> None:
    banned = never_said(GLOSSARY)
    found = [each for _, tree in trees("server") for each in banned_in(addresses(tree), banned)]
    assert not found


def test_file_names_speak_the_glossary() -> None:
    names = [
        name_of(path) for path in files((*PRODUCT, "sql", "web"), ".py", ".sql", ".ts", ".html")
    ]
    assert not banned_in(names, never_said(GLOSSARY) | EMPTY_WORDS)


def doubled_nouns(names: set[str]) -> set[str]:
    """Return nouns that one layer writes in the singular and another in the plural."""
    return {name for name in names if f"{name}s" in names}


def test_one_noun_has_one_file_name_in_every_layer() -> None:
    names = {path.stem for path in files(PRODUCT, ".py")}
    actor_and_its_door, address_and_its_checks = "calendar", "stripe_webhook"
    assert doubled_nouns(names) <= {actor_and_its_door, address_and_its_checks}
    assert doubled_nouns({"booking", "bookings", "ledger"}) == {"booking"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ClientOrder", "_client_order_"),
        ("tutor_id", "_tutor_id_"),
        ("/api/teachers/{id}", "_api_teachers_id_"),
        ("HTTPClient", "_http_client_"),
    ],
)
def test_names_fall_into_words(name: str, words: str) -> None:
    assert said(name) == words


def test_a_banned_word_is_noticed_in_every_spelling() -> None:
    banned = ["teacher", "order", "pre_auth", "client"]
    names = ["TeacherCard", "order_id", "orders", "PreAuth", "/api/clients", "client_secret"]
    found = {each.partition(" says ")[0] for each in banned_in(names, banned)}
    assert found == set(names) - {"client_secret"}
    assert not banned_in(["border", "reorder_point_ordering", "clientele"], banned)


def test_every_public_name_of_a_module_is_read() -> None:
    source = """
LIMIT = 3
class Tutor:
    client: int
    def pupil(self, order: int) -> None: ...
def _private(wallet: int) -> None: ...
"""
    expected = {"LIMIT", "Tutor", "client", "pupil", "self", "order", "wallet"}
    assert set(public_names(ast.parse(source))) == expected
    assert list(addresses(ast.parse("@get('/api/tutors/{id:uuid}')\ndef f(): ..."))) == [
        "/api/tutors/{id:uuid}"
    ]
