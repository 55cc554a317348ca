"""The door to the calendars from another process, over NATS."""

import asyncio
from datetime import timedelta

import pytest

from actors.calendar_commands import CalendarFailed, Decided, Reload
from actors.calendars import reach_calendars
from actors.placement import subject_of
from domain.errors import HoldLimit, Invalid, NotFound, SlotTaken, Unavailable
from domain.ids import new_id, partition_of
from gateways.bus import Bus
from gateways.clock import SharedClock
from tests.actors.calendar_world import NOW, START, Market, cancel_by, market

HOUR = timedelta(hours=1)


async def test_a_calendar_is_asked_from_another_process(shop: Market, own_nats_url: str) -> None:
    bus = await Bus.connect(own_nats_url)
    far = reach_calendars(bus)
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    booked = await far.ask(teacher.id, teacher.hold(first, note="bring the blue book"))
    assert isinstance(booked, Decided)
    assert booked.booking.start_at == START
    with pytest.raises(SlotTaken):
        await far.ask(teacher.id, teacher.hold(second))
    cancelled = await far.ask(teacher.id, cancel_by(first, booked.booking.id))
    assert cancelled.booking.outcome == "free"
    assert (await far.ask(teacher.id, Reload())).version == 3
    with pytest.raises(NotFound):
        await far.ask(new_id(NOW), Reload())
    await bus.close()


async def test_a_refusal_crosses_with_everything_it_says(shop: Market, own_nats_url: str) -> None:
    bus = await Bus.connect(own_nats_url)
    far = reach_calendars(bus)
    teacher, student = await shop.teacher(), await shop.student()
    with pytest.raises(Invalid) as refused:
        await far.ask(teacher.id, teacher.hold(student, duration_minutes=45))
    assert refused.value.pointer == "/duration_minutes"
    await far.ask(teacher.id, teacher.pending(student))
    with pytest.raises(HoldLimit) as limited:
        await far.ask(teacher.id, teacher.pending(student, START + HOUR))
    assert limited.value.retry_after == 60
    assert "another slot" in limited.value.detail
    await bus.close()


async def test_one_of_many_far_askers_gets_the_slot(shop: Market, own_nats_url: str) -> None:
    bus = await Bus.connect(own_nats_url)
    far = reach_calendars(bus)
    teacher = await shop.teacher()
    answers = await asyncio.gather(
        *(far.ask(teacher.id, teacher.hold(student)) for student in await shop.students(100)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 99
    await bus.close()


async def test_nobody_there_is_unavailable_when_the_deadline_is_over(own_nats_url: str) -> None:
    bus = await Bus.connect(own_nats_url)
    asked_at = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as refused:
        await reach_calendars(bus).ask(new_id(NOW), Reload(), deadline_seconds=0.3)
    assert refused.value.retry_after == 1
    assert 0.2 < asyncio.get_running_loop().time() - asked_at < 4
    await bus.close()


async def test_a_host_that_comes_late_is_found(
    database_url: str, own_nats_url: str, clock: SharedClock
) -> None:
    bus = await Bus.connect(own_nats_url)
    asking = asyncio.create_task(reach_calendars(bus).ask(new_id(NOW), Reload()))
    await asyncio.sleep(0)
    async with market(database_url, own_nats_url, clock):
        with pytest.raises(NotFound):
            await asking
    await bus.close()


async def test_a_bug_elsewhere_is_not_told_as_a_refusal(own_nats_url: str) -> None:
    bus = await Bus.connect(own_nats_url)

    async def broken(_: bytes) -> bytes:
        return b'{"type":"Broken"}'

    key = new_id(NOW)
    serving = await bus.serve(subject_of(partition_of(key)), broken)
    with pytest.raises(CalendarFailed):
        await reach_calendars(bus).ask(key, Reload())
    await serving.end()
    await bus.close()
