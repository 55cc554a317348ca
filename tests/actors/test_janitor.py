"""A write at Stripe whose answer was lost is sent again for 23 hours, then read back."""

from datetime import timedelta

import pytest

from tests.actors.money_kit import Lesson, Market

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
STATES = "SELECT array_agg(state ORDER BY id) FROM stripe_operations WHERE kind = 'capture_intent'"
DAY = timedelta(hours=24)


async def lost(market: Market, action: str) -> Lesson:
    """Return a lesson whose capture nobody knows of; no webhook tells of it either."""
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=23)
    market.receiver.is_closed = True
    match = {"method": "POST", "path": "/capture$"}
    rule = {"action": action, "match": match, "times": 0}
    await market.control("/_emulator/faults", rule)
    market.writer.freeze(lesson.end_at + DAY)
    await market._fire()
    assert await market.value(STATES) == ["unknown"]
    return lesson


async def heal(market: Market, *, after: timedelta) -> None:
    """Let time pass and Stripe answer again, and look after what is open."""
    market.writer.freeze(market.clock.now() + after)
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue()


@pytest.mark.parametrize("after", [timedelta(hours=22, minutes=59), timedelta(hours=25)])
async def test_a_capture_that_happened_is_found_with_its_key_or_without(
    market: Market, after: timedelta
) -> None:
    lesson = await lost(market, "500_after_commit")
    sent = await market.writes(lesson.id, "/capture")
    await heal(market, after=after)
    assert await market.value(STATES) == ["succeeded"]
    assert await lesson.totals() == PAID
    again = 1 if after < timedelta(hours=23) else 0
    assert await market.writes(lesson.id, "/capture") == sent + again


@pytest.mark.parametrize(
    ("after", "states"),
    [(timedelta(hours=22), ["succeeded"]), (timedelta(hours=25), ["failed", "succeeded"])],
)
async def test_a_capture_that_never_happened_is_made(
    market: Market, after: timedelta, states: list[str]
) -> None:
    lesson = await lost(market, "500_before")
    await heal(market, after=after)
    assert await market.value(STATES) == states
    assert await lesson.totals() == PAID
    assert {i["status"] for i in await market.intents(lesson.id)} == {"succeeded"}


async def test_a_write_just_sent_is_left_to_its_sender_for_ninety_seconds(market: Market) -> None:
    lesson = await lost(market, "500_before")
    await market.http.delete("/_emulator/faults")
    for age, tried in ((80, 0), (95, 1)):
        async with market.db.transaction() as tx:
            await tx.execute(
                "UPDATE stripe_operations SET state = 'sent', sent_at = $1"
                " WHERE kind = 'capture_intent'",
                market.clock.wall_now() - timedelta(seconds=age),
            )
        assert await market.money.payments.rescue() == tried
    assert await lesson.totals() == PAID
