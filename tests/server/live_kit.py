"""The application behind a real port, and a client of its sockets, for tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar
from websockets.asyncio.client import ClientConnection, connect

from actors.calendars import Calendars
from gateways.bus import Bus
from gateways.settings import Settings
from sandbox.ports import free_port
from server.app import create_app
from server.serving import config
from storage.database import Database
from tests.actors.calendar_world import Teacher, make_student, make_teacher

PATIENCE = 20.0
SOON_SECONDS = 0.25
HOUR = timedelta(hours=1)


class Site:
    """The application behind a real port."""

    def __init__(self, app: Litestar, settings: Settings, db: Database, bus: Bus) -> None:
        """Made by the fixture `site`."""
        self.app = app
        self.settings = settings
        self.db = db
        self.bus = bus
        self.url = f"ws://127.0.0.1:{settings.port}/api/live"

    @property
    def calendars(self) -> Calendars:
        """The calendars that live in the application."""
        return self.app.state["parts"].bookings._calendars

    async def teacher(self) -> Teacher:
        """An instructor who is open all week."""
        async with self.db.transaction() as tx:
            return await make_teacher(tx)

    async def hold(self, teacher: Teacher, hours: int) -> int:
        """Somebody new books an hour, so many hours after tomorrow's first; the new version."""
        async with self.db.transaction() as tx:
            student = await make_student(tx)
        decided = await self.calendars.ask(teacher.id, teacher.hold(student, at(hours)))
        return decided.version


def at(hours: int) -> datetime:
    """So many hours after the first one of the day after tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=2)  # noqa: TID251 the world's clock runs here
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0) + hours * HOUR


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Site]:
    """Serve an application on a port of its own, with limits."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = msgspec.structs.replace(
        settings, port=port, host="127.0.0.1", public_url=url, rate_limits=True
    )
    app = create_app(settings)
    server = uvicorn.Server(config(app, settings))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:
            assert not running.done(), "the server did not start"
            await asyncio.sleep(0.01)
    db = await Database.connect(settings.database_url)
    bus = await Bus.connect(settings.nats_url)
    yield Site(app, settings, db, bus)
    await bus.close()
    await db.close()
    server.should_exit = True
    await running


@asynccontextmanager
async def heard(site: Site, query: str = "", **more: Any) -> AsyncIterator[ClientConnection]:  # noqa: ANN401 the library's options
    """Open a socket."""
    options = {"proxy": None, "compression": None, "max_size": None, **more}
    async with connect(site.url + query, **options) as client:
        yield client


async def say(client: ClientConnection, **message: object) -> None:
    await client.send(json.dumps(message, default=str))


async def hear(client: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        return json.loads(await client.recv())


def wants(teacher: Teacher, **more: object) -> dict[str, object]:
    return {
        "type": "subscribe",
        "instructor_id": str(teacher.id),
        "duration_minutes": 60,
        **more,
    }
