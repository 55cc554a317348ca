"""The clock process: sends due timings to work, tells what the outbox holds, rescues the stuck.

`python -m actors.clock` is one of them; two may run. It decides nothing and does no work itself,
so it stays on time: it takes what is due in order, sends ids to the queue, and sleeps until the
next instant, woken by NOTIFY. Virtual time may jump, so it looks at a shared clock very often.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from actors.broker import Queue, kick
from actors.wiring import Process, serve
from domain.errors import Unavailable
from domain.events import MAILED
from gateways.bus import Bus
from gateways.clock import Clock, SystemClock
from storage.database import Database
from storage.outbox import (
    WaitingEvent,
    become_relay,
    mark_events_kicked,
    mark_events_published,
    waiting_events,
)
from storage.stripe_events import DueEvent
from storage.stripe_events import waiting_events as waiting_stripe_events
from storage.timings import (
    Timing,
    claim_due_timings,
    next_due_at,
    rescue_timings,
    snooze_timing,
)

log = structlog.get_logger()

CHANNEL = "timings"
BATCH = 200
SLEEP_SECONDS = 5.0
LOOK_SECONDS = 0.02
"""How often a clock that may jump is looked at, and outbox and inbox without a wake-up."""
OUTAGE_SECONDS = 0.5
SWEEP_SECONDS = 15.0
SILENT_SECONDS = 60
RESENT_SECONDS = 30.0
SWEEPS = (
    "authorize_upcoming_bookings",
    "capture_completed_bookings",
    "retry_failed_authorizations",
    "expire_old_credits",
    "begin_payouts",
    "keep_float",
)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it goes over the bus to those who watch live."""

    id: UUID
    event: str
    subject_id: UUID
    at: datetime
    payload: dict[str, str | int | None]


