"""A cancellation costs what the quote said, for a minute, and only for who was told."""

from datetime import timedelta

import pytest

from sandbox.client import Market, Refused
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

SECOND = timedelta(seconds=1)


async def quoted(lesson: Lesson) -> dict[str, object]:
    return await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/cancellation-quote")


async def cancelled(lesson: Lesson, token: object) -> object:
    path = f"/api/bookings/{lesson.booking['id']}/cancel"
    return (await lesson.student.post(path, {"quote_token": token}))["booking"]["outcome"]


async def test_a_quote_is_honoured_across_the_edge_of_a_tier(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=24)
    told = await quoted(lesson)
    assert (told["viewer"], told["tier"], told["charged_cents"]) == ("student", "free", 0)
    assert told["card_release_cents"] == 10_000
    await lesson.travel(lesson.start_at - timedelta(hours=24) + 60 * SECOND)
    assert (await quoted(lesson))["tier"] == "credit"
    assert await cancelled(lesson, told["quote_token"]) == "free"
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "released"
    assert await lesson.totals() == {}


async def test_an_old_quote_is_refused_and_nothing_happens(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=24)
    told = await quoted(lesson)
    await lesson.travel(lesson.start_at - timedelta(hours=24) + 61 * SECOND)
    with pytest.raises(Refused) as refusal:
        await cancelled(lesson, told["quote_token"])
    assert (refusal.value.status, refusal.value.code) == (409, "quote-expired")
    assert (await lesson.read())["status"] == "confirmed"


async def test_a_quote_of_somebody_or_something_else_is_refused(market: Market) -> None:
    lesson, other = await Lesson.arrange(market), await Lesson.arrange(market)
    await lesson.book()
    await other.book()
    told = await quoted(other)
    with pytest.raises(Refused) as foreign:
        await cancelled(lesson, told["quote_token"])
    assert foreign.value.code == "quote-expired"
    forged = str(told["quote_token"])[:-4] + "AAAA"
    for token in (forged, "x", "a.b", "é.é"):
        with pytest.raises(Refused) as refusal:
            await cancelled(other, token)
        assert (refusal.value.status, refusal.value.code) == (400, "invalid")
    with pytest.raises(Refused) as hidden:
        await other.student.get(f"/api/bookings/{lesson.booking['id']}/cancellation-quote")
    assert hidden.value.status == 404
    assert (await lesson.read())["status"] == "confirmed"


async def test_the_instructor_is_told_that_the_student_gets_everything_back(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=2)
    path = f"/api/bookings/{lesson.booking['id']}/cancellation-quote"
    told = await lesson.offer.instructor.get(path)
    assert (told["viewer"], told["tier"], told["charged_cents"]) == ("instructor", "free", 0)
    assert (told["card_release_cents"], told["tiers"]) == (10_000, [])
