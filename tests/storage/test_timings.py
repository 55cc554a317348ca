"""Timings and outbox on Postgres: claimed once, moved only forward, relayed by one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest_asyncio

from domain.ids import new_id
from domain.settings import POLICY
from storage.database import Database
from storage.outbox import (
    become_relay,
    count_event_failure,
    mark_events_published,
    stage_event,
    waiting_events,
)
from storage.query import Tx
from storage.timings import (
    beat_timing,
    claim_due_timings,
    complete_timing,
    discard_timing,
    fail_timing,
    next_due_at,
    rescue_timings,
    retry_timing,
    snooze_timing,
    stage_timing,
    sync_timings,
    timing_by_id,
)
from tests.actors.calendar_world import NOW, START, make_student, make_teacher
from tests.storage.test_bookings import insert

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def db(fresh_database_url: str) -> AsyncIterator[Database]:
    """Return an empty database of this test's own."""
    made = await Database.connect(fresh_database_url)
    yield made
    await made.close()


async def live(tx: Tx, booking_id: UUID) -> list[tuple[object, ...]]:
    """The live timings of a booking."""
    rows = await tx.fetch(
        "SELECT kind, state, due_at, attempt FROM timings WHERE booking_id = $1"
        " AND state IN ('scheduled', 'running') ORDER BY kind",
        booking_id,
    )
    return [tuple(row) for row in rows]


