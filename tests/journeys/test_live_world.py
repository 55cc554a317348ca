"""Live slots in a whole world: they follow time, and outlive the web process."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sandbox.world import World
from storage.database import Database
from tests.actors.calendar_world import Teacher, make_teacher
from tests.actors.live_kit import OPEN_DAYS

pytestmark = pytest.mark.world
PATIENCE = 30.0


async def opened(world: World) -> ClientConnection:
    """Open a socket."""
    return await connect(f"{world.url.replace('http', 'ws', 1)}/api/live", proxy=None)


def wish(teacher: Teacher, after_version: int | None = None) -> str:
    more = {} if after_version is None else {"after_version": after_version}
    return json.dumps(
        {
            "type": "subscribe",
            "instructor_id": str(teacher.id),
            "duration_minutes": 60,
            **more,
        }
    )


def shown(slots: set[tuple[str, str]], message: dict[str, Any]) -> set[tuple[str, str]]:
    """Return what a client shows after a message."""

    def pairs(name: str) -> set[tuple[str, str]]:
        return {(slot["start_at"], slot["end_at"]) for slot in message.get(name, [])}

    if message["type"] == "snapshot":
        return pairs("slots")
    return (slots - pairs("removed")) | pairs("added")


async def agreed(
    world: World, client: ClientConnection, teacher: Teacher, slots: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Read until a client shows what the slots' address says."""
    async with httpx.AsyncClient(base_url=world.url) as http, asyncio.timeout(PATIENCE):
        while True:
            query = {"duration_minutes": 60}
            answer = await http.get(f"/api/instructors/{teacher.id}/slots", params=query)
            fresh = {(slot["start_at"], slot["end_at"]) for slot in answer.json()["slots"]}
            if slots == fresh:
                return slots
            slots = shown(slots, json.loads(await client.recv()))


async def test_live_slots_follow_time_and_survive_the_web_process(world: World) -> None:
    db = await Database.connect(world.database_url)
    async with db.transaction() as tx:
        teacher = await make_teacher(tx, OPEN_DAYS)
    await db.close()
    client = await opened(world)
    await client.send(wish(teacher))
    snapshot = json.loads(await client.recv())
    slots = await agreed(world, client, teacher, shown(set(), snapshot))
    assert slots
    async with httpx.AsyncClient(base_url=world.url, timeout=PATIENCE) as http:
        moved = await http.post("/sandbox/clock", json={"advance_seconds": 3 * 86_400})
        assert moved.status_code == 200, moved.text
    later = await agreed(world, client, teacher, slots)
    assert later != slots
    await world.kill("web")
    with pytest.raises(ConnectionClosed):
        async with asyncio.timeout(PATIENCE):
            await client.recv()
    await world.start_process("web")
    client = await opened(world)
    await client.send(wish(teacher, snapshot["version"]))
    delta = json.loads(await client.recv())
    assert (delta["type"], delta["previous_version"]) == ("delta", snapshot["version"])
    await agreed(world, client, teacher, shown(later, delta))
    await client.close()
