"""The hub: snapshots and deltas add up to what the slots are, whatever happens in between."""

import random
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from actors.calendar_changes import CalendarChanged, Reloaded, encode_changed, subject_of
from actors.calendar_commands import ChangeAvailability, Expire
from actors.live import Hub, open_hub
from actors.live_frames import Shape
from actors.live_sockets import SUBSCRIPTIONS_MAX
from domain.availability import CalendarPolicy, ExceptionDay, Rules
from domain.errors import DomainError, NotFound, SubscriptionLimit
from domain.times import Span
from sandbox.clock import ClockWriter
from storage.calendars import bump_version
from tests.actors.calendar_world import NOW, START, Market, cancel_by
from tests.actors.live_kit import (
    OPEN_DAYS,
    ROLLING,
    Ear,
    Screen,
    as_text,
    fresh,
    shape_of,
    spell,
    watched,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def hub(shop: Market) -> AsyncIterator[Hub]:
    """Return a hub on the same database, bus and clock as the calendars."""
    async with open_hub(db=shop.db, bus=shop.bus, clock=shop.clock, rolling=ROLLING) as made:
        yield made


async def test_a_hold_a_booking_and_a_cancellation_are_seen(shop: Market, hub: Hub) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ear, _, screen = await watched(hub, shape_of(teacher))
    snapshot = await ear.next()
    assert snapshot["type"] == "snapshot"
    screen.take(snapshot)
    assert (screen.version, screen.slots) == await fresh(shop, shape_of(teacher))

    held = await shop.calendars.ask(teacher.id, teacher.pending(student))
    delta = await ear.next()
    assert delta["type"] == "delta"
    assert delta["version"] == held.version
    assert {slot["reason"] for slot in delta["removed"]} == {"held"}
    assert len(delta["removed"]) == 7  # starts less than an hour away, before and after
    screen.take(delta)

    cancelled = await shop.calendars.ask(teacher.id, cancel_by(student, held.booking.id))
    await screen.at_least(cancelled.version)
    booked = await shop.calendars.ask(teacher.id, teacher.hold(student))
    await screen.at_least(booked.version)
    assert set(screen.reasons.values()) == {"booked"}
    assert (screen.version, screen.slots) == await fresh(shop, shape_of(teacher))


async def test_snapshot_and_deltas_equal_fresh_slots_after_random_changes(
    shop: Market, hub: Hub, clock_writer: ClockWriter
) -> None:
    chance = random.Random(7)
    teacher, students = await shop.teacher(OPEN_DAYS), await shop.students(8)
    shapes = [
        shape_of(teacher, 30),
        shape_of(teacher, 60, service_id=teacher.service_id),
        shape_of(teacher, 90, from_at=NOW + DAY, to_at=NOW + 9 * DAY),
    ]
    screens = [(shape, (await watched(hub, shape))[2]) for shape in shapes]
    now, made = NOW, []
    for _ in range(60):
        what = chance.choice(["book", "book", "hold", "cancel", "rules", "time", "time"])
        try:
            if what in {"book", "hold"}:
                at = START + chance.randrange(-96, 96) * timedelta(minutes=30)
                student = chance.choice(students)
                make = teacher.hold if what == "book" else teacher.pending
                decided = await shop.calendars.ask(teacher.id, make(student, at))
                made.append((student, decided.booking.id))
            elif what == "cancel" and made:
                await shop.calendars.ask(teacher.id, cancel_by(*made.pop()))
            elif what == "rules":
                await shop.calendars.ask(teacher.id, ChangeAvailability(availability=_odd(chance)))
            elif what == "time":
                now += chance.choice([timedelta(minutes=4), HOUR, timedelta(hours=7)])
                clock_writer.freeze(now)
        except DomainError:
            continue
        for shape, screen in screens:
            await _agree(shop, shape, screen)


def _odd(chance: random.Random) -> Rules:
    policy = CalendarPolicy(
        time_zone="America/New_York",
        grid_minutes=chance.choice([15, 30, 60]),
        buffer_after_minutes=chance.choice([0, 15]),
        minimum_notice_minutes=chance.choice([0, 120, 720]),
        horizon_days=chance.choice([5, 60]),
        lessons_per_day_max=chance.choice([None, 2]),
        is_tight=chance.random() < 0.3,
    )
    closed = ExceptionDay(exception_on=date(2027, 3, chance.randrange(6, 14)), windows=())
    return msgspec.structs.replace(OPEN_DAYS, policy=policy, exceptions=(closed,))


async def _agree(shop: Market, shape: Shape, screen: Screen) -> None:
    """Wait until a screen shows what the slots are."""
    version, slots = await fresh(shop, shape)
    await screen.at_least(version)
    await screen.ear.until(lambda: screen.take_all().slots == slots)
    assert screen.version == version


async def test_time_alone_removes_what_passed_and_frees_what_was_held(
    shop: Market, hub: Hub, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ear, _, screen = await watched(hub, shape_of(teacher))
    held = await shop.calendars.ask(teacher.id, teacher.pending(student, NOW + 6 * HOUR))
    await screen.at_least(held.version)
    ends_at = held.booking.hold_expires_at
    assert ends_at is not None
    clock_writer.freeze(ends_at - timedelta(microseconds=1))
    await ear.until(lambda: bool(screen.take_all().reasons))
    lesson = as_text(Span(NOW + 6 * HOUR, NOW + 7 * HOUR))
    assert lesson not in screen.slots
    clock_writer.freeze(ends_at)
    message = await ear.next()
    assert message["previous_version"] == message["version"] == held.version
    assert lesson in {spell(slot) for slot in message["added"]}
    screen.take(message)
    clock_writer.freeze(NOW + 2 * DAY)
    await ear.until(lambda: screen.take_all().slots != set() and _first(screen) > NOW + 2 * DAY)
    assert "passed" in screen.reasons.values()
    assert screen.slots == (await fresh(shop, shape_of(teacher)))[1]


def _first(screen: Screen) -> datetime:
    return datetime.fromisoformat(min(screen.slots)[0])


async def test_who_comes_back_gets_exactly_what_was_missed(shop: Market, hub: Hub) -> None:
    teacher, students = await shop.teacher(), await shop.students(3)
    _, socket, screen = await watched(hub, shape_of(teacher))
    screen.take_all()
    hub.leave(socket)
    for hours, student in enumerate(students):
        await shop.calendars.ask(teacher.id, teacher.hold(student, START + 3 * hours * HOUR))
    seen = screen.version
    ear, _, _ = await watched(hub, shape_of(teacher), seen)
    version, slots = await fresh(shop, shape_of(teacher))
    first = await ear.next()
    assert (first["type"], first["previous_version"]) == ("delta", seen)
    screen.take(first)
    screen.ear = ear
    await screen.at_least(version)
    assert screen.slots == slots
    assert len(screen.reasons) == 21


async def test_nothing_missed_is_one_empty_delta(shop: Market, hub: Hub) -> None:
    teacher = await shop.teacher()
    _, socket, screen = await watched(hub, shape_of(teacher))
    version = screen.take_all().version
    hub.leave(socket)
    ear, _, _ = await watched(hub, shape_of(teacher), version)
    delta = await ear.next()
    assert (delta["added"], delta["removed"]) == ([], [])
    assert delta["previous_version"] == delta["version"] == version
    assert not ear.messages


async def test_a_new_hub_tells_what_was_missed_from_the_audit_rows(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, students = await shop.teacher(), await shop.students(4)
    held = await shop.calendars.ask(teacher.id, teacher.pending(students[0]))
    async with open_hub(db=shop.db, bus=shop.bus, clock=shop.clock, rolling=ROLLING) as before:
        _, _, screen = await watched(before, shape_of(teacher))
        screen.take_all()
    clock_writer.freeze(NOW + timedelta(minutes=6))
    await shop.calendars.ask(teacher.id, Expire(booking_id=held.booking.id))
    kept = await shop.calendars.ask(teacher.id, teacher.hold(students[1], START + 4 * HOUR))
    gone = await shop.calendars.ask(teacher.id, teacher.hold(students[2], START + 8 * HOUR))
    await shop.calendars.ask(teacher.id, cancel_by(students[2], gone.booking.id))
    async with open_hub(db=shop.db, bus=shop.bus, clock=shop.clock, rolling=ROLLING) as after:
        ear, _, _ = await watched(after, shape_of(teacher), screen.version)
        delta = await ear.next()
        assert (delta["type"], delta["previous_version"]) == ("delta", screen.version)
        screen.take(delta)
    assert as_text(Span(START, START + HOUR)) in screen.slots
    assert as_text(Span(START + 4 * HOUR, START + 5 * HOUR)) not in screen.slots
    assert (screen.version, screen.slots) == await fresh(shop, shape_of(teacher))
    assert kept.version < (screen.version or 0)


async def test_rules_changed_meanwhile_are_told_by_a_snapshot(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    await shop.calendars.ask(teacher.id, ChangeAvailability(availability=OPEN_DAYS))
    await shop.calendars.ask(teacher.id, teacher.hold(student))
    async with open_hub(db=shop.db, bus=shop.bus, clock=shop.clock, rolling=ROLLING) as hub:
        for version in (1, 10**9):
            ear, _, _ = await watched(hub, shape_of(teacher), version)
            assert (await ear.next())["type"] == "snapshot"


async def test_a_slow_socket_is_left_out_and_then_resynced(shop: Market, hub: Hub) -> None:
    teacher, students = await shop.teacher(), await shop.students(3)
    slow, _, slow_screen = await watched(hub, shape_of(teacher))
    quick, _, quick_screen = await watched(hub, shape_of(teacher))
    slow_screen.take_all()
    slow.is_full = True
    for hours, student in enumerate(students):
        done = await shop.calendars.ask(teacher.id, teacher.hold(student, START + hours * HOUR))
        await quick_screen.at_least(done.version)
    assert not slow.messages
    slow.drain()
    resync, snapshot = await slow.next(), await slow.next()
    assert (resync["type"], snapshot["type"]) == ("resync", "snapshot")
    slow_screen.take(snapshot)
    assert slow_screen.slots == quick_screen.slots
    last = await shop.calendars.ask(teacher.id, teacher.hold(students[0], START + 9 * HOUR))
    await slow_screen.at_least(last.version)
    await quick_screen.at_least(last.version)
    assert slow_screen.slots == quick_screen.slots
    assert not quick.messages


async def test_a_snapshot_that_found_no_room_comes_later_without_a_resync(
    shop: Market, hub: Hub
) -> None:
    teacher = await shop.teacher()
    ear = Ear()
    ear.is_full = True
    await hub.watch(hub.enter(ear), shape_of(teacher))
    assert not ear.messages
    ear.drain()
    assert (await ear.next())["type"] == "snapshot"


async def test_a_lost_hint_is_found_and_a_reload_is_heard(shop: Market, hub: Hub) -> None:
    teacher = await shop.teacher()
    _, _, screen = await watched(hub, shape_of(teacher))
    assert screen.take_all().slots
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE instructors SET is_published = false WHERE id = $1", teacher.id)
        version = await bump_version(tx, instructor_id=teacher.id)
    assert version is not None
    await screen.at_least(version)
    assert screen.slots == set()
    assert set(screen.reasons.values()) == {"closed"}
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE instructors SET is_published = true WHERE id = $1", teacher.id)
        version = await bump_version(tx, instructor_id=teacher.id)
    assert version is not None
    told = CalendarChanged(
        instructor_id=teacher.id,
        previous_version=version,
        version=version,
        at=NOW,
        changes=[Reloaded()],
    )
    await shop.bus.publish(subject_of(teacher.id), encode_changed(told))
    await screen.at_least(version)
    assert screen.slots == (await fresh(shop, shape_of(teacher)))[1]


async def test_who_subscribes_after_a_commit_finds_it_before_any_hint(
    shop: Market, hub: Hub
) -> None:
    teacher = await shop.teacher()
    shape = shape_of(teacher)
    _, _, screen = await watched(hub, shape)
    version = screen.take_all().version
    for _ in range(5):
        before = version
        async with shop.db.transaction() as tx:
            version = await bump_version(tx, instructor_id=teacher.id)
        ears = [Ear(), Ear()]
        await hub.watch(hub.enter(ears[0]), shape)
        await hub.watch(hub.enter(ears[1]), shape, after_version=before)
        assert [ear.messages[0]["version"] for ear in ears] == [version, version]


async def test_who_is_unknown_cannot_be_watched(hub: Hub) -> None:
    with pytest.raises(NotFound):
        await hub.watch(hub.enter(Ear()), Shape(instructor_id=uuid4(), duration_minutes=60))


async def test_a_socket_follows_fifty_calendars_and_no_more(shop: Market, hub: Hub) -> None:
    teacher = await shop.teacher()
    socket = hub.enter(Ear())
    for days in range(SUBSCRIPTIONS_MAX):
        await hub.watch(socket, shape_of(teacher, from_at=NOW + days * HOUR))
    with pytest.raises(SubscriptionLimit):
        await hub.watch(socket, shape_of(teacher))
    await hub.watch(socket, shape_of(teacher, from_at=NOW))  # the same again is no new one
    hub.unwatch(socket, shape_of(teacher, from_at=NOW))
    await hub.watch(socket, shape_of(teacher))


async def test_what_concerns_a_user_reaches_that_user_alone(shop: Market, hub: Hub) -> None:
    ada, ben = uuid4(), uuid4()
    ears = {user: Ear() for user in (ada, ben)}
    sockets = {user: hub.enter(ear, user_id=user) for user, ear in ears.items()}
    for user, socket in sockets.items():
        await hub.follow_me(socket, user)
    body = b'{"id":"1","event":"booking.confirmed","payload":{}}'
    await shop.bus.publish(f"events.user.{ada}", body)
    event = await ears[ada].next()
    assert event["type"] == "event"
    assert event["event"] == "booking.confirmed"
    assert not ears[ben].messages
    ears[ada].is_full = True
    await shop.bus.publish(f"events.user.{ada}", body)
    await shop.bus.publish(f"events.user.{ben}", body)
    await ears[ben].next()
    ears[ada].drain()
    assert await ears[ada].next() == {"type": "resync", "topic": "me"}
    hub.unfollow_me(sockets[ada])
    await shop.bus.publish(f"events.user.{ada}", body)
    await shop.bus.publish(f"events.user.{ben}", body)
    await ears[ben].next()
    assert not ears[ada].messages


async def test_a_session_that_ends_takes_its_sockets_along(hub: Hub) -> None:
    session, other = uuid4(), Ear()
    mine = Ear()
    hub.enter(mine, user_id=UUID(int=1), session_id=session)
    hub.enter(other, user_id=UUID(int=1), session_id=uuid4())
    hub.end_session(session)
    assert (mine.ended, other.ended) == (4401, None)
