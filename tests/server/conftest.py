"""The application inside its lifespan, asked over HTTP without a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar

from actors.restrictions import Restrictions
from domain.operations import AccountSeen
from gateways.clock import SystemClock
from gateways.settings import Settings
from sandbox.emulator import Emulator
from server.app import create_app

PASSWORD = "blue tractor sings 9"
PUBLIC_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def settings(
    database_url: str, nats_url: str, clock_file: Path, stripe_emulator: Emulator
) -> Settings:
    """Settings of a relaxed sandbox on this worker's servers."""
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        stripe_secret_key=stripe_emulator.secret_key,
        stripe_publishable_key=stripe_emulator.publishable_key,
        stripe_api_base=stripe_emulator.url,
        stripe_js_url=f"{stripe_emulator.url}/js/stripe.js",
        stripe_webhook_secrets=("whsec_test",),
        token_secret="t" * 40,
        public_url=PUBLIC_URL,
        clock_file=str(clock_file),
        rate_limits=False,
    )


@pytest_asyncio.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[Litestar]:
    """The application, alive."""
    async with living(create_app(settings)) as made:
        yield made


@asynccontextmanager
async def living(made: Litestar) -> AsyncIterator[Litestar]:
    """Keep an application's lifespan in one task of its own, as Litestar's task group demands."""
    started, stopping = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with made.lifespan():
            started.set()
            await stopping.wait()

    life = asyncio.create_task(live())
    beginning = asyncio.create_task(started.wait())
    await asyncio.wait({life, beginning}, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        await life
    try:
        yield made
    finally:
        stopping.set()
        await life


@pytest_asyncio.fixture
async def http(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any cookie or token."""
    async with client_of(app) as client:
        yield client


def client_of(app: Litestar) -> httpx.AsyncClient:
    """Return a new client of an application."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody registered for a test."""

    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def auth(self) -> dict[str, str]:
        """Return the header that says who it is."""
        return {"Authorization": f"Bearer {self.access_token}"}


async def registered(http: httpx.AsyncClient, role: str = "student") -> Person:
    """Register somebody new."""
    email = f"{uuid4().hex}@example.org"
    answer = await http.post("/api/auth/register", json=registration(email=email, role=role))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Person(
        id=body["user"]["id"],
        email=email,
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
    )


def registration(**changes: object) -> dict[str, object]:
    """Return a body for `POST /api/auth/register`."""
    return {
        "email": f"{uuid4().hex}@example.org",
        "password": PASSWORD,
        "display_name": "Ada Long",
        "role": "student",
        "time_zone": "Europe/Vienna",
        **changes,
    }


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """An instructor who can be booked, and what they offer."""

    person: Person
    service_id: str

    def lesson(self, start_at: datetime, **changes: object) -> dict[str, object]:
        """Return a body for `POST /api/bookings`."""
        return {
            "instructor_id": self.person.id,
            "service_id": self.service_id,
            "start_at": start_at.isoformat(),
            "duration_minutes": 60,
            "modality": "online",
            **changes,
        }


OPEN_ALWAYS = {
    "time_zone": "UTC",
    "weekly": [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7)],
}


async def teaching(app: Litestar, http: httpx.AsyncClient) -> Teacher:
    """Open an instructor who is free around the clock and can be booked."""
    person = await registered(http, "instructor")
    profile = {"headline": "Piano", "published": True}
    put = await http.put("/api/instructor/profile", json=profile, headers=person.auth)
    assert put.status_code == 200, put.text
    hours = await http.put("/api/instructor/availability", json=OPEN_ALWAYS, headers=person.auth)
    assert hours.status_code == 200, hours.text
    service = await http.post("/api/instructor/services", json=PIANO, headers=person.auth)
    assert service.status_code == 201, service.text
    await onboarded(app, http, person)
    return Teacher(person=person, service_id=service.json()["id"])


async def onboarded(app: Litestar, http: httpx.AsyncClient, person: Person) -> None:
    """Complete the instructor's account at the emulator and take in what it says."""
    link = await http.post("/api/instructor/stripe/onboarding", headers=person.auth)
    assert link.status_code == 200, link.text
    async with httpx.AsyncClient() as outside:
        done = await outside.post(link.json()["url"])
        assert done.status_code < 400, done.text
    parts = app.state["parts"]
    status = await http.get("/api/instructor/stripe/status", headers=person.auth)
    account = await parts.instructors._stripe.account(status.json()["account_id"])
    assert isinstance(account, AccountSeen)
    restrictions = Restrictions(
        db=parts.idempotency._db,
        calendars=parts.instructors._calendars,
        payments=parts.payments,
        clock=parts.clock,
    )
    await restrictions.record(account)


PIANO: dict[str, object] = {
    "skill": "piano",
    "title": "Piano",
    "hourly_rate_cents": 6000,
    "durations_minutes": [30, 60],
    "modalities": ["online"],
}


def in_days(days: int, *, hour: int = 12) -> datetime:
    """Return a full hour some days from now."""
    today = SystemClock().now().replace(hour=hour, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)
