"""Rate limits: per person and per place, and off where they are switched off."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar

from domain.errors import RateLimited
from domain.ids import UserId
from domain.people import Viewer
from gateways.clock import SystemClock
from gateways.settings import Settings
from server.app import create_app
from server.limits import RELAXED_FACTOR, Limit, Limits, network_of
from storage.database import Database
from tests.server.conftest import client_of, living, registered

FEW = Limit(name="few", count=3, per_seconds=60)


class Hands(SystemClock):
    """A clock whose hands the test moves."""

    seconds = 1000.0

    def monotonic(self) -> float:
        """Return what the test set."""
        return self.seconds


@pytest_asyncio.fixture
async def strict(settings: Settings) -> AsyncIterator[Litestar]:
    """The application with every limit, as outside a sandbox."""
    wanted = msgspec.structs.replace(settings, rate_limits=True, sandbox_strict=True)
    async with living(create_app(wanted)) as made:
        yield made


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A small pool."""
    made = await Database.connect(database_url, size=4, reads_size=1)
    yield made
    await made.close()


async def test_so_many_at_once_and_then_one_by_one(db: Database, settings: Settings) -> None:
    hands = Hands()
    limits = Limits(db, hands, msgspec.structs.replace(settings, rate_limits=True))
    viewer = None
    strict_limits = Limits(
        db, hands, msgspec.structs.replace(settings, rate_limits=True, sandbox_strict=True)
    )
    for _ in range(3):
        strict_limits.spend(FEW, viewer=viewer, address="192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        strict_limits.spend(FEW, viewer=viewer, address="192.0.2.200")
    assert refused.value.retry_after == 20
    strict_limits.spend(FEW, viewer=viewer, address="192.0.3.1")
    hands.seconds += 20
    strict_limits.spend(FEW, viewer=viewer, address="192.0.2.1")
    for _ in range(10):
        limits.spend(FEW, viewer=viewer, address="192.0.2.1")


async def test_processes_share_a_durable_limit(db: Database, settings: Settings) -> None:
    wanted = msgspec.structs.replace(settings, rate_limits=True)
    one, other = Limits(db, SystemClock(), wanted), Limits(db, SystemClock(), wanted)
    results = await asyncio.gather(
        *(each.spend_durably(FEW, key="somebody") for each in (one, other) * 3),
        return_exceptions=True,
    )
    assert sum(isinstance(result, RateLimited) for result in results) == 3
    await one.forgive(FEW, key="somebody")
    await other.spend_durably(FEW, key="somebody")
    await one.tidy()


def test_a_place_is_a_network() -> None:
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff")
    assert network_of("testclient") == "testclient"


async def test_guessing_a_password_is_stopped_and_says_when_to_come_back(
    strict: Litestar, http: httpx.AsyncClient
) -> None:
    person = await registered(http)
    async with client_of(strict) as guesser:
        body = {"email": person.email, "password": "a wrong password"}
        answers = [await guesser.post("/api/auth/login", json=body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "rate-limited"


async def test_registering_in_bulk_from_one_place_is_stopped(strict: Litestar) -> None:
    async with client_of(strict) as http:
        for _ in range(5):
            await registered(http)
        with pytest.raises(AssertionError, match="rate-limited"):
            await registered(http)


async def test_a_person_may_do_in_a_second_of_a_sandbox_what_takes_a_minute_outside(
    db: Database, settings: Settings
) -> None:
    hands = Hands()
    viewer = Viewer(
        user_id=UserId(uuid4()), roles=frozenset({"student"}), session_id=uuid4(), request_id="r"
    )
    on = msgspec.structs.replace(settings, rate_limits=True)
    sandbox = Limits(db, hands, on)
    outside = Limits(db, hands, msgspec.structs.replace(on, sandbox_strict=True))
    for limits, count in ((outside, 3), (sandbox, 3 * RELAXED_FACTOR)):
        for _ in range(count):
            limits.spend(FEW, viewer=viewer, address=None)
        with pytest.raises(RateLimited):
            limits.spend(FEW, viewer=viewer, address=None)
