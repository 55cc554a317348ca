"""Death at every effect of a lesson that credit helps to pay: spent and topped up once."""

import os
from contextlib import suppress
from datetime import timedelta

import pytest

from actors.credits import Grant
from domain.errors import DomainError
from domain.ids import new_id
from tests.actors.money_kit import Lesson, Market
from tests.model.hands import MarketHands
from tests.model.reference import HOUR, paid, shares, spent

EFFECTS_MAX = 400
EVERY = int(os.environ.get("EVERY", "67"))
"""Every which effect is tried; `make chaos` tries all."""


async def with_credit(market: Market, cents: int) -> Lesson:
    """A lesson of today whose student has credit."""
    lesson = await market.lesson(lead=timedelta(hours=3))
    grant = Grant(
        user_id=lesson.student.user_id, amount_cents=cents, expires_at=None, reason="Sorry."
    )
    lot_id = new_id(market.clock.now())
    await market.money.credits.grant(grant, lot_id=lot_id, viewer=lesson.student)
    return lesson


@pytest.mark.parametrize("cents", [3000, 10_000])
async def test_death_at_any_effect_spends_credit_and_tops_up_once(
    market: Market, cents: int
) -> None:
    part = shares(10_000, cents)
    total = paid(part)
    total.update(spent(part))
    expected = {account: amount for account, amount in total.items() if amount}
    for effects in range(0, EFFECTS_MAX, EVERY):
        lesson = await with_credit(market, cents)
        market.fuse.left = effects
        has_lived = await market.survive(lesson.book)
        if not has_lived:
            # the client repeats its request with the same key
            with suppress(DomainError):
                await lesson.book(again=True)
        until = lesson.end_at + 24 * HOUR
        if not await market.survive(lambda at=until: market.travel(at)):
            has_lived = False
            await market.travel(until)
        market.fuse.left = None
        await market.settle()
        assert await lesson.totals() == expected
        assert (await lesson.read()).payment_status == "settled"
        assert await MarketHands(market).wrong() == []
        if has_lived:
            print(f"crash points: {effects}")  # noqa: T201 - kept in docs/proof.md
            assert effects > 10
            return
    raise AssertionError("it never survived")
