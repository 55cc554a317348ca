"""One instructor's calendar: what it lets in, what it refuses, and what it leaves behind."""

import asyncio
from datetime import timedelta

import pytest

from actors.calendar_commands import (
    Cancel,
    CancelUnpaid,
    Complete,
    Confirm,
    ExtendHold,
    Start,
)
from domain.bookings import Actor
from domain.errors import (
    BookingState,
    InstructorNotBookable,
    NotFound,
    OwnLesson,
    SlotNotOffered,
    SlotTaken,
    StudentBusy,
)
from domain.ids import BookingId, new_id
from sandbox.clock import ClockWriter
from storage.bookings import booking_by_id
from tests.actors.calendar_world import NOW, START, Market, cancel_by

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_of_two_hundred_students_one_gets_the_slot(shop: Market) -> None:
    teacher = await shop.teacher()
    students = await shop.students(200)
    answers = await asyncio.gather(
        *(shop.calendars.ask(teacher.id, teacher.hold(student)) for student in students),
        return_exceptions=True,
    )
    winners = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(winners) == 1
    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 199
    rows = await shop.rows("SELECT id, status FROM bookings WHERE instructor_id = $1", teacher.id)
    assert rows == [(winners[0].booking.id, "confirmed")]


async def test_a_saved_card_confirms_at_once_with_everything_that_follows(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    decided = await shop.calendars.ask(teacher.id, teacher.hold(student))
    booking = decided.booking
    assert (booking.status, booking.payment_status) == ("confirmed", "scheduled")
    assert (booking.price_cents, booking.platform_fee_cents) == (10_000, 1_500)
    assert decided.version == 2
    assert booking == await booking_by_id(shop.db.reads, booking_id=booking.id, viewer_id=student)
    assert await shop.rows(
        "SELECT kind, due_at FROM timings WHERE booking_id = $1", booking.id
    ) == [("authorize", START - timedelta(hours=24))]
    assert await shop.rows(
        "SELECT event, became, cause, calendar_version FROM booking_events WHERE booking_id = $1",
        booking.id,
    ) == [("booking.confirmed", "confirmed", "hold", 2)]
    assert await shop.rows("SELECT topic FROM outbox WHERE subject_id = $1", booking.id) == [
        ("booking.confirmed",)
    ]
    assert await shop.rows(
        "SELECT start_local, time_zone, version FROM bookings WHERE id = $1", booking.id
    ) == [("2027-03-10T18:00", "UTC", 1)]


async def test_a_lesson_runs_from_hold_to_completion_and_keeps_its_timings(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    held = (await ask(teacher.id, teacher.pending(student))).booking
    assert (held.status, held.hold_expires_at) == ("pending", NOW + 5 * MINUTE)
    extended = (await ask(teacher.id, ExtendHold(booking_id=held.id))).booking
    assert extended.hold_expires_at == NOW + 15 * MINUTE
    again = await ask(teacher.id, ExtendHold(booking_id=held.id))
    assert again.is_repeat
    assert again.booking.hold_expires_at == NOW + 15 * MINUTE
    await shop.pay(held.id, "authorized")
    confirmed = (await ask(teacher.id, Confirm(booking_id=held.id))).booking
    assert (confirmed.status, confirmed.hold_expires_at) == ("confirmed", None)
    with pytest.raises(BookingState):
        await ask(teacher.id, Start(booking_id=held.id))
    clock_writer.freeze(START)
    assert (await ask(teacher.id, Start(booking_id=held.id))).booking.status == "confirmed"
    with pytest.raises(BookingState):
        await ask(teacher.id, Complete(booking_id=held.id))
    clock_writer.freeze(START + HOUR)
    done = await ask(teacher.id, Complete(booking_id=held.id))
    assert done.booking.status == "completed"
    assert (await ask(teacher.id, Complete(booking_id=held.id))).is_repeat
    assert done.version == 6
    assert await shop.rows(
        "SELECT kind, state, due_at FROM timings WHERE booking_id = $1 ORDER BY created_at, kind",
        held.id,
    ) == [
        ("expire_hold", "cancelled", NOW + 15 * MINUTE),
        ("start", "completed", START),
        ("complete", "completed", START + HOUR),
        ("capture", "scheduled", START + 25 * HOUR),
    ]
    assert await shop.rows(
        "SELECT event, calendar_version FROM booking_events WHERE booking_id = $1"
        " ORDER BY position",
        held.id,
    ) == [
        ("booking.held", 2),
        ("booking.hold_extended", 3),
        ("booking.confirmed", 4),
        ("booking.started", 5),
        ("booking.completed", 6),
    ]


async def test_a_booking_is_not_confirmed_before_its_payment_allows_it(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    held = (await shop.calendars.ask(teacher.id, teacher.pending(student))).booking
    with pytest.raises(BookingState):
        await shop.calendars.ask(teacher.id, Confirm(booking_id=held.id))
    assert await shop.value("SELECT status FROM bookings WHERE id = $1", held.id) == "pending"


async def test_a_saved_card_does_not_confirm_a_lesson_that_is_near(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    near = NOW + timedelta(hours=23)
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(student, near))).booking
    assert (booking.status, booking.payment_status) == ("pending", "authorizing")
    far = NOW + timedelta(hours=24)
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(student, far))).booking
    assert (booking.status, booking.payment_status) == ("confirmed", "scheduled")


