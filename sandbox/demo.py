"""The demo marketplace: 12 instructors, 20 students and three weeks of history, through the API.

The world's clock starts 21 days back (`HISTORY`); playing the history moves it to the present, so
every lesson was really authorised, taught, captured, cancelled or left to expire. A load that was
interrupted goes on where it stopped: who is registered signs in, nothing is booked twice.
"""

import asyncio
import random
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from sandbox.client import (
    JSON,
    PASSWORD,
    Market,
    Offer,
    Person,
    Refused,
    fresh_key,
    open_for_lessons,
)

HISTORY = timedelta(days=21)
PEOPLE = Path(__file__).with_name("demo_people.json")
SEED = 20_260_101
PARALLEL = 8
WINDOW = timedelta(days=3)
"""How long after an instant a free slot is looked for."""
T = TypeVar("T")


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """One demo instructor and what they sell."""

    name: str
    time_zone: str
    skill: str
    title: str
    hourly_rate_cents: int
    headline: str
    bio: str
    languages: tuple[str, ...]
    opens: str
    closes: str
    days: tuple[int, ...]


class Learning(msgspec.Struct, frozen=True, kw_only=True):
    """One demo student."""

    name: str
    time_zone: str


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody of the demo, from `demo_people.json`."""

    instructors: tuple[Cast, ...]
    students: tuple[Learning, ...]


CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit")


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """Who can sign in; all share one password. Shown by `GET /sandbox`."""

    instructors: list[JSON]
    students: list[JSON]


def address(name: str) -> str:
    """The demo e-mail of a person: first name at example.com."""
    plain = name.split(maxsplit=1)[0].lower().replace("é", "e").replace("č", "c")
    return f"{plain}@example.com"


async def load(url: str, *, until: datetime) -> Demo:
    """Plays the demo through the API of the marketplace at `url`, up to `until`; safe to repeat."""
    chance = random.Random(SEED)  # noqa: S311 - a demo wants the same dice every time
    cast = msgspec.json.decode(PEOPLE.read_bytes(), type=People)
    async with Market(url, is_patient=True) as market:
        people = await _students(market, cast)
        offers = await _instructors(market, cast)
        await _play_history(market, people, offers, until=until, chance=chance)
        await _book_ahead(market, people, offers, until=until, chance=chance)
    return Demo(
        instructors=[_login(offer.instructor) for offer in offers],
        students=[_login(person) for person in people],
    )


def _login(person: Person) -> JSON:
    return {"email": person.email, "password": PASSWORD, "id": person.id, "name": person.name}


async def _in_parallel(deeds: list[Awaitable[T]]) -> list[T]:
    gate = asyncio.Semaphore(PARALLEL)

    async def one(deed: Awaitable[T]) -> T:
        async with gate:
            return await deed

    return list(await asyncio.gather(*(one(deed) for deed in deeds)))


async def _students(market: Market, cast: People) -> list[Person]:
    return await _in_parallel(
        [
            market.register(address(one.name), one.name, "student", one.time_zone)
            for one in cast.students
        ]
    )


async def _instructors(market: Market, cast: People) -> list[Offer]:
    return await _in_parallel([_instructor(market, one) for one in cast.instructors])


async def _instructor(market: Market, cast: Cast) -> Offer:
    person = await market.register(address(cast.name), cast.name, "instructor", cast.time_zone)
    return await open_for_lessons(
        person,
        skill=cast.skill,
        title=cast.title,
        hourly_rate_cents=cast.hourly_rate_cents,
        headline=cast.headline,
        bio=cast.bio,
        languages=cast.languages,
        weekly=[{"weekday": d, "opens": cast.opens, "closes": cast.closes} for d in cast.days],
    )


async def _play_history(
    market: Market,
    people: list[Person],
    offers: list[Offer],
    *,
    until: datetime,
    chance: random.Random,
) -> None:
    """Books lessons over the past weeks, cancels a few, lets one card fail, then travels to now."""
    now = await market.now()
    cancelled: list[JSON] = []
    for number, student in enumerate(people):
        offer = offers[number % len(offers)]
        card = "pm_card_chargeCustomerFail" if number == len(people) - 1 else CARDS[number % 4]
        from_at = now + timedelta(days=2 + chance.randrange(14))
        booking = next((b for b in await _bookings(student) if _start_of(b) < until), None)
        if booking is None and from_at < until - WINDOW:
            booking = await _book(market, student, offer, from_at, card, chance)
        if booking is not None and number % 7 == 3:
            early = timedelta(hours=30 if number % 2 else 18)
            cancelled.append({**booking, "cancel_at": (_start_of(booking) - early).isoformat()})
    await _cancel_some(market, people, cancelled)
    if await market.now() < until:
        await market.travel(until, is_frozen=False)


async def _bookings(student: Person) -> list[JSON]:
    return (await student.get("/api/bookings", limit=100))["items"]


def _start_of(booking: JSON) -> datetime:
    return datetime.fromisoformat(booking["start_at"])


async def _cancel_some(market: Market, people: list[Person], bookings: list[JSON]) -> None:
    for booking in sorted(bookings, key=lambda b: b["cancel_at"]):
        at = datetime.fromisoformat(booking["cancel_at"])
        if await market.now() < at:
            await market.travel(at)
        student = next(p for p in people if p.id == booking["student_id"])
        body = {"reason": "Something came up"}
        try:
            await student.post(f"/api/bookings/{booking['id']}/cancel", body)
        except Refused as refusal:
            if refusal.code != "booking-state":  # an earlier load came as far as this
                raise


async def _book_ahead(
    market: Market,
    people: list[Person],
    offers: list[Offer],
    *,
    until: datetime,
    chance: random.Random,
) -> None:
    """Books lessons of the coming days, so that calendars look lived in."""
    for number, student in enumerate(people[:-1]):
        offer = offers[(number * 5 + 1) % len(offers)]
        from_at = until + timedelta(days=1 + chance.randrange(9), hours=4)
        if not any(_start_of(booking) >= until for booking in await _bookings(student)):
            await _book(market, student, offer, from_at, CARDS[number % 4], chance)


async def _book(
    market: Market,
    student: Person,
    offer: Offer,
    from_at: datetime,
    card: str,
    chance: random.Random,
) -> JSON | None:
    """Books one free slot within three days of an instant; None where nothing fits."""
    window = {"from": from_at.isoformat(), "to": (from_at + WINDOW).isoformat()}
    listed = await market.slots(offer.instructor.id, offer.service_id, 60, **window)
    whole_hours = [slot for slot in listed["slots"] if slot["start_at"][14:16] in {"00", "30"}]
    if not whole_hours:
        return None
    slot = chance.choice(whole_hours)
    request = offer.request(slot["start_at"], payment_method_id=card)
    try:
        return (await student.post("/api/bookings", request, key=fresh_key()))["booking"]
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return None
