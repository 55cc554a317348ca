"""Nothing is done for a lesson that is over: each way to end it, at each moment of its money."""

from datetime import timedelta

import pytest

from sandbox.client import JSON, Market
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

ALIVE = {"authorize", "warn_payment", "cancel_unpaid", "start", "complete", "capture"}
"""What happens to lessons that will be or were taught."""
HOURS = {"before its card is asked": 30, "while its card fails": 21, "after its warning": 9}


async def mails(lesson: Lesson) -> list[str]:
    """Everything both people ever got."""
    both = [*await lesson.mails(""), *await lesson.mails("", to=lesson.offer.instructor)]
    return sorted(each["subject"] for each in both)


async def end(lesson: Lesson, path: str) -> None:
    """Ends the lesson by a way that is named."""
    if path == "instructor":
        await lesson.cancel(by=lesson.offer.instructor)
    elif path == "student":
        await lesson.cancel()
    else:
        await lesson.before(hours=6)
    await lesson.read()
    assert lesson.booking["status"] == "cancelled"


async def is_left_alone(lesson: Lesson, before: list[str]) -> None:
    """Nothing fires and nobody is written to, until long after the lesson would have been."""
    fired = await lesson.after_end(days=8)
    assert {each["kind"] for each in fired} & ALIVE == set()
    assert await mails(lesson) == before


@pytest.mark.parametrize("when", list(HOURS))
@pytest.mark.parametrize("path", ["student", "instructor", "unpaid"])
async def test_a_cancelled_lesson_is_left_alone(market: Market, path: str, when: str) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book(await lesson.script(*["insufficient_funds"] * 9))
    await lesson.before(hours=HOURS[when])
    await end(lesson, path)
    before = await mails(lesson)
    confirms = await lesson.writes("/confirm")
    await is_left_alone(lesson, before)
    assert await lesson.writes("/confirm") == confirms
    assert sum("cancelled: " in each.lower() for each in before) == 2


@pytest.mark.parametrize(
    ("hours", "by"), [(30, "student"), (20, "student"), (11, "student"), (5, "instructor")]
)
async def test_a_paid_lesson_that_is_cancelled_is_left_alone(
    market: Market, hours: int, by: str
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=hours)
    await end(lesson, by)
    await is_left_alone(lesson, await mails(lesson))


async def test_a_hold_that_ended_is_left_alone(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book(card=None)
    await lesson.travel(await market.now() + timedelta(minutes=16))
    assert (await lesson.read())["status"] == "expired"
    await is_left_alone(lesson, await mails(lesson))


async def test_a_lesson_that_moved_is_asked_for_at_its_new_time_alone(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    old = lesson.start_at
    goal = old + timedelta(days=3)
    path = f"/api/bookings/{lesson.booking['id']}/reschedule"
    await lesson.student.post(path, {"start_at": goal.isoformat()})
    assert kinds(await lesson.travel(old + timedelta(hours=2))) == []
    lesson.start_at, lesson.end_at = goal, goal + timedelta(hours=1)
    fired = await lesson.after_end(hours=24)
    assert kinds(fired) == ["authorize", "start", "complete", "capture"]


@pytest.mark.parametrize("hours", [23, 11, 5])
async def test_what_would_have_been_due_before_the_booking_is_dropped(
    market: Market, hours: int
) -> None:
    lesson = await Lesson.arrange(market, lead=timedelta(hours=hours))
    await lesson.book()
    assert lesson.booking["payment_status"] == "authorized"
    await lesson.travel(await market.now())
    before = await mails(lesson)
    assert kinds(await lesson.travel(lesson.start_at - timedelta(seconds=1))) == []
    assert await mails(lesson) == before
    assert kinds(await lesson.after_end(hours=24)) == ["start", "complete", "capture"]


def kinds(fired: list[JSON]) -> list[str]:
    return [each["kind"] for each in fired]
