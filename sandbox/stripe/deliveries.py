"""Sends events to webhook endpoints: at once, signed, retried; never lost, never in the way.

A delivery is a row from the commit of its event until an endpoint took it. What was in flight when
the process died is simply due again.
"""

import asyncio
import contextlib
import hmac
import sqlite3
import traceback
from hashlib import sha256
from typing import Any, Final

import httpx

from sandbox.stripe.clock import EmulatorClock
from sandbox.stripe.events import payload_of
from sandbox.stripe.faults import Fault, Faults
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

AT_ONCE_MAX: Final = 32
GATHER_SECONDS: Final = 1.0
GATHER_POLL_SECONDS: Final = 0.2
IDLE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = (5, 30, 120, 600, 3_600, 10_800, *([21_600] * 11))
"""Gaps between attempts: 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, then 6 h until three days are over."""
TAMPERING: Final = ("bad_sig", "old_timestamp", "future_timestamp", "wrong_secret")


def signature_header(secret: str, payload: bytes, timestamp: int) -> str:
    """`Stripe-Signature` of a payload, by real time."""
    signed = f"{timestamp}.".encode() + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, sha256).hexdigest()}"


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

    def wake(self) -> None:
        """Something may be due."""
        self.wanted.set()

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
        for row in rows:
            if row["id"] not in self.in_flight and len(self.tasks) < AT_ONCE_MAX:
                self.in_flight.add(row["id"])
                self._begin(row)

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
        if "reorder" in by_action:
            self.gathered_at = self.gathered_at if self.gathered else self.clock.monotonic()
            self.gathered.append((row, by_action["reorder"]))
            return
        tampering = next((action for action in TAMPERING if action in by_action), "")
        self._spawn(row, tampering)

    def _spawn(self, row: sqlite3.Row, tampering: str = "") -> None:
        task = asyncio.create_task(self._deliver(row, tampering))
        self.tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, row["id"]))

    def _ended(self, task: asyncio.Task[None], delivery: int) -> None:
        """A delivery is no longer in flight, however it ended; a bug of ours is told."""
        self.tasks.discard(task)
        self.in_flight.discard(delivery)
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
            await self._deliver(row, "")

    async def _deliver(self, row: sqlite3.Row, tampering: str) -> None:
        """One attempt; its outcome is recorded before it stops being in flight."""
        endpoint = self.store.find("webhook_endpoint", row["endpoint_id"])
        payload = payload_of(self.store, row["event_id"])
        if endpoint is None or payload is None:
            self._record(row, "dropped", "the endpoint or the event is gone")
            return
        status, answer = await self._send(endpoint, payload, tampering)
        if 200 <= status < 300:
            self._record(row, "succeeded", str(status))
        else:
            self._failed(row, endpoint, f"{status} {answer}"[:500])

    async def _send(self, endpoint: Doc, payload: bytes, tampering: str) -> tuple[int, str]:
        """POST the payload; (0, why) when there was no answer. Redirects count as failure."""
        if self.client is None:
            return 0, "not running"
        shift = {"old_timestamp": -3_600, "future_timestamp": 3_600}.get(tampering, 0)
        timestamp = self.clock.wall_us() // 1_000_000 + shift
        secret = "whsec_wrong" if tampering == "wrong_secret" else endpoint["_"]["secret"]
        header = signature_header(secret, payload, timestamp)
        if tampering == "bad_sig":
            header = header[:-8] + "00000000"
        try:
            async with asyncio.timeout(self.config.delivery_timeout_seconds):
                answer = await self.client.post(
                    endpoint["url"],
                    content=payload,
                    headers={
                        "content-type": "application/json; charset=utf-8",
                        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                        "stripe-signature": header,
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
        """Try again later, or give up after three days and disable the endpoint."""
        attempts = row["attempts"]
        if attempts >= len(RETRY_SECONDS):
            self._record(row, "failed", answer)
            endpoint["status"] = "disabled"
            self.store.save(endpoint)
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


def resend(store: Store, event_id: str, now_us: int) -> int:
    """Deliver an event again to every endpoint that got it; returns how many."""
    rows = store.rows("SELECT DISTINCT endpoint_id FROM deliveries WHERE event_id = ?", event_id)
    for row in rows:
        store.execute(
            "INSERT INTO deliveries (event_id, endpoint_id, state, attempts, created_at, due_at,"
            " is_wall) VALUES (?, ?, 'pending', 0, ?, ?, 0)",
            event_id,
            row["endpoint_id"],
            now_us,
            now_us,
        )
    return len(rows)
