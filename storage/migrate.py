"""Brings a database to this code's schema: `python -m storage.migrate [--check | --schema]`.

Forward only: `sql/migrations/NNNN_name.sql`, numbered without gaps, one transaction each, under an
advisory lock so that several releases may start at once. The checksum of each file is recorded; a
file that changed after it was applied is refused, and so is a database newer than the code.
"""

import argparse
import asyncio
import hashlib
import os
import re
import secrets
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import asyncpg
import msgspec

from domain.errors import Unavailable
from storage.constraints import STORAGE_ERRORS
from storage.database import APP_ROLE, READS_ROLE, address
from storage.driver import Connection, connect
from storage.query import SQL
from storage.schema import DumpError, dump

MIGRATIONS = SQL / "migrations"
SCHEMA = SQL / "schema.sql"

LOCK_KEY = 7_202_711_000
"""The advisory lock of the runner; the number means nothing, it only has to stay."""
PATIENCE_SECONDS = 600.0
"""A migration, or the wait for another runner's, may take this long."""
LOCK_SECONDS = 20

HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamptz NOT NULL
)
"""


class SchemaRefused(Unavailable):
    """The database's schema does not fit this code."""

    code = Unavailable.code


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `sql/migrations/`."""

    version: int
    name: str
    script: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file's text."""
        return hashlib.sha256(self.script.encode()).digest()