async def test_timings_follow_their_booking_and_repeating_changes_nothing(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    booking_id = await insert(tx, teacher, student)
    for _ in range(2):
        await sync_timings(tx, booking_id=booking_id, now=NOW, policy=POLICY)
        assert await live(tx, booking_id) == [("authorize", "scheduled", START - 24 * HOUR, 0)]
    await tx.execute(
        "UPDATE payments SET status = 'auth_retry', attempt = 1 WHERE booking_id = $1", booking_id
    )
    now = START - 24 * HOUR
    (claimed,) = await claim_due_timings(tx, now=now, wall_now=now, limit=100)
    assert claimed.booking_id == booking_id
    await sync_timings(tx, booking_id=booking_id, now=now, policy=POLICY)
    assert await live(tx, booking_id) == [
        # the ladder is one timing that moves on
        ("authorize", "scheduled", START - 22 * HOUR, 1),
        ("cancel_unpaid", "scheduled", START - 6 * HOUR, 0),
        ("warn_payment", "scheduled", START - 12 * HOUR, 0),
    ]
    await tx.execute("UPDATE payments SET status = 'authorized' WHERE booking_id = $1", booking_id)
    await sync_timings(tx, booking_id=booking_id, now=now, policy=POLICY)
    assert await live(tx, booking_id) == [("start", "scheduled", START, 0)]


async def test_what_is_due_and_was_snoozed_stays_snoozed(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    booking_id = await insert(tx, teacher, student, status="completed")
    await tx.execute("UPDATE payments SET status = 'authorized' WHERE booking_id = $1", booking_id)
    await sync_timings(tx, booking_id=booking_id, now=START, policy=POLICY)
    now = START + 25 * HOUR
    (claimed,) = await claim_due_timings(tx, now=now, wall_now=now, limit=100)
    assert await snooze_timing(tx, timing_id=claimed.id, due_at=now + HOUR)
    await sync_timings(tx, booking_id=booking_id, now=now, policy=POLICY)
    assert await live(tx, booking_id) == [("capture", "scheduled", now + HOUR, 0)]


async def test_a_payable_hold_is_promised_its_confirmation(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    booking_id = await insert(tx, teacher, student, status="pending")
    await sync_timings(tx, booking_id=booking_id, now=NOW, policy=POLICY)
    assert [row[0] for row in await live(tx, booking_id)] == ["confirm", "expire_hold"]
    await stage_timing(
        tx, timing_id=new_id(NOW), kind="confirm", booking_id=booking_id, due_at=NOW, now=NOW
    )
    assert len(await live(tx, booking_id)) == 2


async def test_two_clocks_claim_each_timing_once_and_in_order(db: Database) -> None:
    async with db.transaction() as tx:
        for number in range(10):
            await stage(tx, START + number % 5 * MINUTE)
    async with db.transaction() as one, db.transaction() as other:
        first = await claim_due_timings(one, now=START + HOUR, wall_now=NOW, limit=6)
        second = await claim_due_timings(other, now=START + HOUR, wall_now=NOW, limit=6)
    assert (len(first), len(second)) == (6, 4)
    assert not {timing.id for timing in first} & {timing.id for timing in second}
    dues = [timing.due_at for timing in first]
    assert dues == sorted(dues)
    assert await next_due_at(db.reads) is None


async def stage(tx: Tx, due_at: object) -> UUID:
    """A timing of nothing in particular."""
    timing_id = new_id(NOW)
    await tx.execute(
        "INSERT INTO timings (id, kind, subject_id, due_at, created_at)"
        " VALUES ($1, 'expire_credit', $1, $2, $3)",
        timing_id,
        due_at,
        NOW,
    )
    return timing_id


async def test_a_timing_is_completed_failed_discarded_or_rescued(db: Database) -> None:
    async with db.transaction() as tx:
        kept, failing, silent = [await stage(tx, START) for _ in range(3)]
        await claim_due_timings(tx, now=START, wall_now=NOW, limit=9)
        assert await complete_timing(tx, timing_id=kept, now=START)
        assert await complete_timing(tx, timing_id=kept, now=START) is None
        due_at = START + MINUTE
        assert await fail_timing(tx, timing_id=failing, due_at=due_at, error="no") == 1
        assert await next_due_at(tx) == due_at
        assert await discard_timing(tx, timing_id=failing, now=START, error="no more")
        assert await beat_timing(tx, timing_id=silent, wall_now=NOW + MINUTE)
        assert await rescue_timings(tx, beat_before=NOW + MINUTE, limit=9) == []
        (rescued,) = await rescue_timings(tx, beat_before=NOW + 2 * MINUTE, limit=9)
        assert (rescued.id, rescued.state) == (silent, "scheduled")
        states = [await timing_by_id(tx, timing_id=each) for each in (kept, failing, silent)]
    assert [each.state for each in states if each] == ["completed", "discarded", "scheduled"]


async def test_the_outbox_is_relayed_in_order_and_by_one_at_a_time(db: Database) -> None:
    ids = [new_id(NOW) for _ in range(3)]
    async with db.transaction() as tx:
        for event_id in ids:
            await stage_event(
                tx,
                event_id=event_id,
                topic="booking.held",
                subject_id=ids[0],
                user_ids=[ids[1]],
                payload={"n": 1, "word": "x", "nothing": None},
                now=NOW,
            )
    async with db.transaction() as one, db.transaction() as other:
        assert await become_relay(one)
        assert not await become_relay(other)
        events = await waiting_events(one, kicked_before=NOW, limit=2)
        assert [event.id for event in events] == ids[:2]
        assert events[0].payload == {"n": 1, "word": "x", "nothing": None}
        await mark_events_published(one, event_ids=ids[:2], now=NOW)
    async with db.transaction() as tx:
        assert await become_relay(tx)
        assert [event.id for event in await waiting_events(tx, kicked_before=NOW, limit=9)] == ids[
            2:
        ]
        assert await count_event_failure(tx, event_id=ids[2]) == 1


async def test_only_what_was_given_up_or_has_failed_is_tried_at_once(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    booking_id = await insert(tx, teacher, student)
    due_at = NOW + HOUR

    async def promised() -> UUID:
        timing_id = new_id(NOW)
        await stage_timing(
            tx,
            timing_id=timing_id,
            kind="warn_payment",
            booking_id=booking_id,
            due_at=due_at,
            now=NOW,
        )
        return timing_id

    timing_id = await promised()
    assert await retry_timing(tx, timing_id=timing_id, now=NOW) is None
    await discard_timing(tx, timing_id=timing_id, now=NOW, error="boom")
    twin = await promised()
    assert await retry_timing(tx, timing_id=timing_id, now=NOW) is None
    await discard_timing(tx, timing_id=twin, now=NOW, error="boom")

    assert await retry_timing(tx, timing_id=timing_id, now=NOW) == "scheduled"
    timing = await timing_by_id(tx, timing_id=timing_id)
    assert timing is not None
    assert (timing.due_at, timing.failures) == (NOW, 0)
