"""Accounts whose webhooks never came, on real Postgres and the Stripe emulator."""

import pytest

from actors import stripe_people
from tests.actors.books_kit import account_of
from tests.actors.money_kit import Lesson, Market


async def require(lesson: Lesson, **wanted: object) -> None:
    """Lets Stripe ask the instructor for something, or for nothing more."""
    account = await account_of(lesson.market, lesson.instructor.user_id)
    await lesson.market.control(f"/_emulator/accounts/{account}/requirements", wanted)
    await lesson.market.settle()


async def is_active(lesson: Lesson) -> object:
    return await lesson.market.value(
        "SELECT has_transfers AND has_payouts FROM instructors WHERE id = $1",
        lesson.instructor.user_id,
    )


async def waiting(market: Market) -> Lesson:
    """A lesson of somebody whom Stripe lets go on without a word to us."""
    lesson = await market.lesson()
    await require(lesson, due=["x"], disabled_reason="requirements.past_due")
    await market.control("/_emulator/faults", {"action": "drop", "times": 0, "match": {}})
    await require(lesson)
    (await market.http.delete("/_emulator/faults")).raise_for_status()
    assert not await is_active(lesson)
    return lesson


async def test_an_account_that_nobody_told_of_is_found_once(market: Market) -> None:
    lesson = await waiting(market)
    assert await market.money.people.revisit() == 1
    assert await is_active(lesson)
    assert await market.money.people.revisit() == 0


async def test_accounts_that_still_wait_are_looked_at_and_left_as_they_are(market: Market) -> None:
    lesson = await market.lesson()
    await require(lesson, due=["x"], disabled_reason="requirements.past_due")
    assert await market.money.people.revisit() == 0
    assert not await is_active(lesson)


async def test_where_there_are_many_each_has_its_turn(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_people, "REVISITED_MAX", 1)
    lessons = [await waiting(market) for _ in range(2)]
    assert await market.money.people.revisit() == 1
    assert sorted([await is_active(each) for each in lessons]) == [False, True]
    assert await market.money.people.revisit() == 1
    assert [await is_active(each) for each in lessons] == [True, True]


async def test_an_account_that_stripe_does_not_show_keeps_no_other_waiting(market: Market) -> None:
    first, second = sorted(
        [await waiting(market) for _ in range(2)], key=lambda each: str(each.instructor.user_id)
    )
    hidden = await account_of(market, first.instructor.user_id)
    silent = {"action": "500_before", "times": 0, "match": {"path": f"^/v1/accounts/{hidden}"}}
    await market.control("/_emulator/faults", silent)
    assert await market.money.people.revisit() == 1
    assert [await is_active(first), await is_active(second)] == [False, True]
    (await market.http.delete("/_emulator/faults")).raise_for_status()
    assert await market.money.people.revisit() == 1