def migrations_in(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a folder in order; `SchemaRefused` when a number is missing or doubled."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        named = re.fullmatch(r"(\d{4})_([a-z0-9_]+)", path.stem)
        if named is None:
            raise SchemaRefused(f"{path.name} is not named NNNN_what_it_does.sql")
        script = path.read_text(encoding="utf-8")
        found.append(Migration(version=int(named[1]), name=named[2], script=script))
    if [each.version for each in found] != list(range(1, len(found) + 1)):
        raise SchemaRefused(f"the migrations in {folder.name} are not numbered 1, 2, 3 …")
    return found


async def migrate(url: str, *, applied_at: datetime, folder: Path = MIGRATIONS) -> list[str]:
    """Applies what is missing and returns its names; safe to repeat and to run twice at once.

    `url` is the owner's. Raises `SchemaRefused` for a newer database or a changed migration, and
    `Unavailable` when the database does not answer.
    """
    known = migrations_in(folder)
    done: list[str] = []
    async with _session(url) as connection:
        await connection.fetch("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await _create_roles(connection)
        await connection.execute(HISTORY)
        applied = await _applied(connection)
        _refuse_strangers(known, applied)
        for migration in known[len(applied) :]:
            await _apply(connection, migration, applied_at)
            done.append(f"{migration.version:04}_{migration.name}")
    return done


async def check(url: str, *, folder: Path = MIGRATIONS) -> None:
    """Refuses to go on (`SchemaRefused`, one sentence) unless the database has this code's schema.

    An older schema is refused too: the release step applies migrations before processes start.
    """
    known = migrations_in(folder)
    async with _session(url) as connection:
        applied = await _applied(connection)
    _refuse_strangers(known, applied)
    if len(applied) < len(known):
        raise SchemaRefused(
            f"the database has schema {len(applied)}, this code needs {len(known)}:"
            " run python -m storage.migrate first"
        )


@asynccontextmanager
async def _session(url: str) -> AsyncGenerator[Connection]:
    """A connection of the owner, with the lock of the runner going when it ends."""
    settings = {"application_name": "instainstru migrate", "timezone": "UTC", "jit": "off"}
    try:
        connection = await connect(url, settings, PATIENCE_SECONDS)
    except STORAGE_ERRORS as error:
        raise Unavailable(f"the database at {address(url)} cannot be used: {error}") from error
    try:
        yield connection
    finally:
        await connection.close()


async def _create_roles(connection: Connection) -> None:
    """Makes both roles of the running product and lets the owner take them on.

    Roles belong to the cluster, advisory locks to a database: runners of two databases may meet
    here, and the later one finds its work done.
    """
    for role in (APP_ROLE, READS_ROLE):
        if not await connection.fetch("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE ROLE {role} NOLOGIN")
    for role in (APP_ROLE, READS_ROLE):
        is_missing = "SELECT 1 WHERE NOT pg_has_role(current_user, $1, 'SET')"
        if await connection.fetch(is_missing, role):
            await _granted(connection, role)


async def _granted(connection: Connection, role: str) -> None:
    """Grants membership; two runners that grant the same at once make Postgres complain."""
    for _ in range(5):
        try:
            await connection.execute(f"GRANT {role} TO current_user")
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError):
            await asyncio.sleep(0.05)
        else:
            return
    raise Unavailable(f"role {role} could not be granted to the owner of the database")


async def _applied(connection: Connection) -> Sequence[tuple[int, str, bytes]]:
    """What the database has, in order: version, name, checksum."""
    if not await connection.fetch("SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL"):
        return []
    rows = await connection.fetch(
        "SELECT version, name, checksum FROM schema_migrations ORDER BY version"
    )
    return cast("Sequence[tuple[int, str, bytes]]", [tuple(row) for row in rows])


def _refuse_strangers(known: list[Migration], applied: Sequence[tuple[int, str, bytes]]) -> None:
    if len(applied) > len(known):
        raise SchemaRefused(
            f"the database has schema {applied[-1][0]}, this code knows {len(known)}:"
            " deploy newer code"
        )
    for migration, (version, name, checksum) in zip(known, applied, strict=False):
        if (version, checksum) != (migration.version, migration.checksum):
            raise SchemaRefused(
                f"migration {version:04}_{name} was changed after it was applied:"
                " restore the file and write a new migration"
            )


async def _apply(connection: Connection, migration: Migration, applied_at: datetime) -> None:
    """One migration in one transaction; gives up rather than queue everybody behind its locks."""
    await connection.execute(f"BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    try:
        await connection.execute(migration.script)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at)"
            " VALUES ($1, $2, $3, $4)",
            migration.version, migration.name, migration.checksum, applied_at,
        )  # fmt: skip
    except BaseException:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def _main(arguments: argparse.Namespace, url: str) -> None:
    if arguments.check:
        await check(url)
    elif arguments.schema:
        SCHEMA.write_text(await built_schema(url), encoding="utf-8")
    else:
        done = await migrate(url, applied_at=await _server_time(url))
        sys.stdout.write("".join(f"applied {name}\n" for name in done) or "nothing to apply\n")


async def built_schema(url: str) -> str:
    """What the migrations build, as text: in a scratch database beside `url`'s, dropped after."""
    scratch = f"schema_{secrets.token_hex(6)}"
    async with _session(url) as connection:
        await connection.execute(f"CREATE DATABASE {scratch} TEMPLATE template0")
        beside = urlsplit(url)._replace(path=f"/{scratch}").geturl()
        try:
            await migrate(beside, applied_at=await _server_time(url))
            return await asyncio.to_thread(dump, beside)
        finally:
            await connection.execute(f"DROP DATABASE {scratch} WITH (FORCE)")


async def _server_time(url: str) -> datetime:
    """The release step runs outside the marketplace and its clock: it takes the server's."""
    async with _session(url) as connection:
        return cast("datetime", (await connection.fetch("SELECT clock_timestamp()"))[0][0])


def main() -> int:
    """The release step; answers 1 with one sentence on stderr when it refuses."""
    parser = argparse.ArgumentParser(prog="python -m storage.migrate", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="only tell whether the schema fits")
    choice.add_argument("--schema", action="store_true", help="write sql/schema.sql anew")
    arguments = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    try:
        if not url:
            raise SchemaRefused("DATABASE_URL is not set")
        asyncio.run(_main(arguments, url))
    except (Unavailable, DumpError, asyncpg.PostgresError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
