"""Who decides about a report: the first word counts, however many speak at once."""

import asyncio

from domain.bookings import Booking
from domain.errors import BookingState
from domain.people import Viewer
from storage.no_shows import report_of_booking
from tests.actors.money_kit import Lesson, Market

TOLD = """
SELECT event, was, became FROM booking_events
WHERE booking_id = $1 AND event LIKE 'no_show.%' ORDER BY position
"""
ROUNDS = 6


def _admin(lesson: Lesson) -> Viewer:
    return lesson.student


async def _reported(market: Market) -> Lesson:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=1)
    await market.money.no_shows.report(lesson.id, "instructor", viewer=lesson.student)
    return lesson


async def _told(market: Market, lesson: Lesson) -> list[tuple[str, str, str]]:
    async with market.db.transaction() as tx:
        return [tuple(each) for each in await tx.fetch(TOLD, lesson.id)]


async def test_of_two_opposite_decisions_at_once_one_is_refused_and_the_other_holds(
    market: Market,
) -> None:
    for _ in range(ROUNDS):
        lesson = await _reported(market)
        shows = market.money.no_shows
        said = await asyncio.gather(
            shows.resolve(lesson.id, is_upheld=False, viewer=_admin(lesson)),
            shows.resolve(lesson.id, is_upheld=True, viewer=_admin(lesson)),
            return_exceptions=True,
        )
        assert {type(each) for each in said} == {Booking, BookingState}, said
        await market.settle()
        report = await report_of_booking(market.db.reads, booking_id=lesson.id)
        booking = await lesson.read()
        assert report is not None
        expected = {"rejected": "completed", "upheld": "no_show"}[report.state]
        assert booking.status == expected
        await lesson.after_end(hours=30)
        booking = await lesson.read()
        paid = {"rejected": "settled", "upheld": "released"}[report.state]
        assert (booking.status, booking.payment_status) == (expected, paid)


async def test_a_decision_beside_a_contest_says_what_it_decided(market: Market) -> None:
    for _ in range(ROUNDS):
        lesson = await _reported(market)
        shows = market.money.no_shows
        await asyncio.gather(
            shows.contest(lesson.id, viewer=lesson.instructor),
            shows.resolve(lesson.id, is_upheld=True, viewer=_admin(lesson)),
            return_exceptions=True,
        )
        told = await _told(market, lesson)
        assert [each[1] for each in told[1:]] == [each[2] for each in told[:-1]], told
