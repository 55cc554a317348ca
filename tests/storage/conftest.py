"""Fixtures of the storage tests: one bare connection, one database without any schema."""

import uuid
from collections.abc import AsyncIterator

import pytest_asyncio

from storage.driver import Connection, connect, prepare_session
from tests.worlds import Services, drop_database


@pytest_asyncio.fixture
async def tx(database_url: str) -> AsyncIterator[Connection]:
    """Return a connection inside a transaction that is rolled back after the test."""
    connection = await connect(database_url, {"timezone": "UTC"}, 10)
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
