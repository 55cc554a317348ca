"""Cancel, move, capture, observe and pay at once, in random interleavings, on real PostgreSQL.

Three processes' parts work side by side, each with database pools, a bus and a Stripe client of its
own: the web process with the calendars, where people ask, and two workers. Every transaction and
every call to Stripe waits for a random moment first, so that what runs at the same time meets in
another order each time. Whoever wins: the ledger is that of the booking's end.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

from actors.moves import MoveWish
from actors.payment_records import Why
from domain.bookings import SYSTEM
from domain.errors import DomainError
from domain.ids import BookingId, ServiceId, new_id
from domain.moves import Proposal
from domain.operations import IntentSeen
from storage.timings import claim_due_timings
from tests.actors.chaos_kit import MOMENTS_MAX, weave
from tests.actors.money_kit import Lesson, Market
from tests.actors.money_process import Process
from tests.model.hands import MarketHands
from tests.model.reference import HOUR, given_back, paid, shares, turned_into_credit

SEED = int(os.environ.get("SEED", "1"))
TIMES = int(os.environ.get("INTERLEAVINGS", "30"))
TOGETHER = 10
PART = shares(10_000)
LOOKS = 10
"""After every so many rounds all invariants are asked; they read all there is."""
LEADS = (25 * HOUR, 24 * HOUR, 20 * HOUR, 11 * HOUR, HOUR, -25 * HOUR)
ENDS = {
    "free": ({},),
    "credit": (turned_into_credit(PART),),
    "charged": (paid(PART),),
    "by_instructor": ({}, paid(PART) + given_back(PART, 10_000, reverses=True)),
    None: (paid(PART),),
}
"""What the ledger may hold, by how a booking ended; captured and given back again is nothing."""


@asynccontextmanager
async def two_workers(market: Market) -> AsyncGenerator[tuple[Process, Process]]:
    """Two more processes, which reach the calendars through the bus."""
    first = await Process.start(market.settings, market.clock, is_host=False)
    second = await Process.start(market.settings, market.clock, is_host=False)
    try:
        yield first, second
    finally:
        await first.end()
        await second.end()


async def pairs_of(market: Market, most: int) -> list[Lesson]:
    """People for so many lessons, each with a first one that is not booked yet."""
    first = await market.lesson()
    found = [first]
    for _ in range(most - 1):
        service = ServiceId(new_id(market.clock.now()))
        instructor, student = await market._person("instructor"), await market._person("student")
        await market._teaches(instructor, service, 10_000)
        found.append(Lesson(market, instructor, student, service, first.start_at))
    return found


async def booked(market: Market, pairs: list[Lesson]) -> list[Lesson]:
    """The same people's next lessons, all at one hour."""
    at = market.clock.now().replace(minute=0, second=0, microsecond=0) + 5 * 24 * HOUR
    lessons = [Lesson(market, each.instructor, each.student, each.service_id, at) for each in pairs]
    await asyncio.gather(*(each.book(use_credits=False) for each in lessons))
    await market.settle()
    return lessons


def acts(
    lesson: Lesson, workers: tuple[Process, Process], random: Random
) -> list[Callable[[], Awaitable[Any]]]:
    """What may happen to one lesson at the same time, in any number."""
    money = lesson.market.money
    first, second = (each.money for each in workers)
    why = Why(actor=SYSTEM, cause="interleaved")

    async def observe() -> None:
        for each in await lesson.market.intents(lesson.id):
            seen = await second.stripe.intent(str(each["id"]))
            if isinstance(seen, IntentSeen):
                await second.payments.observe(lesson.id, seen, why)

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
        lambda: first.payments.drive(lesson.id, why),
        lambda: second.payments.drive(lesson.id, why),
        lambda: first.payments.rescue(is_boot=True),
        observe,
        move,
    ]
    return random.choices(every, weights=(3, 1, 2, 2, 1, 2, 3), k=random.randint(2, 5))


async def fire(market: Market, worker: Process) -> None:
    """Works what is due, as a worker does that the clock has woken."""
    async with worker.db.transaction() as tx:
        claimed = await claim_due_timings(
            tx, now=market.clock.now(), wall_now=market.clock.wall_now(), limit=5
        )
    await asyncio.gather(*(worker.money.timings.fire(each.id) for each in claimed))


async def act_at_once(
    market: Market, lessons: list[Lesson], workers: tuple[Process, Process], random: Random
) -> None:
    """Everything together, with the clock's and the inbox's work on top."""

    async def one(act: Callable[[], Awaitable[Any]]) -> None:
        await asyncio.sleep(random.random() * MOMENTS_MAX)
        try:
            await act()
        except DomainError:
            # somebody else was first
            return

    chosen = [act for lesson in lessons for act in acts(lesson, workers, random)]
    chosen += [lambda each=each: fire(market, each) for each in workers for _ in range(2)]
    random.shuffle(chosen)
    await asyncio.gather(market.settle(), *(one(act) for act in chosen))
    await market.money.payments.rescue(is_boot=True)
    await market.settle()


async def wrong_ends(lessons: list[Lesson], ends: Counter[str | None]) -> list[str]:
    """Lessons whose ledger is not one of their end's."""
    wrong: list[str] = []
    for lesson in lessons:
        booking, totals = await lesson.read(), await lesson.totals()
        ends[booking.outcome] += 1
        allowed = [
            {account: cents for account, cents in each.items() if cents}
            for each in ENDS[booking.outcome]
        ]
        if totals not in allowed:
            wrong.append(f"{booking.id} ({booking.status}, {booking.outcome}): {totals}")
    return wrong


async def test_whoever_comes_first_the_ledger_is_that_of_the_end(market: Market) -> None:
    random = Random(SEED)
    ends: Counter[str | None] = Counter()
    began = market.clock.wall_now()
    async with two_workers(market) as workers:
        for each in (market.process, *workers):
            weave(each, random)
        pairs = await pairs_of(market, TOGETHER)
        rounds = max(1, TIMES // TOGETHER)
        for number in range(1, rounds + 1):
            lessons = await booked(market, pairs)
            lead = random.choice(LEADS)
            await market.travel(lessons[0].start_at - lead - timedelta(seconds=1))
            market.writer.freeze(lessons[0].start_at - lead)
            await act_at_once(market, lessons, workers, random)
            ends_at = max([(await each.read()).end_at for each in lessons])
            await market.travel(max(market.clock.now(), ends_at + 24 * HOUR))
            wrong = await wrong_ends(lessons, ends)
            if number % LOOKS == 0 or number == rounds:
                wrong += await MarketHands(market).wrong()
            assert wrong == [], f"SEED={SEED} round {number}"
    took = (market.clock.wall_now() - began).total_seconds()
    told = f"{ends.total()} interleavings in {took:.0f} s, {dict(ends)}"
    print(f"seed {SEED}: {told}")  # noqa: T201 - shown by make chaos
    assert ends.total() >= TOGETHER
