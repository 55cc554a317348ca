"""Tells whether the whole world has done all it has to do at this instant, and what comes next."""

import asyncio
from datetime import datetime

import asyncpg
import httpx
import msgspec

LOOK = """
SELECT
  (SELECT count(*) FROM timings WHERE state = 'scheduled' AND due_at <= $1)
    + (SELECT count(*) FROM timings WHERE state = 'running') AS timings,
  (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS outbox,
  (SELECT count(*) FROM stripe_events WHERE state = 'received' AND next_attempt_at <= $1) AS events,
  (SELECT count(*) FROM stripe_operations WHERE state IN ('planned', 'sent')) AS operations,
  least(
    (SELECT min(due_at) FROM timings WHERE state = 'scheduled'),
    (SELECT min(next_attempt_at) FROM stripe_events WHERE state = 'received')
  ) AS next_at,
  pg_current_snapshot()::text AS writers
"""
"""`writers`: the first and the next transaction that writes, and those now writing."""
DUE = """
SELECT id, kind, subject_id, booking_id, due_at, attempt, state FROM timings
WHERE (state = 'scheduled' AND due_at <= $1) OR state = 'running'
"""
ENDED = """
SELECT id, kind, subject_id, booking_id, due_at, attempt, state FROM timings
WHERE id = ANY($2) OR (state = 'completed' AND completed_at >= $1)
"""
READ_ATTEMPTS_MAX = 60
READ_PAUSE_SECONDS = 0.5
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


class EmulatorDue(msgspec.Struct, frozen=True, kw_only=True):
    """What the Stripe emulator says of its own future."""

    next_at: datetime | None
    deliveries_due: int


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the world: what is pending now, as words, and the next instant with work.

    `is_certain`: nobody wrote while database and emulator were asked one after the other.
    """

    pending: tuple[str, ...]
    next_at: datetime | None
    is_certain: bool = False

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing is pending."""
        return not self.pending


class Observer:
    """Looks at the database and the emulator of one world."""

    def __init__(self, database_url: str, emulator_url: str | None) -> None:
        """Connects at the first look; without an emulator only the database counts."""
        self._database_url = database_url
        self._emulator_url = emulator_url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self._emulator_next_at: datetime | None = None
        self._knows_emulator = False

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._disconnect()

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one query; raises one of `DATABASE_ERRORS` while the database is away."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._database_url, timeout=5)
            return await self._connection.fetch(query, *arguments)
        except DATABASE_ERRORS:
            await self._disconnect()
            raise

    async def read(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one query, again and again while the database is away, at most for half a minute."""
        for _ in range(READ_ATTEMPTS_MAX):
            try:
                return await self.fetch(query, *arguments)
            except DATABASE_ERRORS:
                await asyncio.sleep(READ_PAUSE_SECONDS)
        return await self.fetch(query, *arguments)

    async def wake(self, now: datetime) -> None:
        """Tell clock process and emulator that time has moved; losing this only costs time."""
        await self.fetch("NOTIFY timings")
        next_at = self._emulator_next_at
        is_idle = self._knows_emulator and (next_at is None or next_at > now)
        if self._emulator_url is not None and not is_idle:
            await self._client.post(f"{self._emulator_url}/_emulator/clock", json={})

    async def look(self, now: datetime) -> View:
        """Say what is pending at `now`; a part that does not answer is itself pending."""
        try:
            row = (await self.fetch(LOOK, now))[0]
            pending = _pending(row)
            if pending or self._emulator_url is None:
                return View(pending=pending, next_at=row["next_at"])
            due = await self._emulator_due()
            again = (await self.fetch(LOOK, now))[0]
        except DATABASE_ERRORS as error:
            return View(pending=(f"the database ({error})",), next_at=None)
        except httpx.HTTPError as error:
            self._knows_emulator = False
            return View(pending=(f"the Stripe emulator ({error!r})",), next_at=None)
        pending = (*_pending(again), *_emulator_pending(due, now))
        next_at = min(
            (at for at in (again["next_at"], due.next_at) if at is not None), default=None
        )
        return View(pending=pending, next_at=next_at, is_certain=_is_untouched(row, again))

    async def _emulator_due(self) -> EmulatorDue:
        """Ask the emulator when it has work of its own."""
        answer = await self._client.get(f"{self._emulator_url}/_emulator/due")
        answer.raise_for_status()
        due = msgspec.json.decode(answer.content, type=EmulatorDue)
        self._emulator_next_at, self._knows_emulator = due.next_at, True
        return due

    async def _disconnect(self) -> None:
        """Drop the database connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _pending(row: asyncpg.Record) -> tuple[str, ...]:
    """Return what the database still has to do, in words."""
    counts = (
        (row["timings"], "timings due or running"),
        (row["outbox"], "outbox events not published"),
        (row["events"], "Stripe events not worked"),
        (row["operations"], "Stripe operations planned or sent"),
    )
    return tuple(f"{count} {what}" for count, what in counts if count)


def _is_untouched(before: asyncpg.Record, after: asyncpg.Record) -> bool:
    """Tell whether nobody wrote anything between two looks, nor was about to."""
    writers: str = after["writers"]
    return writers == before["writers"] and writers.endswith(":")


def _emulator_pending(due: EmulatorDue, now: datetime) -> tuple[str, ...]:
    """Return what the emulator still has to do, in words."""
    pending: list[str] = []
    if due.deliveries_due:
        pending.append(f"{due.deliveries_due} webhook deliveries due")
    if due.next_at is not None and due.next_at <= now:
        pending.append("work of the Stripe emulator")
    return tuple(pending)
