"""Deaths at every effect: a process is killed at its first, second, … write; another goes on."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from random import Random

from actors.credits import Grant
from domain.errors import DomainError
from domain.ids import new_id
from domain.operations import Answer, Call
from storage.query import Tx
from tests.actors.money_kit import Lesson, Market
from tests.actors.money_process import Process
from tests.model.hands import MarketHands
from tests.model.reference import Totals

EFFECTS_MAX = 300
MOMENTS_MAX = 0.02
"""Seconds that a woven process waits before what it does."""
Act = Callable[[], Awaitable[object]]
Make = Callable[[], Awaitable[Lesson]]


async def lesson_of_today(
    market: Market, card: str = "pm_card_visa", *, credit: int = 0, hours: int = 3
) -> Lesson:
    """A lesson in a few hours whose money is reserved, a part of it as credit; no undo any more."""
    lesson = await market.lesson(lead=timedelta(hours=hours))
    if credit:
        grant = Grant(
            user_id=lesson.student.user_id, amount_cents=credit, expires_at=None, reason="Sorry."
        )
        lot_id = new_id(market.clock.now())
        await market.money.credits.grant(grant, lot_id=lot_id, viewer=lesson.student)
    await lesson.book(card)
    await market.travel(market.clock.now() + timedelta(minutes=6))
    return lesson


async def paid_lesson(market: Market, card: str = "pm_card_visa", *, credit: int = 0) -> Lesson:
    """A lesson of today that was cancelled too late: it is captured at once."""
    lesson = await lesson_of_today(market, card, credit=credit)
    await lesson.cancel()
    return lesson


async def killed(market: Market, act: Act, *, effects: int) -> bool:
    """Whether the process outlived the act; if not, the asker asks a new one."""

    async def acted() -> None:
        await act()
        await market.settle()

    market.fuse.left = effects
    has_lived = await market.survive(acted)
    market.fuse.left = None
    if not has_lived:
        # what has happened already is refused
        with suppress(DomainError):
            await act()
        await market.settle()
        # a webhook that the dead did not take comes again
        await market.travel(market.clock.now() + timedelta(minutes=15))
    return has_lived


def ledger(*changes: Totals) -> dict[str, int]:
    """The sum of what is expected to have happened."""
    total: Totals = Counter()
    for each in changes:
        total.update(each)
    return {account: cents for account, cents in total.items() if cents}


async def everywhere(
    market: Market, prepare: Make, act: Callable[[Lesson], Act], *, every: int, name: str = ""
) -> AsyncIterator[Lesson]:
    """A fresh lesson for each effect, until one act has lived to its end."""
    for effects in count(0, every):
        assert effects < EFFECTS_MAX, "it never survived"
        lesson = await prepare()
        has_lived = await killed(market, act(lesson), effects=effects)
        yield lesson
        assert await MarketHands(market).wrong() == [], f"after death at {effects}"
        if has_lived:
            print(f"crash points of {name}: {effects}")  # noqa: T201 - kept in docs/proof.md
            assert effects > 0
            return


def weave(process: Process, random: Random) -> None:
    """Lets every transaction and call of a process wait for a random moment."""
    db, stripe = process.db, process.money.stripe
    begin, perform = db.transaction, stripe.perform

    @asynccontextmanager
    async def transaction() -> AsyncGenerator[Tx]:
        await asyncio.sleep(random.random() * MOMENTS_MAX)
        async with begin() as tx:
            yield tx

    async def performed(call: Call, *, key: str) -> Answer:
        await asyncio.sleep(random.random() * MOMENTS_MAX)
        answer = await perform(call, key=key)
        await asyncio.sleep(random.random() * MOMENTS_MAX)
        return answer

    db.transaction, stripe.perform = transaction, performed
