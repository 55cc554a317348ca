"""Migrations go forward once each, whoever starts them, and refuse what they do not know."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from domain.errors import Unavailable
from sandbox.ports import free_port
from sandbox.postgres import Postgres
from storage.database import Database
from storage.driver import connect
from storage.migrate import SchemaRefused, built_schema, check, migrate, migrations_in
from storage.query import SQL
from storage.schema import HEADER, tidied
from tests.worlds import Services

BLOCKED = "SELECT 1 FROM pg_locks WHERE NOT granted"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two migrations."""
    (tmp_path / "0001_pianos.sql").write_text("CREATE TABLE pianos (id int);", encoding="utf-8")
    (tmp_path / "0002_keys.sql").write_text(
        "CREATE TABLE keys (id int); GRANT SELECT ON keys TO instainstru_app;", encoding="utf-8"
    )
    return tmp_path


def add(folder: Path, name: str, script: str) -> None:
    """Write one more migration."""
    (folder / f"{name}.sql").write_text(script, encoding="utf-8")


async def test_each_migration_is_applied_once_and_recorded(
    empty_database_url: str, folder: Path
) -> None:
    done = await migrate(empty_database_url, applied_at=NOON, folder=folder)
    assert done == ["0001_pianos", "0002_keys"]
    assert await migrate(empty_database_url, applied_at=NOON, folder=folder) == []
    add(folder, "0003_more", "ALTER TABLE pianos ADD name text;")
    assert await migrate(empty_database_url, applied_at=NOON, folder=folder) == ["0003_more"]
    connection = await connect(empty_database_url, {}, 10)
    rows = await connection.fetch("SELECT version, name, applied_at FROM schema_migrations")
    await connection.close()
    assert [tuple(row) for row in rows] == [
        (1, "pianos", NOON),
        (2, "keys", NOON),
        (3, "more", NOON),
    ]


async def test_two_runners_at_once_share_the_work(empty_database_url: str, folder: Path) -> None:
    runs = [migrate(empty_database_url, applied_at=NOON, folder=folder) for _ in range(4)]
    done = await asyncio.gather(*runs)
    assert sorted(name for names in done for name in names) == ["0001_pianos", "0002_keys"]


async def test_a_runner_of_another_database_may_make_the_roles_meanwhile(
    own_server: Postgres, tmp_path: Path
) -> None:
    other = await connect(own_server.url("postgres"), {}, 30)
    await other.execute("BEGIN; CREATE ROLE instainstru_app; CREATE ROLE instainstru_reads")
    run = asyncio.create_task(migrate(own_server.url(), applied_at=NOON, folder=tmp_path))
    async with asyncio.timeout(10):
        while not await other.fetch(BLOCKED):  # noqa: ASYNC110 - Postgres has no event for it
            await asyncio.sleep(0.01)
    await other.execute("COMMIT")
    assert await run == []
    await other.close()


async def test_an_owner_without_superpowers_is_enough(own_server: Postgres) -> None:
    admin = await connect(own_server.url(), {}, 30)
    await admin.execute("CREATE ROLE landlord LOGIN CREATEROLE PASSWORD 'key'")
    await admin.execute("CREATE DATABASE managed OWNER landlord")
    await admin.close()
    host = own_server.url("managed").rpartition("@")[2]
    url = f"postgresql://landlord:key@{host}"
    await migrate(url, applied_at=NOON)
    db = await Database.connect(url, size=1, reads_size=1)
    async with db.transaction() as tx:
        assert (await tx.fetch("SELECT current_user"))[0][0] == "instainstru_app"
    await db.ping()
    await db.close()


async def test_a_migration_that_fails_leaves_nothing(empty_database_url: str, folder: Path) -> None:
    add(folder, "0003_half", "CREATE TABLE half (id int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, applied_at=NOON, folder=folder)
    connection = await connect(empty_database_url, {}, 10)
    rows = await connection.fetch("SELECT to_regclass('half') IS NULL, to_regclass('keys')::text")
    await connection.close()
    assert tuple(rows[0]) == (True, "keys")
    add(folder, "0003_half", "CREATE TABLE half (id int);")
    assert await migrate(empty_database_url, applied_at=NOON, folder=folder) == ["0003_half"]


async def test_a_changed_migration_is_refused(empty_database_url: str, folder: Path) -> None:
    await migrate(empty_database_url, applied_at=NOON, folder=folder)
    add(folder, "0001_pianos", "CREATE TABLE pianos (id bigint);")
    for attempt in (migrate(empty_database_url, applied_at=NOON, folder=folder),
                    check(empty_database_url, folder=folder)):  # fmt: skip
        with pytest.raises(SchemaRefused, match="0001_pianos was changed after it was applied"):
            await attempt


async def test_a_database_newer_than_the_code_is_refused(
    empty_database_url: str, folder: Path
) -> None:
    await migrate(empty_database_url, applied_at=NOON, folder=folder)
    (folder / "0002_keys.sql").unlink()
    sentence = "the database has schema 2, this code knows 1: deploy newer code"
    with pytest.raises(SchemaRefused, match=sentence):
        await migrate(empty_database_url, applied_at=NOON, folder=folder)
    with pytest.raises(SchemaRefused, match=sentence):
        await check(empty_database_url, folder=folder)


async def test_a_process_does_not_start_on_an_older_schema(
    empty_database_url: str, folder: Path
) -> None:
    with pytest.raises(SchemaRefused, match="has schema 0, this code needs 2"):
        await check(empty_database_url, folder=folder)
    await migrate(empty_database_url, applied_at=NOON, folder=folder)
    await check(empty_database_url, folder=folder)


@pytest.mark.parametrize("name", ["0003_gap", "0001_double", "2_short", "0002_Loud"])
def test_migrations_are_numbered_without_gaps(folder: Path, name: str) -> None:
    (folder / "0002_keys.sql").unlink()
    add(folder, name, "SELECT 1;")
    with pytest.raises(SchemaRefused, match=r"number|named"):
        migrations_in(folder)


async def test_an_unreachable_database_is_one_sentence() -> None:
    with pytest.raises(Unavailable, match=r"the database at 127\.0\.0\.1:\d+/x cannot be used"):
        await check(f"postgresql://u:secret@127.0.0.1:{free_port()}/x")


def test_the_command_refuses_with_one_sentence_and_exit_code_1() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "storage.migrate"],
        cwd=SQL.parent, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "DATABASE_URL is not set\n")


async def test_the_schema_as_text_is_the_same_every_time(services: Services) -> None:
    first = await built_schema(services.admin_url)
    assert first == await built_schema(services.admin_url)
    assert "CREATE TABLE public.bookings" in first


def test_what_changes_from_dump_to_dump_is_left_out() -> None:
    dumped = (
        "-- Dumped by pg_dump 18\n\\restrict abc\nSET row_security = off;\n\n\n\n"
        "CREATE TABLE a (\n    id int\n);\n\n\\unrestrict abc\n"
    )
    assert tidied(dumped) == f"{HEADER}\nCREATE TABLE a (\n    id int\n);\n"
