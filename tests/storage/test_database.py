"""Transactions end whole, reads cannot write, and both outlive a restart of the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from domain.errors import Invalid, Unavailable
from sandbox.ports import free_port
from sandbox.postgres import Postgres
from storage.constraints import INTERNAL, REFUSALS, translate
from storage.database import CommitUnknown, Database
from storage.driver import Connection, connect
from storage.migrate import migrate

TABLE = """
CREATE TABLE notes (
    note text PRIMARY KEY,
    CONSTRAINT services_skill_is_known CHECK (note <> 'unheard of')
);
GRANT SELECT, INSERT ON notes TO instainstru_app;
GRANT SELECT ON notes TO instainstru_reads;
"""
SLOW_COMMIT = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSERT = "INSERT INTO notes VALUES ($1)"


@pytest_asyncio.fixture
async def notes_url(fresh_database_url: str) -> str:
    """Return the address of a database with an empty table `notes`."""
    connection = await connect(fresh_database_url, {}, 30)
    await connection.execute(TABLE)
    await connection.close()
    return fresh_database_url


@pytest_asyncio.fixture
async def owner(notes_url: str) -> AsyncIterator[Connection]:
    """Return a connection of the database's owner."""
    connection = await connect(notes_url, {}, 30)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def db(notes_url: str) -> AsyncIterator[Database]:
    """Return both pools, two connections each."""
    database = await Database.connect(notes_url, size=2, reads_size=2, patience_seconds=5.0)
    yield database
    await database.close()


async def notes(owner: Connection) -> list[object]:
    """Return what is committed."""
    return [row[0] for row in await owner.fetch("SELECT note FROM notes ORDER BY note")]


