"""Who follows their own events while NATS says nothing, and when it is back."""

import asyncio
from uuid import uuid4

from actors.live_rooms import Rooms
from actors.live_sockets import Socket
from domain.errors import Unavailable
from gateways.bus import Bus
from tests.actors.live_kit import Ear
from tests.model.wire import Wire

POLLS_MAX = 500
EVENT = b'{"id":"1","event":"booking.confirmed","payload":{}}'


async def test_who_could_not_join_joins_when_nats_answers_again(nats_url: str) -> None:
    wire = Wire(nats_url)
    await wire.open()
    bus, other = await Bus.connect(wire.url), await Bus.connect(nats_url)
    rooms, user, ear = Rooms(bus), uuid4(), Ear()
    sockets = [Socket(each, user_id=user) for each in (Ear(), ear)]
    wire.is_silent = True
    answers = await asyncio.gather(
        *(rooms.join(each, user) for each in sockets), return_exceptions=True
    )
    assert [type(each) for each in answers] == [Unavailable, Unavailable]
    assert not any(each.follows_me for each in sockets)
    wire.is_silent = False
    wire.cut()
    for _ in range(POLLS_MAX):
        if not bus.is_connected:
            break
        await asyncio.sleep(0.01)
    for _ in range(POLLS_MAX):
        if bus.is_connected:
            break
        await asyncio.sleep(0.01)
    await bus.ping()
    await rooms.join(sockets[1], user)
    await other.publish(f"events.user.{user}", EVENT)
    assert (await ear.next())["event"] == "booking.confirmed"
    await rooms.close()
    await bus.close()
    await other.close()
    await wire.close()
