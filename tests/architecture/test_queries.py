"""Every query prepares against the migrated schema, and its types are the stub's types."""

import typing
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NewType
from uuid import UUID

import asyncpg
import msgspec
import pytest

from storage.query import Query
from tests.architecture.test_sql import every_query
from tests.architecture.type_rules import fits, misfits

BookingLike = NewType("BookingLike", UUID)
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Tone(StrEnum):
    """An enum as columns hold it."""

    BRIGHT = "bright"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A struct as jsonb holds it."""

    id: UUID


async def complaints_about(connection: asyncpg.Connection, query: Query) -> list[str]:
    """Return what Postgres and the stub disagree about."""
    where = f"{query.noun}.{query.name}"
    try:
        prepared = await connection.prepare(query.statement.text)
    except asyncpg.PostgresError as error:
        return [f"{where} does not prepare: {error}"]
    columns = [(each.name, each.type.name) for each in prepared.get_attributes()]
    taken = [each.name for each in prepared.get_parameters()]
    return arguments_of(where, query, taken) + results_of(where, query, columns)


def arguments_of(where: str, query: Query, taken: list[str]) -> list[str]:
    """Return the parameters whose type is not the argument's."""
    hints = typing.get_type_hints(query.function, include_extras=True)
    return [
        f"{where}: :{name} is {postgres}, the argument is {hints[name]}"
        for name, postgres in zip(query.statement.parameters, taken, strict=True)
        if not fits(hints[name], postgres)
    ]


def results_of(where: str, query: Query, columns: list[tuple[str, str]]) -> list[str]:
    """Return the columns that are not what the stub promises."""
    if query.item is None:
        return [f"{where} returns columns and its stub nothing"] if columns else []
    fields: Mapping[str, object] | None = query.columns
    if fields is not None:
        return misfits(where, fields, columns)
    if len(columns) != 1:
        return [f"{where} promises one value and has {len(columns)} columns"]
    name, postgres = columns[0]
    return (
        [] if fits(query.item, postgres) else [f"{where}: {name} is {postgres}, not {query.item}"]
    )


async def refused_to(connection: asyncpg.Connection, role: str, query: Query) -> list[str]:
    """Return what the role lacks to run the query: EXPLAIN checks grants and runs nothing."""
    await connection.execute(f"BEGIN; SET LOCAL ROLE {role}")
    try:
        await connection.execute(f"EXPLAIN (GENERIC_PLAN) {query.statement.text}")
    except asyncpg.InsufficientPrivilegeError as error:
        return [f"{query.noun}.{query.name} as {role}: {error}"]
    finally:
        await connection.execute("ROLLBACK")
    return []


async def test_every_query_prepares_with_the_types_of_its_stub(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        found = [
            complaint
            for query in every_query().values()
            for complaint in await complaints_about(connection, query)
        ]
    finally:
        await connection.close()
    assert not found


async def test_the_running_role_may_run_every_query(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        found = [
            complaint
            for query in every_query().values()
            for complaint in await refused_to(connection, "instainstru_app", query)
        ]
        insert = next(
            query for query in every_query().values() if query.statement.text.startswith("INSERT")
        )
        assert await refused_to(connection, "instainstru_reads", insert), "grants are not checked"
    finally:
        await connection.close()
    assert not found


@pytest.mark.parametrize(
    ("annotation", "postgres"),
    [
        (BookingLike, "uuid"),
        (BookingLike | None, "uuid"),
        (Instant, "timestamptz"),
        (Tone, "text"),
        (Literal["a", "b"], "citext"),
        (tuple[Tone, ...], "text[]"),
        (tuple[Row, ...], "jsonb"),
        (frozenset[Tone] | None, "text[]"),
        (list[UUID], "uuid[]"),
        (dict[str, int], "jsonb"),
        (Row, "jsonb"),
        (Row | Tone, "jsonb"),
        (int, "int8"),
    ],
)
def test_what_fits_passes(annotation: object, postgres: str) -> None:
    assert fits(annotation, postgres)


@pytest.mark.parametrize(
    ("annotation", "postgres"),
    [
        (int, "numeric"),
        (int, "text"),
        (float, "numeric"),
        (datetime, "timestamp"),
        (UUID, "text"),
        (Tone, "int4"),
        (tuple[UUID, ...], "text[]"),
        (tuple[UUID, ...], "uuid"),
        (Row, "text"),
        (bool, "int4"),
    ],
)
def test_what_does_not_fit_is_noticed(annotation: object, postgres: str) -> None:
    assert not fits(annotation, postgres)


def test_columns_in_another_order_are_noticed() -> None:
    fields = {"id": UUID, "name": str}
    assert not misfits("q", fields, [("id", "uuid"), ("name", "text")])
    assert misfits("q", fields, [("name", "text"), ("id", "uuid")])
    assert misfits("q", fields, [("id", "uuid")])
    assert misfits("q", fields, [("id", "uuid"), ("name", "int4")])
