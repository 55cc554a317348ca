"""Mails reach people once, wait for a server that is away, and never stop the rest."""

from uuid import UUID

import pytest

from domain.errors import Unavailable
from storage.outbox import waiting_events
from tests.actors.money_kit import Market

WAITING = "SELECT id FROM outbox WHERE topic = $1 AND published_at IS NULL"


async def event(market: Market, topic: str) -> UUID:
    """The one event of a topic that waits."""
    return UUID(str(await market.value(WAITING, topic)))


async def test_a_booking_is_told_to_both_and_once(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    event_id = await event(market, "booking.confirmed")
    for _ in range(2):
        await market.money.notifications.deliver(event_id)
    to_student = market.mails.to(lesson.student.user_id)
    assert len(to_student) == 1
    assert to_student[0].startswith("Your lesson is booked: Piano with A instructor")
    assert len(market.mails.to(lesson.instructor.user_id)) == 1
    assert await market.value(WAITING, "booking.confirmed") is None
    first = market.mails.messages[0]
    assert str(event_id) in str(first["message-id"])
    assert {part.get_content_type() for part in first.iter_parts()} == {"text/plain", "text/html"}


async def test_a_mail_server_that_is_away_only_delays(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    event_id = await event(market, "booking.confirmed")
    market.mails.is_closed = True
    with pytest.raises(Unavailable):
        await market.money.notifications.deliver(event_id)
    events = await waiting_events(market.db.reads, kicked_before=market.clock.wall_now(), limit=100)
    assert {each.id: each.failures for each in events}[event_id] == 1
    market.mails.is_closed = False
    await market.money.notifications.deliver(event_id)
    assert len(market.mails.to(lesson.student.user_id)) == 1


async def test_what_is_no_longer_so_is_not_told(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    confirmed = await event(market, "booking.confirmed")
    await market.money.bookings.cancel(lesson.id, reason=None, viewer=lesson.student)
    await market.money.notifications.deliver(confirmed)
    assert market.mails.messages == []
    await market.money.notifications.deliver(await event(market, "booking.cancelled"))
    assert market.mails.to(lesson.student.user_id)[0].startswith("Cancelled: Piano")


async def test_a_name_with_a_line_break_cannot_break_a_mail(market: Market) -> None:
    lesson = await market.lesson()
    async with market.db.transaction() as tx:
        await tx.execute(
            "UPDATE services SET title = E'Piano\\r\\nBcc: all@example.com' WHERE id = $1",
            lesson.service_id,
        )
    await lesson.book()
    await market.money.notifications.deliver(await event(market, "booking.confirmed"))
    assert all(message["bcc"] is None for message in market.mails.messages)
    assert len(market.mails.messages) == 2
