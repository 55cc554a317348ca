"""Each way to each transition is told once, with a version, in order; what is old changes nothing.

Two things of a lesson have versions of their own: the booking and its payment. An event names
which one by its first word.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from sandbox.client import JSON, Market, fresh_key
from sandbox.world import World
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

ASKING = frozenset(
    {
        "booking.move_proposed",
        "booking.move_declined",
        "booking.no_show_reported",
        "booking.no_show_contested",
        "payment.warned",
    }
)
"""Told while nothing has changed yet: they carry the version there was."""
HELD = ["booking.held"]
BOOKED = [*HELD, "booking.confirmed"]
TAUGHT = ["payment.authorized", "booking.started", "booking.completed"]
PAID = ["payment.captured", "payment.settled"]

Way = Callable[[Lesson], Awaitable[None]]


async def post(lesson: Lesson, path: str, body: JSON | None = None, *, by: str = "student") -> JSON:
    person = lesson.student if by == "student" else lesson.offer.instructor
    if by == "admin":
        person = await lesson.market.admin()
        return await person.post(path, body, key=fresh_key())
    whole = f"/api/bookings/{lesson.booking['id']}/{path}"
    return await person.post(whole, body, key=fresh_key())


async def move(lesson: Lesson, hours: int, *, by: str = "student") -> JSON:
    goal = (lesson.start_at + timedelta(hours=hours)).isoformat()
    return await post(lesson, "reschedule", {"start_at": goal}, by=by)


async def ending_unheld(lesson: Lesson) -> None:
    await lesson.book(card=None)
    await lesson.travel(await lesson.market.now() + timedelta(minutes=16))


async def booked_with_a_new_card(lesson: Lesson) -> None:
    await lesson.book(card=None)
    await post(lesson, "confirm", {"payment_method_id": "pm_card_visa"})


async def taught(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.after_end(hours=24)


async def cancelled_in_time(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.before(hours=30)
    await lesson.cancel()


async def cancelled_for_credit(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()


async def cancelled_late(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.before(hours=5)
    await lesson.cancel()


async def cancelled_by_the_instructor(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.before(hours=5)
    await lesson.cancel(by=lesson.offer.instructor)


async def cancelled_unpaid(lesson: Lesson) -> None:
    await lesson.book(await lesson.script(*["insufficient_funds"] * 9))
    await lesson.before(hours=6)


async def moved(lesson: Lesson) -> None:
    await lesson.book()
    await move(lesson, 2)


async def moved_by_agreement(lesson: Lesson) -> None:
    await lesson.book()
    asked = await move(lesson, 3, by="instructor")
    await post(lesson, f"proposals/{asked['proposal']['id']}/accept")


async def not_moved(lesson: Lesson) -> None:
    await lesson.book()
    asked = await move(lesson, 3, by="instructor")
    await post(lesson, f"proposals/{asked['proposal']['id']}/decline")


async def missed_by_the_instructor(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.after_end(hours=1)
    await post(lesson, "no-show", {"who": "instructor"})
    await lesson.after_end(hours=26)


async def contested(lesson: Lesson) -> None:
    await lesson.book()
    await lesson.after_end(hours=1)
    await post(lesson, "no-show", {"who": "instructor"})
    await post(lesson, "no-show/contest", by="instructor")


async def refunded(lesson: Lesson) -> None:
    await taught(lesson)
    path = f"/api/admin/bookings/{lesson.booking['id']}/refund"
    await post(lesson, path, {"amount_cents": 10_000, "reason": "Ill."}, by="admin")


WAYS: list[tuple[Way, list[str]]] = [
    (ending_unheld, [*HELD, "booking.expired", "payment.released"]),
    (booked_with_a_new_card, BOOKED),
    (taught, [*BOOKED, *TAUGHT, *PAID]),
    (cancelled_in_time, [*BOOKED, "booking.cancelled", "payment.released"]),
    (cancelled_for_credit, [*BOOKED, "payment.authorized", "booking.cancelled", "credit.issued"]),
    (cancelled_late, [*BOOKED, "payment.authorized", "booking.cancelled", *PAID]),
    (
        cancelled_by_the_instructor,
        [*BOOKED, "payment.authorized", "booking.cancelled", "payment.released"],
    ),
    (
        cancelled_unpaid,
        [
            *BOOKED,
            *["payment.retry_scheduled"] * 3,
            "payment.card_required",
            "payment.warned",
            "booking.cancelled",
            "payment.released",
        ],
    ),
    (moved, [*BOOKED, "booking.moved"]),
    (moved_by_agreement, [*BOOKED, "booking.move_proposed", "booking.moved"]),
    (not_moved, [*BOOKED, "booking.move_proposed", "booking.move_declined"]),
    (
        missed_by_the_instructor,
        [*BOOKED, *TAUGHT, "booking.no_show_reported", "booking.no_show", "payment.released"],
    ),
    (contested, [*BOOKED, *TAUGHT, "booking.no_show_reported", "booking.no_show_contested"]),
    (refunded, [*BOOKED, *TAUGHT, *PAID, "payment.refunded"]),
]


class Event(msgspec.Struct, frozen=True):
    """One event as it was told."""

    topic: str
    payload: JSON

    @property
    def noun(self) -> str:
        """What its version counts."""
        return self.topic.split(".")[0]


async def told_of(world: World, lesson: Lesson) -> list[Event]:
    """Everything told about the lesson, in the order of the outbox."""
    query = """
        SELECT topic, payload::text FROM outbox
        WHERE (payload ->> 'booking_id')::uuid = $1 ORDER BY position
    """
    return [
        Event(row["topic"], msgspec.json.decode(row["payload"]))
        for row in await rows(world, query, lesson)
    ]


async def changes_of(world: World, lesson: Lesson) -> Counter[str]:
    """The transitions of the booking that the audit has, by event."""
    query = """
        SELECT event FROM booking_events
        WHERE booking_id = $1 AND event LIKE 'booking.%' AND was IS DISTINCT FROM became
    """
    return Counter(row["event"] for row in await rows(world, query, lesson))


async def rows(world: World, query: str, lesson: Lesson) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(world.database_url)
    try:
        return await connection.fetch(query, UUID(lesson.booking["id"]))
    finally:
        await connection.close()


def kept(events: list[Event]) -> dict[str, tuple[int, str]]:
    """What a receiver knows in the end that keeps, for each noun, only what is newer."""
    known: dict[str, tuple[int, str]] = {}
    for each in events:
        if each.topic in ASKING or "version" not in each.payload:
            continue
        if each.payload["version"] > known.get(each.noun, (0, ""))[0]:
            known[each.noun] = (each.payload["version"], each.topic)
    return known


@pytest.mark.parametrize(("way", "events"), WAYS, ids=[each.__name__ for each, _ in WAYS])
async def test_each_way_to_a_transition_is_told_once_with_its_version(
    market: Market, world: World, way: Way, events: list[str]
) -> None:
    lesson = await Lesson.arrange(market)
    await way(lesson)
    await lesson.travel(await market.now())
    await lesson.read()
    told = await told_of(world, lesson)
    assert [each.topic for each in told] == events

    changed = await changes_of(world, lesson)
    counted = Counter(each.topic for each in told)
    assert {each: counted[each] for each in changed} == dict(changed)

    for noun in ("booking", "payment"):
        own = [each for each in told if each.noun == noun]
        versions = [each.payload["version"] for each in own if each.topic not in ASKING]
        assert versions == sorted(set(versions)), f"{noun}: {versions}"
        assert all(isinstance(each.payload["version"], int) for each in own)
    last = next(each for each in reversed(told) if each.noun == "booking")
    assert last.payload["version"] == lesson.booking["version"]

    # twice, and in any order: who keeps the newer one of each ends knowing the same
    for seed in range(20):
        again = told * 2
        random.Random(seed).shuffle(again)
        assert kept(again) == kept(told)
