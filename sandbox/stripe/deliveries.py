"""Sends events to webhook endpoints: at once, signed, retried; never lost, never in the way.

A delivery is a row from the commit of its event until an endpoint took it. What was in flight when
the process died is simply due again.
"""

import asyncio
import contextlib
import random
import sqlite3
import traceback
from typing import Any, Final

import httpx
import msgspec

from sandbox.stripe.clock import EmulatorClock
from sandbox.stripe.events import payload_of
from sandbox.stripe.faults import Fault, Faults
from sandbox.stripe.log import Log
from sandbox.stripe.parcels import EXTRAS, TAMPERING, extra_event, pack
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

AT_ONCE_MAX: Final = 32
GATHER_SECONDS: Final = 1.0
GATHER_POLL_SECONDS: Final = 0.2
IDLE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = (5, 30, 120, 600, 3_600, 10_800, *([21_600] * 11))
"""Gaps between attempts: 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, then 6 h until three days are over."""
PATIENCE_US: Final = sum(RETRY_SECONDS) * 1_000_000
ARRIVAL_POLL_SECONDS: Final = 0.02


class Deliverer:
    """The background sender."""

    def __init__(self, store: Store, clock: EmulatorClock, config: Config, faults: Faults) -> None:
        self.store = store
        self.clock = clock
        self.config = config
        self.faults = faults
        self.wanted = asyncio.Event()
        self.in_flight: set[int] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.gathered: list[tuple[sqlite3.Row, Fault]] = []
        self.gathered_at = 0.0
        self.client: httpx.AsyncClient | None = None
        self.log = Log(store, clock)

    def wake(self) -> None:
        """Something may be due."""
        self.wanted.set()

    def newest(self) -> int:
        """The number of the latest delivery."""
        return self.store.scalar("SELECT coalesce(max(id), 0) FROM deliveries")

    async def arrived(self, newest: int) -> None:
        """Return when every delivery after `newest` was tried once, or when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.delivery_timeout_seconds):
                while self.store.scalar(  # noqa: ASYNC110 -- the row tells, not an event
                    "SELECT count(*) FROM deliveries WHERE id > ? AND state = 'pending'"
                    " AND attempts = 0",
                    newest,
                ):
                    await asyncio.sleep(ARRIVAL_POLL_SECONDS)

    def abandon(self) -> None:
        """Forget what is in flight: the state it belonged to is gone."""
        for task in self.tasks:
            task.cancel()
        self.tasks, self.in_flight, self.gathered = set(), set(), []

    async def run(self) -> None:
        """Send what is due, for ever."""
        limits = httpx.Limits(max_connections=AT_ONCE_MAX, max_keepalive_connections=AT_ONCE_MAX)
        async with httpx.AsyncClient(limits=limits, trust_env=False) as self.client:
            try:
                while True:
                    await self._round()
            finally:
                for task in self.tasks:
                    task.cancel()
                await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _round(self) -> None:
        """Send what is due, then wait for more."""
        self.wanted.clear()
        self._start_due()
        await self._flush_gathered()
        pause = GATHER_POLL_SECONDS if self.gathered else IDLE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self.wanted.wait()

    def _start_due(self) -> None:
        """Begin as many due deliveries as may be in flight."""
        free = AT_ONCE_MAX - len(self.tasks)
        if free <= 0:
            return
        rows = self.store.rows(
            "SELECT id, event_id, endpoint_id, attempts FROM deliveries WHERE state = 'pending'"
            " AND due_at <= CASE is_wall WHEN 1 THEN ? ELSE ? END ORDER BY due_at, id LIMIT ?",
            self.clock.wall_us(),
            self.clock.now_us(),
            free + len(self.in_flight),
        )
        for row in self._shuffled(rows):
            if row["id"] not in self.in_flight and len(self.tasks) < AT_ONCE_MAX:
                self.in_flight.add(row["id"])
                self._begin(row)

    def _shuffled(self, rows: list[sqlite3.Row]) -> list[sqlite3.Row]:
        """Stripe promises no order: within the configured window there is none, by the seed."""
        window = self.config.shuffle_window
        if window < 2 or not rows:
            return rows
        chance = random.Random(f"{self.store.seed}:{rows[0]['id']}")  # noqa: S311 -- seeded
        groups = [rows[start : start + window] for start in range(0, len(rows), window)]
        return [row for group in groups for row in chance.sample(group, len(group))]

    def _begin(self, row: sqlite3.Row) -> None:
        """Look what faults do to this delivery, then send it."""
        event = self.store.scalar(
            "SELECT body ->> '$.type' FROM objects WHERE id = ?", row["event_id"]
        )
        firing = self.faults.on_delivery(event or "", row["endpoint_id"]) if self.faults.all else []
        by_action = {fault.rule.action: fault for fault in firing}
        if "drop" in by_action:
            self._record(row, "dropped", "dropped by a fault")
            return
        if "delay" in by_action:
            self._move(row, by_action["delay"].draws(60.0))
            return
        if "duplicate" in by_action:
            self._duplicate(row, by_action["duplicate"].rule.count)
        if row["attempts"] == 0:
            self._send_extras(row, [action for action in EXTRAS if action in by_action])
        if "reorder" in by_action:
            self.gathered_at = self.gathered_at if self.gathered else self.clock.monotonic()
            self.gathered.append((row, by_action["reorder"]))
            return
        tampering = {action: by_action[action] for action in TAMPERING if action in by_action}
        self._spawn(row, tampering)

    def _spawn(self, row: sqlite3.Row, tampering: dict[str, Fault] | None = None) -> None:
        task = asyncio.create_task(self._deliver(row, tampering or {}))
        self.tasks.add(task)
        in_flight, tasks = self.in_flight, self.tasks
        task.add_done_callback(lambda ended: self._ended(ended, row["id"], in_flight, tasks))

    def _ended(
        self,
        task: asyncio.Task[None],
        delivery: int,
        in_flight: set[int],
        tasks: set[asyncio.Task[None]],
    ) -> None:
        """A delivery is no longer in flight, however it ended; a bug of ours is told."""
        tasks.discard(task)
        in_flight.discard(delivery)
        if not task.cancelled() and (error := task.exception()):
            traceback.print_exception(error)
        self.wake()

    async def _flush_gathered(self) -> None:
        """Send what a reorder rule gathered, the last first, one after the other."""
        if not self.gathered:
            return
        is_full = len(self.gathered) >= self.gathered[0][1].rule.window
        if not is_full and self.clock.monotonic() - self.gathered_at < GATHER_SECONDS:
            return
        gathered, self.gathered = self.gathered, []
        for row, _ in reversed(gathered):
            await self._deliver(row, {})

    async def _deliver(self, row: sqlite3.Row, tampering: dict[str, Fault]) -> None:
        """One attempt; its outcome is recorded before it stops being in flight."""
        endpoint = self.store.find("webhook_endpoint", row["endpoint_id"])
        payload = payload_of(self.store, row["event_id"])
        if endpoint is None or payload is None:
            self._record(row, "dropped", "the endpoint or the event is gone")
            return
        status, answer = await self._send(endpoint, payload, tampering)
        self.store.execute(
            "INSERT INTO attempts (delivery, at, wall_at, status, answer, fault)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            row["id"],
            self.clock.now_us(),
            self.clock.wall_us(),
            status,
            answer,
            ", ".join(tampering) or None,
        )
        if 200 <= status < 300:
            self._record(row, "succeeded", str(status))
        else:
            self._failed(row, endpoint, f"{status} {answer}"[:500])

    async def _send(
        self, endpoint: Doc, payload: bytes, tampering: dict[str, Fault]
    ) -> tuple[int, str]:
        """POST the payload; (0, why) when there was no answer. Redirects count as failure."""
        if self.client is None:
            return 0, "not running"
        parcel = pack(
            endpoint,
            payload,
            now_us=self.clock.now_us(),
            wall_us=self.clock.wall_us(),
            tampering=tampering,
        )
        try:
            async with asyncio.timeout(self.config.delivery_timeout_seconds):
                answer = await self.client.post(
                    endpoint["url"],
                    content=parcel.payload,
                    headers={
                        "content-type": "application/json; charset=utf-8",
                        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                        "stripe-signature": parcel.signature,
                    },
                )
        except (TimeoutError, httpx.HTTPError) as error:
            return 0, repr(error)
        return answer.status_code, answer.text[:200]

    def _record(self, row: sqlite3.Row, state: str, answer: str) -> None:
        """The delivery is over."""
        self.store.execute(
            "UPDATE deliveries SET state = ?, answer = ?, attempts = attempts + 1 WHERE id = ?",
            state,
            answer,
            row["id"],
        )
        self.in_flight.discard(row["id"])

    def _failed(self, row: sqlite3.Row, endpoint: Doc, answer: str) -> None:
        """Try again later; after three days give up, and disable an endpoint that took nothing."""
        attempts = row["attempts"]
        if attempts >= len(RETRY_SECONDS):
            self._record(row, "failed", answer)
            if not self._took_anything(endpoint["id"]):
                self._disable(endpoint)
            return
        is_wall = self.config.retry_clock == "wall"
        now_us = self.clock.wall_us() if is_wall else self.clock.now_us()
        self.store.execute(
            "UPDATE deliveries SET attempts = attempts + 1, due_at = ?, is_wall = ?, answer = ?"
            " WHERE id = ?",
            now_us + RETRY_SECONDS[attempts] * 1_000_000,
            int(is_wall),
            answer,
            row["id"],
        )
        self.in_flight.discard(row["id"])

    def _took_anything(self, endpoint_id: str) -> bool:
        """Whether an endpoint answered any delivery with success within the last three days."""
        is_wall = self.config.retry_clock == "wall"
        now_us = self.clock.wall_us() if is_wall else self.clock.now_us()
        column = "wall_at" if is_wall else "at"
        query = (
            "SELECT 1 FROM attempts JOIN deliveries ON deliveries.id = attempts.delivery"  # noqa: S608 -- our own column names
            f" WHERE endpoint_id = ? AND status BETWEEN 200 AND 299 AND attempts.{column} >= ?"
        )
        return bool(self.store.scalar(query, endpoint_id, now_us - PATIENCE_US))

    def _disable(self, endpoint: Doc) -> None:
        """Send nothing there any more, as Stripe after three days; the log tells it."""
        with self.store.transaction():
            self.store.save({**endpoint, "status": "disabled"})
            self.store.execute(
                "UPDATE deliveries SET state = 'failed', answer = 'the endpoint was disabled'"
                " WHERE endpoint_id = ? AND state = 'pending'",
                endpoint["id"],
            )
            self.log.note("HOOK", endpoint["url"], "endpoint_disabled")

    def _move(self, row: sqlite3.Row, seconds: float) -> None:
        """Deliver later, by the clock retries use."""
        is_wall = self.config.retry_clock == "wall"
        now_us = self.clock.wall_us() if is_wall else self.clock.now_us()
        self.store.execute(
            "UPDATE deliveries SET due_at = ?, is_wall = ? WHERE id = ?",
            now_us + int(seconds * 1_000_000),
            int(is_wall),
            row["id"],
        )
        self.in_flight.discard(row["id"])

    def _duplicate(self, row: sqlite3.Row, copies: int) -> None:
        """Further deliveries of the same event; they meet no duplicate rule again."""
        for _ in range(copies):
            copy = self.store.row(
                "INSERT INTO deliveries (event_id, endpoint_id, state, attempts, created_at,"
                " due_at, is_wall) SELECT event_id, endpoint_id, 'pending', attempts, created_at,"
                " due_at, is_wall FROM deliveries WHERE id = ?"
                " RETURNING id, event_id, endpoint_id, attempts",
                row["id"],
            )
            if copy is not None:
                self.in_flight.add(copy["id"])
                self._spawn(copy)

    def _send_extras(self, row: sqlite3.Row, actions: list[str]) -> None:
        """Further events beside this one, to the same endpoint; they meet no fault themselves."""
        payload = payload_of(self.store, row["event_id"]) if actions else None
        if payload is None:
            return
        event = msgspec.json.decode(payload)
        for action in actions:
            with self.store.transaction():
                event_id = extra_event(self.store, event, action)
                extra = self._insert(event_id, row["endpoint_id"])
            self.in_flight.add(extra["id"])
            self._spawn(extra)

    def _insert(self, event_id: str, endpoint_id: str) -> sqlite3.Row:
        """A delivery that is due now."""
        now_us = self.clock.now_us()
        return self.store.execute(
            "INSERT INTO deliveries (event_id, endpoint_id, state, attempts, created_at, due_at,"
            " is_wall) VALUES (?, ?, 'pending', 0, ?, ?, 0)"
            " RETURNING id, event_id, endpoint_id, attempts",
            event_id,
            endpoint_id,
            now_us,
            now_us,
        ).fetchone()

    def resend(self, event_id: str, endpoint_id: str | None = None) -> int:
        """Deliver an event again: to one endpoint, or to all that got it; returns how many."""
        query = "SELECT DISTINCT endpoint_id FROM deliveries WHERE event_id = ?"
        found = [row["endpoint_id"] for row in self.store.rows(query, event_id)]
        wanted = [endpoint_id] if endpoint_id else found
        for each in wanted:
            self._insert(event_id, each)
        return len(wanted)
