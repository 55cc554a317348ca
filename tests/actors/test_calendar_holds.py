"""Holds: how long they last, who may have how many, and what becomes of late money."""

import asyncio
from datetime import timedelta

import pytest

from actors.calendar_commands import Confirm, Expire, ExtendHold
from domain.errors import BookingState, HoldExpired, HoldLimit, SlotTaken, StudentBusy
from sandbox.clock import ClockWriter
from tests.actors.calendar_world import NOW, START, Market, cancel_by, until

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_a_hold_blocks_until_the_instant_it_ends(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    held = (await shop.calendars.ask(teacher.id, teacher.pending(first))).booking
    clock_writer.freeze(NOW + 5 * MINUTE - timedelta(microseconds=1))
    with pytest.raises(SlotTaken):
        await shop.calendars.ask(teacher.id, teacher.pending(second))
    clock_writer.freeze(NOW + 5 * MINUTE)
    taken = await shop.calendars.ask(teacher.id, teacher.pending(second))
    assert taken.booking.status == "pending"
    assert await shop.rows("SELECT status, ended_at FROM bookings WHERE id = $1", held.id) == [
        ("expired", NOW + 5 * MINUTE)
    ]
    assert await shop.rows(
        "SELECT kind, state FROM timings WHERE booking_id = $1 ORDER BY kind", held.id
    ) == [("expire_hold", "completed"), ("settle", "scheduled")]


async def test_expire_ends_a_hold_once_and_not_too_early(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    held = (await shop.calendars.ask(teacher.id, teacher.pending(student))).booking
    with pytest.raises(BookingState):
        await shop.calendars.ask(teacher.id, Expire(booking_id=held.id))
    clock_writer.freeze(NOW + 5 * MINUTE)
    expired = await shop.calendars.ask(teacher.id, Expire(booking_id=held.id))
    assert (expired.booking.status, expired.is_repeat) == ("expired", False)
    assert (await shop.calendars.ask(teacher.id, Expire(booking_id=held.id))).is_repeat
    with pytest.raises(HoldExpired):
        await shop.calendars.ask(teacher.id, ExtendHold(booking_id=held.id))
    with pytest.raises(BookingState):
        await shop.calendars.ask(teacher.id, cancel_by(student, held.id))


async def test_the_same_wish_again_is_the_same_booking(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    wishes = [teacher.pending(student) for _ in range(10)]
    answers = await asyncio.gather(*(shop.calendars.ask(teacher.id, wish) for wish in wishes))
    assert len({answer.booking.id for answer in answers}) == 1
    assert [answer.is_repeat for answer in answers].count(False) == 1
    assert (await shop.calendars.ask(teacher.id, teacher.pending(student))).is_repeat


async def test_a_repeated_command_is_answered_with_its_booking(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    command = teacher.pending(student)
    first = await shop.calendars.ask(teacher.id, command)
    assert (await shop.calendars.ask(teacher.id, command)).is_repeat
    clock_writer.freeze(NOW + 6 * MINUTE)
    # even when the booking has ended meanwhile and another takes the slot in the same breath
    again, other = await asyncio.gather(
        shop.calendars.ask(teacher.id, command),
        shop.calendars.ask(teacher.id, teacher.pending(await shop.student(), START + HOUR)),
    )
    assert again.booking.id == first.booking.id
    assert again.is_repeat
    assert other.booking.status == "pending"


async def test_a_student_holds_one_slot_an_instructor_and_two_in_all(
    shop: Market, clock_writer: ClockWriter
) -> None:
    one, two, three = [await shop.teacher() for _ in range(3)]
    student = await shop.student()
    ask = shop.calendars.ask
    await ask(one.id, one.pending(student))
    with pytest.raises(HoldLimit):
        await ask(one.id, one.pending(student, START + HOUR))
    await ask(two.id, two.pending(student, START + HOUR))
    with pytest.raises(HoldLimit) as refused:
        await ask(three.id, three.pending(student, START + 2 * HOUR))
    assert refused.value.retry_after
    confirmed = await ask(three.id, three.hold(student, START + 3 * HOUR))
    assert confirmed.booking.status == "confirmed", "a booking with a card holds nothing"
    clock_writer.freeze(NOW + 5 * MINUTE)
    await ask(three.id, three.pending(student, START + 2 * HOUR))


async def test_of_many_holds_at_once_a_student_gets_two(shop: Market) -> None:
    teachers = [await shop.teacher() for _ in range(6)]
    student = await shop.student()
    answers = await asyncio.gather(
        *(
            shop.calendars.ask(teacher.id, teacher.pending(student, START + hour * HOUR))
            for hour, teacher in enumerate(teachers)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, HoldLimit) for answer in answers) == 4


async def test_ten_holds_an_hour_are_enough(shop: Market, clock_writer: ClockWriter) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    for minute in range(0, 60, 6):
        clock_writer.freeze(NOW + minute * MINUTE)
        await shop.calendars.ask(teacher.id, teacher.pending(student))
    clock_writer.freeze(NOW + 59 * MINUTE + timedelta(seconds=59))
    with pytest.raises(HoldLimit):
        await shop.calendars.ask(teacher.id, teacher.pending(student))
    clock_writer.freeze(NOW + 60 * MINUTE)
    await shop.calendars.ask(teacher.id, teacher.pending(student))


async def test_a_learners_overdue_hold_elsewhere_does_not_keep_them_busy(
    shop: Market, clock_writer: ClockWriter
) -> None:
    first, second = await shop.teacher(), await shop.teacher()
    student = await shop.student()
    held = (await shop.calendars.ask(first.id, first.pending(student))).booking
    with pytest.raises(StudentBusy):
        await shop.calendars.ask(second.id, second.pending(student, START + 30 * MINUTE))
    clock_writer.freeze(NOW + 5 * MINUTE)
    taken = await shop.calendars.ask(second.id, second.pending(student, START + 30 * MINUTE))
    assert taken.booking.status == "pending"
    assert await shop.value("SELECT status FROM bookings WHERE id = $1", held.id) == "expired"


async def test_late_money_takes_the_slot_again_if_it_is_free(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    held = (await shop.calendars.ask(teacher.id, teacher.pending(student))).booking
    clock_writer.freeze(NOW + 6 * MINUTE)
    await shop.pay(held.id, "authorized")
    confirmed = await shop.calendars.ask(teacher.id, Confirm(booking_id=held.id))
    assert confirmed.booking.status == "confirmed"
    assert await shop.rows(
        "SELECT became FROM booking_events WHERE booking_id = $1 ORDER BY position", held.id
    ) == [("pending",), ("expired",), ("confirmed",)]
    assert await shop.rows(
        "SELECT kind FROM timings WHERE booking_id = $1 AND state = 'scheduled'", held.id
    ) == [("start",)]
    with pytest.raises(SlotTaken):
        await shop.calendars.ask(teacher.id, teacher.hold(await shop.student()))


@pytest.mark.parametrize("who", ["another student", "the learner elsewhere", "time"])
async def test_late_money_finds_the_slot_lost(
    shop: Market, clock_writer: ClockWriter, who: str
) -> None:
    teacher, other = await shop.teacher(), await shop.teacher()
    student, rival = await shop.students(2)
    held = (await shop.calendars.ask(teacher.id, teacher.pending(student))).booking
    clock_writer.freeze(NOW + 6 * MINUTE)
    if who == "another student":
        await shop.calendars.ask(teacher.id, teacher.hold(rival))
    elif who == "the learner elsewhere":
        await shop.calendars.ask(other.id, other.hold(student))
    else:
        clock_writer.freeze(START)
    await shop.pay(held.id, "authorized")
    lost = await shop.calendars.ask(teacher.id, Confirm(booking_id=held.id))
    assert (lost.booking.status, lost.booking.outcome) == ("expired", "slot_lost")
    assert (await shop.calendars.ask(teacher.id, Confirm(booking_id=held.id))).is_repeat
    assert await shop.value("SELECT status FROM bookings WHERE id = $1", held.id) == "expired"


async def test_of_two_late_payments_and_a_new_student_one_gets_the_slot(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    first, second, third = await shop.students(3)
    one = (await shop.calendars.ask(teacher.id, teacher.pending(first))).booking
    clock_writer.freeze(NOW + 6 * MINUTE)
    two = (await shop.calendars.ask(teacher.id, teacher.pending(second))).booking
    clock_writer.freeze(NOW + 12 * MINUTE)
    await asyncio.gather(shop.pay(one.id, "authorized"), shop.pay(two.id, "authorized"))
    answers = await asyncio.gather(
        shop.calendars.ask(teacher.id, Confirm(booking_id=one.id)),
        shop.calendars.ask(teacher.id, Confirm(booking_id=two.id)),
        shop.calendars.ask(teacher.id, teacher.hold(third)),
        return_exceptions=True,
    )
    assert not [each for each in answers if isinstance(each, BaseException)][1:]
    rows = await shop.rows(
        "SELECT count(*) FROM bookings WHERE instructor_id = $1 AND status = 'confirmed'",
        teacher.id,
    )
    assert rows == [(1,)]


async def test_the_clock_is_woken_for_what_nobody_else_goes_on_with(
    shop: Market, clock_writer: ClockWriter
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    woken: list[str] = []
    async with shop.db.listen("timings", woken.append):
        await until(lambda: len(woken) == 1)  # the listener itself, once it listens
        booking = (await ask(teacher.id, teacher.hold(student))).booking
        await ask(teacher.id, cancel_by(student, booking.id))
        await ask(teacher.id, teacher.pending(student, START + HOUR))
        clock_writer.freeze(NOW + 5 * MINUTE)
        # the end of that hold is found by a turn: its money is nobody's turn but the clock's
        await ask(teacher.id, teacher.hold(student, START + HOUR))
        await until(lambda: len(woken) == 2)
    assert len(woken) == 2
