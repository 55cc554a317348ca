"""A client of the hub for tests: a connection whose buffer is a list, and what it would show."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from actors.live import Hub
from actors.live_frames import Shape
from actors.live_sockets import Socket
from domain.availability import CalendarPolicy, Rule, Rules
from domain.offers import offered_slots
from domain.settings import POLICY
from domain.times import Span
from storage.calendars import calendar_by_instructor
from tests.actors.calendar_world import Market, Teacher

ROLLING = timedelta(days=14)
PATIENCE = 5.0
OPEN_DAYS = Rules(
    policy=CalendarPolicy(time_zone="America/New_York", minimum_notice_minutes=120),
    weekly=tuple(Rule(weekday=d, opens_minute=540, closes_minute=1260) for d in range(7)),
)


class Ear:
    """A connection whose buffer is a list; it can be made to take nothing more."""

    def __init__(self) -> None:
        """Takes everything."""
        self.on_drained: Callable[[], None] | None = None
        self.messages: list[dict[str, Any]] = []
        self.is_full = False
        self.ended: int | None = None
        self._news = asyncio.Event()

    def write(self, frame: bytes) -> bool:
        """Keep a frame unless full."""
        if not self.is_full:
            self.messages.append(msgspec.json.decode(frame))
            self._news.set()
        return not self.is_full

    def wrap(self, text: bytes) -> bytes:
        """Frame nothing."""
        return text

    def end(self, code: int, _reason: str) -> None:
        """Remember the code."""
        self.ended = code
        self._news.set()

    def drain(self) -> None:
        """Take messages again."""
        self.is_full = False
        assert self.on_drained is not None
        self.on_drained()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for messages until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def next(self) -> dict[str, Any]:
        """Return the oldest message not looked at."""
        await self.until(lambda: bool(self.messages))
        return self.messages.pop(0)


class Screen:
    """What a client shows: it follows the rules of the contract and complains where they break."""

    def __init__(self, ear: Ear) -> None:
        """Shows nothing yet."""
        self.ear = ear
        self.version: int | None = None
        self.slots: set[tuple[str, str]] = set()
        self.reasons: dict[str, str] = {}

    def take_all(self) -> "Screen":
        """Work in what has come."""
        while self.ear.messages:
            self.take(self.ear.messages.pop(0))
        return self

    def take(self, message: dict[str, Any]) -> None:
        """Work in one message."""
        if message["type"] == "snapshot":
            self.slots = {spell(slot) for slot in message["slots"]}
        elif message["type"] == "delta":
            assert message["previous_version"] == self.version
            assert message["version"] >= message["previous_version"]
            self.slots -= {spell(slot) for slot in message["removed"]}
            self.slots |= {spell(slot) for slot in message["added"]}
            self.reasons.update({s["start_at"]: s["reason"] for s in message["removed"]})
        else:
            assert message["type"] == "resync", message
            return
        self.version = message["version"]

    async def at_least(self, version: int) -> None:
        """Wait until a version is shown."""
        await self.ear.until(lambda: self.take_all().version is not None and self.reached(version))

    def reached(self, version: int) -> bool:
        """Whether this version or a later one is shown."""
        return self.version is not None and self.version >= version


def spell(slot: dict[str, str]) -> tuple[str, str]:
    return slot["start_at"], slot["end_at"]


def as_text(span: Span) -> tuple[str, str]:
    return tuple(f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (span.start_at, span.end_at))  # type: ignore[return-value] - two of them


async def fresh(shop: Market, shape: Shape) -> tuple[int, set[tuple[str, str]]]:
    """Return what the slots' address would answer now."""
    now = shop.clock.now()
    calendar = await calendar_by_instructor(
        shop.db.reads, instructor_id=shape.instructor_id, now=now
    )
    assert calendar is not None
    start = shape.from_at or now
    found = offered_slots(
        calendar.rules,
        calendar.bookings,
        calendar.services,
        service_id=shape.service_id,
        duration_minutes=shape.duration_minutes,
        window=Span(start, shape.to_at or start + ROLLING),
        now=now,
        policy=POLICY,
    )
    return calendar.version, {as_text(span) for span in found if calendar.is_bookable}


def shape_of(teacher: Teacher, minutes: int = 60, **more: object) -> Shape:
    return msgspec.structs.replace(
        Shape(instructor_id=teacher.id, duration_minutes=minutes), **more
    )


async def watched(
    hub: Hub, shape: Shape, after_version: int | None = None
) -> tuple[Ear, Socket, Screen]:
    ear = Ear()
    socket = hub.enter(ear)
    await hub.watch(socket, shape, after_version)
    return ear, socket, Screen(ear)
