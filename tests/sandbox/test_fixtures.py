"""The fixtures of `tests/conftest.py` themselves: shared servers, databases of one's own."""

import socket
from datetime import UTC, datetime

import asyncpg
import nats
import pytest

from gateways.clock import SharedClock
from sandbox.clock import ClockWriter


async def test_a_worker_has_a_migrated_database_of_its_own(
    database_url: str, worker_name: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT current_database()") == f"tests_{worker_name}"
        assert await connection.fetchval("SELECT count(*) FROM bookings") is not None
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SELECT lower('ÄÖ')") == "äö"
    finally:
        await connection.close()


async def test_a_fresh_database_is_nobody_elses(fresh_database_url: str, database_url: str) -> None:
    assert fresh_database_url != database_url
    connection = await asyncpg.connect(fresh_database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM bookings") == 0
        await connection.execute("CREATE TABLE scratch (id int)")
    finally:
        await connection.close()


async def test_nats_serves_jetstream(nats_url: str) -> None:
    client = await nats.connect(nats_url)
    try:
        account = await client.jetstream().account_info()
        assert account.limits is not None
    finally:
        await client.close()


def test_the_clock_of_a_test_starts_at_real_time_and_travels(
    clock: SharedClock, clock_writer: ClockWriter
) -> None:
    assert not clock.is_frozen()
    noon = datetime(2031, 3, 9, 12, tzinfo=UTC)
    clock_writer.freeze(noon)
    assert clock.now() == noon


def test_a_test_cannot_leave_this_machine() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
        pytest.raises(PermissionError, match="tried to reach"),
    ):
        probe.connect(("192.0.2.1", 9))
