"""Fixtures of the storage tests: a bare connection, an empty database, a server of one's own."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.ports import free_port
from sandbox.postgres import Postgres
from storage.driver import Connection, connect, prepare_session
from tests.worlds import Services, copy_database, drop_database


@pytest_asyncio.fixture(scope="session")
async def quiet_database_url(services: Services, worker_name: str) -> AsyncIterator[str]:
    """Return the address of a migrated database in which no test ever commits a row."""
    name = f"quiet_{worker_name}"
    yield await copy_database(services, name)
    await drop_database(services, name)


@pytest_asyncio.fixture
async def tx(quiet_database_url: str) -> AsyncIterator[Connection]:
    """Return a connection inside a transaction that is rolled back after the test."""
    connection = await connect(quiet_database_url, {"timezone": "UTC"}, 10)
    await prepare_session(connection)
    await connection.execute("BEGIN")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


@pytest_asyncio.fixture
async def empty_database_url(services: Services) -> AsyncIterator[str]:
    """Return the address of a database without any migration, for one test alone."""
    name = f"empty_{uuid.uuid4().hex}"
    admin = await connect(services.admin_url, {}, 30)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await admin.close()
    yield services.database_url(name)
    await drop_database(services, name)


@pytest_asyncio.fixture
async def own_server(worker_directory: Path) -> AsyncIterator[Postgres]:
    """Return a fresh server of this test's own, without roles, which it may stop and start."""
    directory = worker_directory / uuid.uuid4().hex
    postgres = Postgres(directory, free_port(), "secret", durable=False)
    await postgres.start()
    yield postgres
    await postgres.stop()