@pytest.mark.parametrize(
    ("lead", "status", "outcome"),
    [
        (timedelta(hours=24), "authorized", "free"),
        (timedelta(hours=24) - timedelta(seconds=1), "authorized", "credit"),
        (timedelta(hours=12), "authorized", "credit"),
        (timedelta(hours=12), "auth_retry", "free"),
        (timedelta(hours=12) - timedelta(seconds=1), "authorized", "charged"),
        (timedelta(hours=10), "card_required", "charged"),
    ],
)
async def test_the_tier_of_a_cancellation_is_judged_with_the_payment(
    shop: Market, clock_writer: ClockWriter, lead: timedelta, status: str, outcome: str
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(student))).booking
    await shop.pay(booking.id, status)
    clock_writer.freeze(START - lead)
    command = cancel_by(student, booking.id)
    cancelled = (await shop.calendars.ask(teacher.id, command)).booking
    assert (cancelled.status, cancelled.outcome) == ("cancelled", outcome)
    assert (cancelled.cancelled_by, cancelled.cancelled_at) == (student, START - lead)
    assert await shop.rows(
        "SELECT kind, state FROM timings WHERE booking_id = $1 AND state = 'scheduled'", booking.id
    ) == [("settle", "scheduled")]
    assert (await shop.calendars.ask(teacher.id, command)).is_repeat
    with pytest.raises(BookingState):
        await shop.calendars.ask(teacher.id, cancel_by(student, booking.id))


async def test_a_cancelled_slot_is_free_at_once(shop: Market) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(first))).booking
    freed, taken = await asyncio.gather(
        shop.calendars.ask(teacher.id, cancel_by(first, booking.id)),
        shop.calendars.ask(teacher.id, teacher.hold(second)),
    )
    assert freed.booking.outcome == "free"
    assert taken.booking.status == "confirmed"
    assert freed.version == taken.version, "one batch, one version"


async def test_the_instructor_cancels_and_even_after_the_lesson_while_money_is_reserved(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    booking = (await ask(teacher.id, teacher.hold(student))).booking
    await shop.pay(booking.id, "authorized")
    clock_writer.freeze(START + HOUR)
    await ask(teacher.id, Complete(booking_id=booking.id))
    actor = Actor(kind="instructor", id=teacher.id)
    command = Cancel(actor=actor, booking_id=booking.id, by="instructor", reason="I was ill")
    cancelled = (await ask(teacher.id, command)).booking
    assert (cancelled.status, cancelled.outcome) == ("cancelled", "by_instructor")


async def test_what_is_foreign_looks_missing(shop: Market) -> None:
    teacher, other = await shop.teacher(), await shop.teacher()
    student, stranger = await shop.students(2)
    ask = shop.calendars.ask
    booking = (await ask(teacher.id, teacher.hold(student))).booking
    tries = [
        ask(teacher.id, cancel_by(stranger, booking.id)),
        ask(other.id, cancel_by(student, booking.id)),
        ask(teacher.id, cancel_by(student, BookingId(new_id(NOW)))),
        ask(new_id(NOW), cancel_by(student, booking.id)),
        ask(
            teacher.id,
            Cancel(
                actor=Actor(kind="instructor", id=other.id), booking_id=booking.id, by="instructor"
            ),
        ),
        ask(teacher.id, teacher.hold(stranger, booking_id=booking.id)),
        ask(teacher.id, teacher.hold(stranger, START + HOUR, learner_id=student)),
        ask(teacher.id, teacher.hold(stranger, START + HOUR, service_id=other.service_id)),
    ]
    for refused in await asyncio.gather(*tries, return_exceptions=True):
        assert isinstance(refused, NotFound)
    assert await shop.value("SELECT status FROM bookings WHERE id = $1", booking.id) == "confirmed"


async def test_what_cannot_be_sold_is_refused(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    with pytest.raises(OwnLesson):
        await ask(teacher.id, teacher.hold(teacher.id))
    for start in (NOW - HOUR, START + timedelta(minutes=7), START + timedelta(days=90)):
        with pytest.raises(SlotNotOffered):
            await ask(teacher.id, teacher.hold(student, start))
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE instructors SET has_payouts = false WHERE id = $1", teacher.id)
        await tx.execute(
            "UPDATE calendars SET version = version + 1 WHERE instructor_id = $1", teacher.id
        )
    with pytest.raises(InstructorNotBookable):
        # the memory still says bookable: the version tells it is stale
        await ask(teacher.id, teacher.hold(student))


async def test_an_unpaid_booking_is_cancelled_only_when_it_is_time(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    booking = (await ask(teacher.id, teacher.hold(student))).booking
    await shop.pay(booking.id, "authorized")
    with pytest.raises(BookingState):
        await ask(teacher.id, CancelUnpaid(booking_id=booking.id))
    clock_writer.freeze(START - 6 * HOUR)
    with pytest.raises(BookingState):
        await ask(teacher.id, CancelUnpaid(booking_id=booking.id))
    await shop.pay(booking.id, "card_required")
    cancelled = await ask(teacher.id, CancelUnpaid(booking_id=booking.id))
    assert cancelled.booking.outcome == "payment_failed"
    assert (await ask(teacher.id, CancelUnpaid(booking_id=booking.id))).is_repeat


async def test_the_learner_is_busy_at_another_instructor(shop: Market) -> None:
    first, second = await shop.teacher(), await shop.teacher()
    student = await shop.student()
    await shop.calendars.ask(first.id, first.hold(student))
    with pytest.raises(StudentBusy):
        await shop.calendars.ask(second.id, second.hold(student, START + 30 * MINUTE))
    await shop.calendars.ask(second.id, second.hold(student, START + HOUR))