async def cut(owner: Connection) -> None:
    """End every other session of the database, as a restart does."""
    await owner.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def until(holds: Callable[[], bool]) -> None:
    """Wait, for at most ten seconds, until something has happened elsewhere."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what we wait for knows no event
            await asyncio.sleep(0.01)


async def test_a_block_that_ends_is_committed_and_one_that_raises_is_not(
    db: Database, owner: Connection
) -> None:
    async with db.transaction() as tx:
        await tx.execute(INSERT, "kept")

    async def fail() -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "gone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await notes(owner) == ["kept"]


async def test_a_violated_constraint_leaves_as_its_domain_error(db: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "unheard of")
    assert refusal.value.pointer == "/skill"


async def test_a_swallowed_sql_error_cannot_pass_for_a_commit(
    db: Database, owner: Connection
) -> None:
    async with db.transaction() as tx:
        await tx.execute(INSERT, "a")

    async def swallow() -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "b")
            with pytest.raises(asyncpg.UniqueViolationError):
                await tx.execute(INSERT, "a")

    with pytest.raises(RuntimeError, match="nothing was written"):
        await swallow()
    assert await notes(owner) == ["a"]


async def test_a_cancelled_caller_does_not_stop_a_commit(db: Database, owner: Connection) -> None:
    await owner.execute(SLOW_COMMIT)
    left_the_block = asyncio.Event()

    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "kept")
            left_the_block.set()

    writing = asyncio.create_task(write())
    await left_the_block.wait()
    await asyncio.sleep(0.1)
    writing.cancel()
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await notes(owner) == ["kept"]


async def test_a_caller_cancelled_inside_the_block_leaves_nothing(
    db: Database, owner: Connection
) -> None:
    wrote = asyncio.Event()

    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "gone")
            wrote.set()
            await tx.execute("SELECT pg_sleep(60)")

    for _ in range(3):  # more often than there are connections
        wrote.clear()
        writing = asyncio.create_task(write())
        await wrote.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    await db.ping()
    assert await notes(owner) == []


async def test_the_pool_for_reading_cannot_write(db: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await db.reads.execute("INSERT INTO notes VALUES ('x')")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.reads.execute("SET transaction_read_only = off; DELETE FROM notes")
    (row,) = await db.reads.fetch("SELECT current_user")
    assert row[0] == "instainstru_reads"


async def test_sessions_have_their_limits_and_role_from_the_start(db: Database) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "role")
    async with db.transaction() as tx:
        settings = [(await tx.fetch(f"SHOW {name}"))[0][0] for name in names]
    assert settings == ["10s", "5s", "15s", "instainstru_app"]


async def test_two_queries_of_one_snapshot_agree(db: Database, owner: Connection) -> None:
    async with db.repeatable_read() as tx:
        before = await tx.fetch("SELECT count(*) FROM notes")
        await owner.execute(INSERT, "meanwhile")
        assert await tx.fetch("SELECT count(*) FROM notes") == before
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await tx.execute("DELETE FROM notes")
    assert (await db.reads.fetch("SELECT count(*) FROM notes"))[0][0] == 1


async def test_connections_that_were_cut_are_replaced_unnoticed(
    db: Database, owner: Connection
) -> None:
    for _ in range(3):
        await cut(owner)
        await db.reads.fetch("SELECT 1")
        async with db.transaction() as tx:
            await tx.fetch("SELECT 1")


async def test_a_connection_cut_inside_the_block_means_unavailable(
    db: Database, owner: Connection
) -> None:

    async def write(pause_seconds: float) -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "gone")
            await cut(owner)
            await asyncio.sleep(pause_seconds)
            await tx.fetch("SELECT 1")

    for pause_seconds in (
        0,
        0.1,
    ):  # the end of the connection is noticed during or before the query
        with pytest.raises(Unavailable):
            await write(pause_seconds)
    assert await notes(owner) == []


async def test_a_commit_without_an_answer_is_told_apart(db: Database, owner: Connection) -> None:
    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute(INSERT, "perhaps")
            await cut(owner)

    with pytest.raises(CommitUnknown):
        await write()
    await db.ping()


async def test_a_statement_alone_is_committed_by_itself(db: Database, owner: Connection) -> None:
    await db.alone.execute(INSERT, "kept")
    assert [row[0] for row in await db.alone.fetch("SELECT note FROM notes")] == ["kept"]
    with pytest.raises(Invalid):
        await db.alone.execute(INSERT, "unheard of")
    assert await notes(owner) == ["kept"]


async def test_a_statement_alone_runs_to_its_end_and_is_told_apart_without_an_answer(
    db: Database, owner: Connection
) -> None:
    await owner.execute(SLOW_COMMIT)
    writing = asyncio.create_task(db.alone.execute(INSERT, "cancelled"))
    await asyncio.sleep(0.1)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await notes(owner) == ["cancelled"]
    writing = asyncio.create_task(db.alone.execute(INSERT, "cut"))
    await asyncio.sleep(0.1)
    await cut(owner)
    with pytest.raises(CommitUnknown):
        await writing


async def test_waiting_for_a_connection_has_an_end(fresh_database_url: str) -> None:
    db = await Database.connect(fresh_database_url, size=1, reads_size=1, patience_seconds=0.2)
    async with db.transaction():
        with pytest.raises(Unavailable, match="every database connection is in use"):
            async with db.transaction():
                pass
    await db.close()


async def test_an_unreachable_database_is_named_without_its_password() -> None:
    url = f"postgresql://somebody:secret@127.0.0.1:{free_port()}/lessons"
    with pytest.raises(Unavailable, match=r"the database at 127\.0\.0\.1:\d+/lessons") as refusal:
        await Database.connect(url, patience_seconds=0.3)
    assert "secret" not in str(refusal.value)


async def test_a_listener_hears_and_connects_again(db: Database, owner: Connection) -> None:
    heard: list[str] = []
    async with db.listen("timings", heard.append):
        await until(lambda: heard == [""])
        await owner.execute("NOTIFY timings, 'sooner'")
        await until(lambda: heard == ["", "sooner"])
        await cut(owner)
        await until(lambda: heard == ["", "sooner", ""])
        await owner.execute("NOTIFY timings, 'again'")
        await until(lambda: heard[-1] == "again")


async def test_both_pools_survive_a_restart_of_the_server(
    own_server: Postgres, tmp_path: Path
) -> None:
    await migrate(own_server.url(), applied_at=NOON, folder=tmp_path)
    db = await Database.connect(own_server.url(), size=2, reads_size=2, patience_seconds=15.0)
    await db.ping()
    await own_server.stop()
    meanwhile = [asyncio.create_task(db.ping()) for _ in range(4)]
    await asyncio.sleep(0.2)
    await own_server.start()
    await asyncio.gather(*meanwhile)
    await db.close()


def test_passing_troubles_of_the_database_mean_unavailable_and_bugs_stay_bugs() -> None:
    passing = [
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.QueryCanceledError("x"),
        asyncpg.LockNotAvailableError("x"),
        asyncpg.TooManyConnectionsError("x"),
        ConnectionRefusedError("x"),
    ]
    assert {type(translate(error)) for error in passing} == {Unavailable}
    bugs = [
        asyncpg.UndefinedTableError("x"),
        asyncpg.CheckViolationError("x"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        ValueError("x"),
    ]
    assert [translate(error) for error in bugs] == [None] * len(bugs)


def test_a_constraint_stands_in_one_list_alone() -> None:
    assert not REFUSALS.keys() & INTERNAL.keys()
