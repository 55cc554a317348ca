"""The statements of the calendar, straight on Postgres: the last word is the database's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from domain.ids import BookingId, UserId, new_id
from storage.bookings import (
    booking_by_id,
    booking_events_by_booking,
    bookings_of_instructor,
    bookings_of_student,
)
from storage.calendars import (
    availability_by_instructor,
    bump_version,
    calendar_by_instructor,
    insert_calendar,
)
from storage.database import Database
from storage.query import Tx
from tests.actors.calendar_world import NOW, OPEN, START, Teacher, make_student, make_teacher

HOUR = timedelta(hours=1)
INSERT = """
INSERT INTO bookings (
    id, instructor_id, student_id, learner_id, service_id, start_at, end_at, time_zone, start_local,
    tzdb_version, buffer_before_minutes, buffer_after_minutes, modality, status, hold_expires_at,
    created_at, price_cents, fee_bps, platform_fee_cents, instructor_amount_cents,
    card_amount_cents, destination_cents, application_fee_cents, policy_version, ended_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7::timestamptz, 'UTC', '', '', 0, 0, 'online', $8::text, $9, $10, 100,
    1500, 15, 85, 100, 85, 15, 1, CASE WHEN $8::text = 'completed' THEN $7::timestamptz END
)
"""


async def insert(
    tx: Tx,
    teacher: Teacher,
    learner: UUID,
    *,
    start: datetime = START,
    end: datetime | None = None,
    status: str = "confirmed",
    student: UserId | None = None,
) -> BookingId:
    """A booking past everything that guards it but the schema."""
    booking_id = BookingId(new_id(NOW))
    await tx.execute(
        INSERT,
        *(booking_id, teacher.id, student or learner, learner, teacher.service_id, start),
        *(end or start + HOUR, status, NOW + HOUR if status == "pending" else None, NOW),
    )
    await tx.execute(
        "INSERT INTO payments (booking_id, status, created_at, updated_at)"
        " VALUES ($1, 'scheduled', $2, $2)",
        booking_id,
        NOW,
    )
    return booking_id


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """Return a database that keeps what is written."""
    made = await Database.connect(database_url)
    yield made
    await made.close()


@pytest.mark.parametrize("first", ["pending", "confirmed"])
@pytest.mark.parametrize("second", ["pending", "confirmed"])
@pytest.mark.parametrize("minutes", [-59, -30, 0, 30, 59])
async def test_no_two_active_bookings_of_one_instructor_overlap(
    tx: Tx, first: str, second: str, minutes: int
) -> None:
    teacher = await make_teacher(tx)
    await insert(tx, teacher, await make_student(tx), status=first)
    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        await insert(
            tx,
            teacher,
            await make_student(tx),
            start=START + timedelta(minutes=minutes),
            status=second,
        )
    assert refused.value.constraint_name == "bookings_no_overlap"


@pytest.mark.parametrize("status", ["pending", "confirmed"])
async def test_no_learner_has_two_active_bookings_at_once(tx: Tx, status: str) -> None:
    student = await make_student(tx)
    await insert(tx, await make_teacher(tx), student, status=status)
    with pytest.raises(asyncpg.ExclusionViolationError) as refused:
        await insert(tx, await make_teacher(tx), student, start=START + HOUR / 2)
    assert refused.value.constraint_name == "bookings_learner_no_overlap"


async def test_an_update_cannot_break_the_constraints_either(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    await insert(tx, teacher, student)
    over = await insert(tx, teacher, await make_student(tx), status="completed")
    with pytest.raises(asyncpg.ExclusionViolationError):
        await tx.execute(
            "UPDATE bookings SET status = 'confirmed', ended_at = NULL WHERE id = $1", over
        )


async def test_neighbours_touch_and_what_is_over_blocks_nothing(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    for status in ("completed", "completed", "confirmed", "requested", "requested"):
        await insert(tx, teacher, student, status=status)
    await insert(tx, teacher, student, start=START + HOUR)
    await insert(tx, teacher, student, start=START - HOUR, status="pending")


async def test_only_its_two_people_see_a_booking(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    stranger = await make_student(tx)
    booking_id = await insert(tx, teacher, student)
    for viewer in (teacher.id, student):
        found = await booking_by_id(tx, booking_id=booking_id, viewer_id=viewer)
        assert found
        assert (found.id, found.payment_status) == (booking_id, "scheduled")
    assert await booking_by_id(tx, booking_id=booking_id, viewer_id=stranger) is None
    assert await booking_events_by_booking(tx, booking_id=booking_id, viewer_id=stranger) == []


async def test_lists_are_newest_first_and_go_on_below_the_cursor(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    other = await make_student(tx)
    made = [await insert(tx, teacher, student, start=START + hour * 2 * HOUR) for hour in range(5)]
    await insert(tx, teacher, other, start=START + HOUR)
    newest = sorted(made, reverse=True)
    first = await bookings_of_student(tx, student_id=student, before_id=None, limit=3)
    assert [booking.id for booking in first] == newest[:3]
    rest = await bookings_of_student(tx, student_id=student, before_id=first[-1].id, limit=3)
    assert [booking.id for booking in rest] == newest[3:]
    all_of_them = await bookings_of_instructor(
        tx, instructor_id=teacher.id, before_id=None, limit=100
    )
    assert len(all_of_them) == 6
    assert [each.id for each in all_of_them] == sorted(
        (each.id for each in all_of_them), reverse=True
    )


async def test_a_calendar_is_read_whole(tx: Tx) -> None:
    teacher, student = await make_teacher(tx), await make_student(tx)
    active = await insert(tx, teacher, student, status="pending")
    taught = await insert(tx, teacher, student, start=NOW - 24 * HOUR, status="completed")
    await insert(tx, teacher, student, start=NOW - 9 * 24 * HOUR, status="completed")
    await insert(tx, teacher, student, start=START + 2 * HOUR, status="requested")
    calendar = await calendar_by_instructor(tx, instructor_id=teacher.id, now=NOW)
    assert calendar is not None
    assert calendar.is_bookable
    assert calendar.rules == OPEN
    assert calendar.shortest_minutes == 30
    assert [service.id for service in calendar.services] == [teacher.service_id]
    assert [booking.booking_id for booking in calendar.bookings] == [taught, active]
    assert calendar.bookings[1].hold_expires_at == NOW + HOUR
    assert calendar.bookings[1].start_at == START
    availability = await availability_by_instructor(tx, instructor_id=teacher.id)
    assert availability is not None
    assert (availability.rules, availability.version) == (OPEN, 2)
    assert await bump_version(tx, instructor_id=teacher.id) == calendar.version + 1
    assert await calendar_by_instructor(tx, instructor_id=uuid4_user(), now=NOW) is None
    await insert_calendar(tx, instructor_id=teacher.id, time_zone="Europe/Berlin")
    again = await calendar_by_instructor(tx, instructor_id=teacher.id, now=NOW)
    assert again is not None
    assert again.rules.policy.time_zone == "UTC"


def uuid4_user() -> UserId:
    """Nobody's id."""
    return UserId(uuid4())


async def test_a_hundred_writers_past_the_actor_cannot_double_book(db: Database) -> None:
    async with db.transaction() as tx:
        teacher = await make_teacher(tx)
        students = [await make_student(tx) for _ in range(100)]

    async def book(student: UserId) -> bool:
        try:
            async with db.transaction() as tx:
                await insert(tx, teacher, student)
        except Exception:  # noqa: BLE001 - whatever it is, it did not book
            return False
        return True

    assert sum(await asyncio.gather(*(book(student) for student in students))) == 1
