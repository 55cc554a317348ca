"""Cancel, move, capture, observe and pay at once, in random interleavings, on real PostgreSQL.

Every transaction and every call to Stripe waits for a random moment first, so that what runs at the
same time meets in another order each time. Whoever wins: the ledger is that of the booking's end.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest_asyncio

from actors.moves import MoveWish
from actors.payment_records import Why
from domain.bookings import SYSTEM
from domain.errors import DomainError
from domain.ids import BookingId, ServiceId, new_id
from domain.moves import Proposal
from domain.operations import Answer, Call, IntentSeen
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from storage.query import Tx
from tests.actors.money_kit import Lesson, Market, open_market
from tests.model.hands import MarketHands
from tests.model.reference import HOUR, given_back, paid, shares, turned_into_credit

SEED = int(os.environ.get("SEED", "1"))
TIMES = int(os.environ.get("INTERLEAVINGS", "60"))
TOGETHER = 10
PART = shares(10_000)
MOMENTS_MAX = 0.02
LEADS = (25 * HOUR, 24 * HOUR, 20 * HOUR, 11 * HOUR, HOUR, -25 * HOUR)
ENDS = {
    "free": ({},),
    "credit": (turned_into_credit(PART),),
    "charged": (paid(PART),),
    "by_instructor": ({}, paid(PART) + given_back(PART, 10_000, reverses=True)),
    None: (paid(PART),),
}
"""What the ledger may hold, by how a booking ended; captured and given back again is nothing."""


@pytest_asyncio.fixture
async def market(
    fresh_database_url: str,
    nats_url: str,
    stripe_emulator: Emulator,
    clock_writer: ClockWriter,
) -> AsyncIterator[Market]:
    """A marketplace of this test's own, at a Stripe that knows nobody."""
    async with httpx.AsyncClient(auth=(stripe_emulator.secret_key, "")) as client:
        (await client.post(f"{stripe_emulator.url}/_emulator/reset")).raise_for_status()
    async with open_market(fresh_database_url, nats_url, stripe_emulator, clock_writer) as opened:
        yield opened


def weave(market: Market, random: Random) -> None:
    """Lets every transaction and call of the money side wait for a random moment."""
    db, stripe = market.money.payments._db, market.money.stripe
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


async def lessons_at_once(market: Market, most: int) -> list[Lesson]:
    """Booked lessons with the same start, each with people of its own."""
    first = await market.lesson()
    await first.book()
    found = [first]
    for _ in range(most - 1):
        service = ServiceId(new_id(market.clock.now()))
        instructor, student = await market._person("instructor"), await market._person("student")
        await market._teaches(instructor, service, 10_000)
        lesson = Lesson(market, instructor, student, service, first.start_at)
        await lesson.book()
        found.append(lesson)
    return found


def acts(lesson: Lesson, random: Random) -> list[Callable[[], Awaitable[Any]]]:
    """What may happen to one lesson at the same time, in any number."""
    money = lesson.market.money
    why = Why(actor=SYSTEM, cause="interleaved")

    async def observe() -> None:
        for each in await lesson.market.intents(lesson.id):
            seen = await money.stripe.intent(str(each["id"]))
            if isinstance(seen, IntentSeen):
                await money.payments.observe(lesson.id, seen, why)

    async def move() -> None:
        at = lesson.start_at + random.choice((2, 30)) * HOUR
        made = await money.moves.reschedule(
            BookingId(lesson.id),
            MoveWish(start_at=at),
            proposal_id=new_id(lesson.market.clock.now()),
            viewer=lesson.student,
        )
        if isinstance(made, Proposal):
            await money.moves.accept(BookingId(lesson.id), made.id, viewer=lesson.instructor)

    every: list[Callable[[], Awaitable[Any]]] = [
        lambda: money.bookings.cancel(lesson.id, reason=None, viewer=lesson.student),
        lambda: money.bookings.cancel(lesson.id, reason=None, viewer=lesson.instructor),
        lambda: money.payments.drive(lesson.id, why),
        lambda: money.payments.rescue(is_boot=True),
        observe,
        move,
    ]
    return random.choices(every, weights=(3, 1, 2, 1, 2, 3), k=random.randint(2, 5))


async def act_at_once(market: Market, lessons: list[Lesson], random: Random) -> None:
    """Everything together, with the clock's and the inbox's work on top."""

    async def one(act: Callable[[], Awaitable[Any]]) -> None:
        await asyncio.sleep(random.random() * MOMENTS_MAX)
        try:
            await act()
        except DomainError:
            # somebody else was first
            return

    chosen = [act for lesson in lessons for act in acts(lesson, random)]
    random.shuffle(chosen)
    await asyncio.gather(market.settle(), *(one(act) for act in chosen))
    await market.money.payments.rescue(is_boot=True)
    await market.settle()


async def test_whoever_comes_first_the_ledger_is_that_of_the_end(market: Market) -> None:
    random = Random(SEED)
    weave(market, random)
    ends: Counter[str | None] = Counter()
    for _ in range(max(1, TIMES // TOGETHER)):
        lessons = await lessons_at_once(market, TOGETHER)
        lead = random.choice(LEADS)
        await market.travel(lessons[0].start_at - lead - timedelta(seconds=1))
        market.writer.freeze(lessons[0].start_at - lead)
        await act_at_once(market, lessons, random)
        ends_at = max([(await each.read()).end_at for each in lessons])
        await market.travel(max(market.clock.now(), ends_at + 24 * HOUR))
        for lesson in lessons:
            booking, totals = await lesson.read(), await lesson.totals()
            ends[booking.outcome] += 1
            allowed = [
                {account: cents for account, cents in each.items() if cents}
                for each in ENDS[booking.outcome]
            ]
            assert totals in allowed, f"SEED={SEED}: {booking}: {totals}"
        assert await MarketHands(market).wrong() == [], f"SEED={SEED}"
    print(f"seed {SEED}: {sum(ends.values())} interleavings, {dict(ends)}")  # noqa: T201 - shown by make chaos
    assert ends.total() >= TOGETHER