class ClockLoop:
    """One clock: three loops that share nothing but the wake-up."""

    def __init__(self, *, db: Database, bus: Bus, queue: Queue, clock: Clock) -> None:
        """Takes from `db`, sends to `queue`, tells on `bus`."""
        self._db = db
        self._bus = bus
        self._queue = queue
        self._clock = clock
        self._is_virtual = type(clock) is not SystemClock
        self._wakers: list[asyncio.Event] = []
        self._sent: dict[DueEvent, float] = {}

    async def run(self) -> None:
        """Runs until cancelled."""
        async with (
            self._db.listen(CHANNEL, lambda _: self._wake()),
            asyncio.TaskGroup() as loops,
        ):
            for turn, next_at in (
                (self._send_due, self._next_due),
                (self._tell, None),
                (self._send_stripe_events, None),
            ):
                loops.create_task(self._loop(turn, next_at))
            loops.create_task(self._sweeping())

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()

    async def _loop(
        self,
        turn: Callable[[], Awaitable[bool]],
        next_at: Callable[[], Awaitable[datetime | None]] | None,
    ) -> None:
        """Repeats a turn: at once while it says there is more, else when something is due."""
        waker = asyncio.Event()
        self._wakers.append(waker)
        while True:
            waker.clear()
            try:
                if await turn():
                    continue
                due_at = await next_at() if next_at else None
            except Unavailable as error:
                log.warning("clock.waits", turn=turn.__name__, reason=error.detail)
                await asyncio.sleep(OUTAGE_SECONDS)
                continue
            except Exception:
                # a clock that stops stops the marketplace: it must outlive any bug of one turn
                log.exception("clock.turn_failed", turn=turn.__name__)
                await asyncio.sleep(SLEEP_SECONDS)
                continue
            if next_at is None:
                await _woken(waker, LOOK_SECONDS)
            else:
                await self._sleep(waker, due_at)

    async def _sleep(self, waker: asyncio.Event, due_at: datetime | None) -> None:
        """Sleeps until the instant, a wake-up, or five real seconds."""
        until = self._clock.monotonic() + SLEEP_SECONDS
        while not waker.is_set():
            left = until - self._clock.monotonic()
            if due_at is not None:
                left = min(left, (due_at - self._clock.now()).total_seconds())
            if left <= 0:
                return
            await _woken(waker, min(left, LOOK_SECONDS) if self._is_virtual else left)

    async def _next_due(self) -> datetime | None:
        return await next_due_at(self._db.reads)

    async def _send_due(self) -> bool:
        """Claims due timings and sends them to work in order; whether there may be more."""
        async with self._db.transaction() as tx:
            claimed = await claim_due_timings(
                tx, now=self._clock.now(), wall_now=self._clock.wall_now(), limit=BATCH
            )
        if not claimed:
            return False
        stamp = self._clock.wall_now().timestamp()
        sent = await asyncio.gather(
            *(
                kick(self._queue, "fire_timing", str(each.id), once=f"{each.id}:{stamp}")
                for each in claimed
            )
        )
        lost = [each for each, is_sent in zip(claimed, sent, strict=True) if not is_sent]
        if lost:
            await self._give_back(lost)
            await asyncio.sleep(OUTAGE_SECONDS)
        return len(claimed) == BATCH or bool(lost)

    async def _give_back(self, lost: list[Timing]) -> None:
        """What could not be sent is due as before."""
        async with self._db.transaction() as tx:
            for each in lost:
                await snooze_timing(tx, timing_id=each.id, due_at=each.due_at)

    async def _send_stripe_events(self) -> bool:
        """Sends stored webhook events to work; one still untouched is sent again after a while."""
        waiting = await waiting_stripe_events(self._db.reads, now=self._clock.now(), most=BATCH)
        now = self._clock.monotonic()
        # forgets what is worked, and what was sent so long ago that it must have been lost
        self._sent = {
            each: self._sent[each]
            for each in waiting
            if now - self._sent.get(each, now - RESENT_SECONDS) < RESENT_SECONDS
        }
        fresh = [each for each in waiting if each not in self._sent]
        for each in fresh:
            if not await kick(self._queue, "work_stripe_event", each.id, once=f"{each.id}:{now}"):
                await asyncio.sleep(OUTAGE_SECONDS)
                return True
            self._sent[each] = now
        return False

    async def _tell(self) -> bool:
        """Tells waiting events on the bus, in order, and sends those with mails to work.

        The transaction stays open while the bus takes them (milliseconds): its lock is what makes
        this the one relay, so a booking's events are told in the order they happened.
        """
        now, wall_now = self._clock.now(), self._clock.wall_now()
        silent = wall_now - timedelta(seconds=SILENT_SECONDS)
        if not await waiting_events(self._db.reads, kicked_before=silent, limit=1):
            return False
        async with self._db.transaction() as tx:
            if not await become_relay(tx):
                return False
            events = await waiting_events(tx, kicked_before=silent, limit=BATCH)
            if not events:
                return False
            for event in events:
                await self._publish(event)
            # what the bus has not taken stays in the outbox
            await self._bus.ping()
            mailed = [each for each in events if each.topic in MAILED]
            others = [each.id for each in events if each.topic not in MAILED]
            await mark_events_published(tx, event_ids=others, now=now)
            await mark_events_kicked(tx, event_ids=[each.id for each in mailed], now=wall_now)
        for each in mailed:
            await kick(
                self._queue, "deliver_event", str(each.id), once=f"{each.id}:{wall_now.timestamp()}"
            )
        return len(events) == BATCH

    async def _publish(self, event: WaitingEvent) -> None:
        told = Told(
            id=event.id,
            event=event.topic,
            subject_id=event.subject_id,
            at=event.created_at,
            payload=event.payload,
        )
        body = msgspec.json.encode(told)
        for user_id in event.user_ids:
            await self._bus.publish(f"events.user.{user_id}", body)
        await self._bus.publish(f"events.{event.topic}", body)

    async def _sweeping(self) -> None:
        """The safety nets, by real time: rescue, sweeps, operations left open."""
        while True:
            try:
                await self._sweep_once()
            except Unavailable as error:
                log.warning("clock.waits", turn="sweep", reason=error.detail)
            except Exception:
                log.exception("clock.turn_failed", turn="sweep")
            await asyncio.sleep(SWEEP_SECONDS)

    async def _sweep_once(self) -> None:
        wall_now = self._clock.wall_now()
        silent = wall_now - timedelta(seconds=SILENT_SECONDS)
        async with self._db.transaction() as tx:
            rescued = await rescue_timings(tx, beat_before=silent, limit=BATCH)
        for each in rescued:
            log.warning("timing.rescued", timing=each.id, kind=each.kind)
        if rescued:
            self._wake()
        stamp = f"{wall_now.timestamp():.0f}"
        for name in SWEEPS:
            await kick(self._queue, "sweep", name, once=f"{name}:{stamp}")
        await kick(self._queue, "rescue_operations", "", once=f"operations:{stamp}")
        await kick(self._queue, "reconcile", "", once=f"reconcile:{stamp}")


async def _woken(waker: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waker.wait()
    except TimeoutError:
        return


async def run(process: Process, stopped: asyncio.Event) -> None:
    """Keeps time until told to stop."""
    loop = ClockLoop(db=process.db, bus=process.bus, queue=process.queue, clock=process.clock)
    running = asyncio.create_task(loop.run())
    ending = asyncio.create_task(stopped.wait())
    await asyncio.wait({running, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def main() -> int:
    """Runs until told to stop; exit code 1 with one sentence when it cannot begin."""
    return serve(run, name="clock")


if __name__ == "__main__":
    sys.exit(main())
