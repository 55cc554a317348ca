"""The application inside its lifespan, asked over HTTP without a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar

from gateways.settings import Settings
from server.app import create_app

PASSWORD = "blue tractor sings 9"
PUBLIC_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def settings(database_url: str, nats_url: str, clock_file: object) -> Settings:
    """Settings of a relaxed sandbox on this worker's servers."""
    return Settings(
        database_url=database_url,
        nats_url=nats_url,
        stripe_secret_key="sk_test_emulator",
        stripe_publishable_key="pk_test_emulator",
        stripe_webhook_secrets=("whsec_test",),
        token_secret="t" * 40,
        public_url=PUBLIC_URL,
        clock_file=str(clock_file),
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
