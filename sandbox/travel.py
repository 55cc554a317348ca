"""Moves the virtual time of a whole world forward, through every instant at which something is due.

At each instant the clock stands still until the world is quiet, so what is due fires at its own due
time and in order.
"""

import asyncio
import fcntl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec

from domain.errors import Conflict, DomainError, Invalid, Kind
from gateways.clock import SystemClock
from sandbox.clock import ClockWriter
from sandbox.quiet import DATABASE_ERRORS, DUE, ENDED, Observer, View

QUIET_SECONDS = 120.0
POLL_SECONDS = 0.003
POLL_SECONDS_MAX = 0.01
POLL_GROWTH = 1.25
QUIET_LOOKS = 2
WAKE_SECONDS = 1.0


class Travelling(Conflict):
    """The world is already travelling in time."""


class TimeRunsForward(Invalid):
    """The clock moves forward only."""


class WorldNotQuiet(DomainError):
    """The world did not come to rest at one instant."""

    kind = Kind.NOT_QUIET


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """One timing that fired on the way, at its own due time."""

    kind: str
    subject_id: UUID
    booking_id: UUID | None
    due_at: datetime


class Travelled(msgspec.Struct, frozen=True, kw_only=True):
    """Where a travel ended and what fired, by due time, kind and id."""

    now: datetime
    fired: list[Fired]


class Traveller:
    """Travels in one world; one travel at a time, over all processes that might ask for one."""

    def __init__(
        self, clock_file: Path, observer: Observer, *, patience: float = QUIET_SECONDS
    ) -> None:
        """Write the clock in `clock_file`, watch the world through `observer`.

        `patience` is how long, in seconds, the world may take to come to rest at one instant.
        """
        self.clock_file = clock_file
        self._patience = patience
        self._writer = ClockWriter(clock_file)
        self._lock_file = clock_file.with_name(f"{clock_file.name}.lock")
        self._observer = observer
        self._real = SystemClock()

    async def close(self) -> None:
        """Close clock and connections."""
        self._writer.close()
        await self._observer.close()

    def now(self) -> datetime:
        """Return the virtual time."""
        return self._writer.now()

    def is_frozen(self) -> bool:
        """Tell whether the virtual time stands still."""
        return self._writer.is_frozen()

    async def freeze(self) -> None:
        """Stop time where it is; raises `Travelling`."""
        async with self._alone():
            self._writer.freeze()

    async def release(self) -> None:
        """Let time run on from where it is; raises `Travelling`."""
        async with self._alone():
            self._writer.run()

    async def travel(self, target: datetime, *, stay: bool) -> Travelled:
        """Go to `target` and stand there (`stay`) or run on from there.

        Raises `TimeRunsForward`, `Travelling`, and `WorldNotQuiet` after 120 s at one instant: the
        clock then stands at that instant and the same call goes on from there.
        """
        async with self._alone():
            if target < self._writer.now():
                raise TimeRunsForward(f"It is already {self._writer.now():%Y-%m-%d %H:%M:%S} UTC.")
            self._writer.freeze()
            log = FiredLog(self._observer)
            await log.begin(self._writer.now())
            view = await self._settle(log)
            while view.next_at is not None and view.next_at <= target:
                self._writer.freeze(max(view.next_at, self._writer.now()))
                view = await self._settle(log)
            if self._writer.now() < target:
                self._writer.freeze(target)
                await self._settle(log)
            if not stay:
                self._writer.run()
            return Travelled(now=target, fired=log.in_order())

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """Hold the world's travel lock; raises `Travelling` when somebody else does."""
        with self._lock_file.open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Travelling("Wait until the other travel has arrived.") from error
            yield

    async def _settle(self, log: "FiredLog") -> View:
        """Wait until the world is quiet at this instant; returns the last look at it."""
        instant = self._writer.now()
        await log.note_due(instant)
        started = woken = self._real.monotonic()
        await self._wake()
        pause, quiet_looks = POLL_SECONDS, 0
        while True:
            view = await self._observer.look(instant)
            if view.is_quiet:
                quiet_looks += QUIET_LOOKS if view.is_certain else 1
                if quiet_looks >= QUIET_LOOKS:
                    await log.note_ended(instant)
                    return view
                await asyncio.sleep(POLL_SECONDS)
                continue
            quiet_looks = 0
            if self._real.monotonic() - started > self._patience:
                raise WorldNotQuiet(
                    f"At {instant.isoformat()} there is still: {', '.join(view.pending)}."
                )
            if self._real.monotonic() - woken > WAKE_SECONDS:
                woken = self._real.monotonic()
                await self._wake()
            await asyncio.sleep(pause)
            pause = min(POLL_SECONDS_MAX, pause * POLL_GROWTH)

    async def _wake(self) -> None:
        """Say that time has moved; who cannot hear it now is told again a second later."""
        try:
            await self._observer.wake(self._writer.now())
        except (*DATABASE_ERRORS, httpx.HTTPError):
            await asyncio.sleep(POLL_SECONDS)


class FiredLog:
    """What fired in one travel: timings completed in it, or tried and moved to a later instant."""

    def __init__(self, observer: Observer) -> None:
        """Ask the database through `observer`."""
        self._observer = observer
        self._before: set[UUID] = set()
        self._due: dict[UUID, asyncpg.Record] = {}
        self._completed: set[UUID] = set()
        self._fired: list[tuple[Fired, UUID]] = []

    async def begin(self, now: datetime) -> None:
        """Remember what was completed before the travel."""
        rows = await self._observer.read(ENDED, now, [])
        self._before = {row["id"] for row in rows}

    async def note_due(self, instant: datetime) -> None:
        """Remember what is about to fire."""
        rows = await self._observer.read(DUE, instant)
        self._due = {row["id"]: row for row in rows}

    async def note_ended(self, instant: datetime) -> None:
        """Note what fired since `note_due`."""
        rows = await self._observer.read(ENDED, instant, list(self._due))
        for row in rows:
            due = self._due.get(row["id"], row)
            if row["id"] in self._completed or (row["id"] in self._before and due is row):
                continue
            if row["state"] == "completed":
                self._completed.add(row["id"])
            elif not (row["state"] == "scheduled" and row["attempt"] > due["attempt"]):
                continue
            fired = Fired(
                kind=due["kind"],
                subject_id=due["subject_id"],
                booking_id=due["booking_id"],
                due_at=due["due_at"],
            )
            self._fired.append((fired, row["id"]))

    def in_order(self) -> list[Fired]:
        """Return what fired, by due time, kind and id."""
        ordered = sorted(self._fired, key=lambda one: (one[0].due_at, one[0].kind, one[1]))
        return [fired for fired, _ in ordered]
