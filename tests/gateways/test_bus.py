"""The bus on a real NATS server: asking, answering, listening, and a server that goes and comes."""

import asyncio
from pathlib import Path

import pytest

from domain.errors import Unavailable
from gateways.bus import Bus, NobodyAnswers
from sandbox.nats import Nats
from sandbox.ports import free_port
from tests.model.wire import Wire

POLLS_MAX = 500


async def test_a_request_is_answered_and_many_at_once(nats_url: str) -> None:
    bus = await Bus.connect(nats_url)
    together = asyncio.Barrier(3)

    async def answer(payload: bytes) -> bytes:
        await together.wait()
        return payload.upper()

    serving = await bus.serve("tests.bus.upper", answer)
    replies = await asyncio.gather(
        *(bus.request("tests.bus.upper", word, deadline_seconds=2) for word in (b"a", b"b", b"c"))
    )
    assert replies == [b"A", b"B", b"C"]
    await serving.end()
    await bus.close()


async def test_where_nobody_listens_there_is_no_waiting(nats_url: str) -> None:
    bus = await Bus.connect(nats_url)
    asked_at = asyncio.get_running_loop().time()
    with pytest.raises(NobodyAnswers):
        await bus.request("tests.bus.nobody", b"", deadline_seconds=5)
    assert asyncio.get_running_loop().time() - asked_at < 4
    await bus.close()


async def test_a_queue_shares_messages_and_a_failing_handler_hears_the_next(nats_url: str) -> None:
    bus = await Bus.connect(nats_url)
    heard: list[bytes] = []

    async def hear(_: str, payload: bytes) -> None:
        heard.append(payload)
        if payload == b"0":
            raise RuntimeError("a bug")

    listening = [await bus.subscribe("tests.bus.shared", hear, queue="one") for _ in range(3)]
    await bus.flush()
    for number in range(20):
        await bus.publish("tests.bus.shared", str(number).encode())
    for _ in range(POLLS_MAX):
        if len(heard) >= 20:
            break
        await asyncio.sleep(0.01)
    assert sorted(heard, key=int) == [str(number).encode() for number in range(20)]
    for each in listening:
        await each.end()
    await bus.close()


async def test_a_flush_asks_after_what_is_listened_to(nats_url: str) -> None:
    async def hear(_: str, __: bytes) -> None:
        pass

    wire = Wire(nats_url)
    await wire.open()
    bus = await Bus.connect(wire.url)
    for number in range(5):
        await bus.subscribe(f"tests.bus.order.{number}", hear)
        await bus.flush()
        asked = bytes(wire.sent)
        assert asked.rindex(b"PING") > asked.index(f"SUB tests.bus.order.{number}".encode())
    await bus.close()
    await wire.close()


async def test_a_silent_nats_is_said_to_be_unavailable(nats_url: str) -> None:
    wire = Wire(nats_url)
    await wire.open()
    bus = await Bus.connect(wire.url)
    wire.is_silent = True
    with pytest.raises(Unavailable):
        await bus.flush()
    await bus.close()
    await wire.close()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    port = free_port()
    with pytest.raises(Unavailable) as refused:
        await Bus.connect(f"nats://me:secret@127.0.0.1:{port}", patience_seconds=0.5)
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_the_bus_outlives_its_server(tmp_path: Path) -> None:
    port = free_port()
    nats = Nats(tmp_path, port, "secret")
    await nats.start()
    closed: list[bool] = []
    bus = await Bus.connect(nats.url, on_closed=lambda: closed.append(True))
    heard = asyncio.Event()

    async def hear(_: str, __: bytes) -> None:
        heard.set()

    await bus.subscribe("tests.bus.again", hear)
    await bus.ping()
    await nats.stop()
    for _ in range(POLLS_MAX):
        if not bus.is_connected:
            break
        await asyncio.sleep(0.01)
    await bus.publish("tests.bus.again", b"lost")
    with pytest.raises(Unavailable):
        await bus.ping()
    again = Nats(tmp_path, port, "secret")
    await again.start()
    for _ in range(POLLS_MAX):
        if bus.is_connected:
            break
        await asyncio.sleep(0.01)
    await bus.ping()
    await bus.publish("tests.bus.again", b"heard")
    async with asyncio.timeout(5):
        await heard.wait()
    assert not closed
    await bus.close()
    assert closed == [True]
    await again.stop()
