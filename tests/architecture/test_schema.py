"""The schema is what the migrations build, its constraints speak, its roles keep history."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping

import asyncpg
import pytest
import pytest_asyncio

from storage.constraints import INTERNAL, REFUSALS
from storage.database import APP_ROLE, READS_ROLE
from storage.migrate import SCHEMA, built_schema
from tests.worlds import Services

APPEND_ONLY = (
    "ledger_entries",
    "ledger_lines",
    "booking_events",
    "balance_transactions",
    "admin_actions",
)
"""The journal, Stripe's own and the audit trail: rows come and never change."""
WRITTEN_BY_TRIGGER = ("ledger_balances",)

CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x')
UNION ALL
SELECT c.relname, pg_get_indexdef(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)
"""
RAISED = "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prolang <> 13"
NAMED_BY_POSTGRES = re.compile(r"_(check|key|excl|idx|not_null)\d*$")


@pytest_asyncio.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Return the owner's connection, inside a transaction that is rolled back."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("BEGIN")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


async def test_the_migrations_build_exactly_the_schema_in_the_file(services: Services) -> None:
    built = await built_schema(services.admin_url)
    assert built == SCHEMA.read_text(encoding="utf-8"), "run make schema"


def unexplained(
    names: Iterable[str], refusals: Iterable[str], internal: Mapping[str, str]
) -> set[str]:
    """Return the constraints nobody has said anything about."""
    return set(names) - set(refusals) - {name for name, reason in internal.items() if reason}


def unsaid(names: Iterable[str]) -> list[str]:
    """Return the names that Postgres made up: a constraint's name is a sentence."""
    return [name for name in names if NAMED_BY_POSTGRES.search(name)]


async def constraint_names(owner: asyncpg.Connection) -> set[str]:
    """Return every check, unique and exclusion constraint, and those that triggers raise."""
    names = {row["conname"] for row in await owner.fetch(CONSTRAINTS)}
    for row in await owner.fetch(RAISED):
        names |= set(re.findall(r"CONSTRAINT\s*=\s*'(\w+)'", row["prosrc"]))
    return names


async def test_every_constraint_is_a_refusal_or_says_why_nobody_meets_it(
    owner: asyncpg.Connection,
) -> None:
    assert not unexplained(await constraint_names(owner), REFUSALS, INTERNAL)


async def test_no_explained_constraint_is_gone(owner: asyncpg.Connection) -> None:
    foreign = "SELECT conname FROM pg_constraint WHERE contype = 'f'"
    keys = {row["conname"] for row in await owner.fetch(foreign)}
    assert not (set(REFUSALS) | set(INTERNAL)) - await constraint_names(owner) - keys


async def test_constraint_names_are_sentences(owner: asyncpg.Connection) -> None:
    assert not unsaid(await constraint_names(owner))


def test_an_unexplained_or_unnamed_constraint_is_noticed() -> None:
    assert unexplained(["a", "b", "c"], ["a"], {"b": "a reason", "c": ""}) == {"c"}
    made_up = ["users_email_key", "users_email_check1", "bookings_instructor_id_tstzrange_excl"]
    assert unsaid([*made_up, "users_email_is_unique"]) == made_up


async def rights(owner: asyncpg.Connection, role: str) -> dict[str, set[str]]:
    """Return what a role may do to each table, by whole table or by any column."""
    found: dict[str, set[str]] = {}
    for (table,) in await owner.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    ):
        found[table] = {
            right
            for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
            if await owner.fetchval("SELECT has_table_privilege($1, $2, $3)", role, table, right)
        }
        if await owner.fetchval("SELECT has_any_column_privilege($1, $2, 'UPDATE')", role, table):
            found[table].add("UPDATE")
    return found


async def test_the_running_role_cannot_rewrite_the_ledger_or_the_audit_trail(
    owner: asyncpg.Connection,
) -> None:
    allowed = await rights(owner, APP_ROLE)
    assert [allowed[table] for table in APPEND_ONLY] == [{"INSERT"}] * len(APPEND_ONLY)
    assert [allowed[table] for table in WRITTEN_BY_TRIGGER] == [set()]
    assert not [table for table, those in allowed.items() if those & {"TRUNCATE", "TRIGGER"}]
    assert not allowed["schema_migrations"]
    assert "UPDATE" in allowed["bookings"], "rights are not read"


async def test_the_reading_role_writes_nothing(owner: asyncpg.Connection) -> None:
    assert not [table for table, those in (await rights(owner, READS_ROLE)).items() if those]


async def test_a_right_on_one_column_is_noticed(owner: asyncpg.Connection) -> None:
    await owner.execute(f"GRANT UPDATE (account) ON ledger_lines TO {APP_ROLE}")
    assert "UPDATE" in (await rights(owner, APP_ROLE))["ledger_lines"]


async def test_neither_role_can_sign_in_or_rule(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles"
        " WHERE rolname = ANY ($1)",
        [APP_ROLE, READS_ROLE],
    )
    assert [set(row.values()) for row in rows] == [{False}, {False}]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_owner_rewrites_history(
    owner: asyncpg.Connection, table: str, statement: str
) -> None:
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await owner.execute(statement.format(table))
