"""Does what a timing promises, when the clock has sent it to work.

Every kind ends in a command to the calendar or in driving a payment; both decide from what is
stored, so a timing that fires twice, late, or for a booking that moved on harms nobody.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from actors.calendar_commands import CancelUnpaid, Complete, Confirm, Expire, Start
from actors.calendars import Calendars
from actors.credits import Credits
from actors.debts import Debts
from actors.floats import Floats
from actors.moves import Moves
from actors.no_shows import NoShows
from actors.payment_records import Why
from actors.payments import Driven, Payments
from actors.standard_payouts import StandardPayouts
from domain.bookings import system
from domain.errors import Conflict, DomainError, NotFound, Unavailable
from domain.ids import BookingId, CommandId, LotId, new_id
from domain.people import Viewer
from domain.settings import POLICY, Policy
from domain.timings import after_last_attempt
from gateways.clock import Clock
from storage.audit import record_action
from storage.credits import lots_to_expire
from storage.database import Database
from storage.payments import (
    booking_parties,
    bookings_to_authorize,
    bookings_to_capture,
    bookings_to_retry,
)
from storage.query import Tx
from storage.timings import (
    ListedTiming,
    Timing,
    beat_timing,
    complete_timing,
    discard_timing,
    fail_timing,
    listed_timing,
    notify_clock,
    retry_timing,
    snooze_timing,
    timing_by_id,
)

log = structlog.get_logger()

LATENESS = Histogram(
    "due_lag_seconds",
    "How late timings begin to be worked, in the marketplace's time.",
    ("kind",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300),
)

PAYING = frozenset({"authorize", "capture", "settle"})
PAYMENT_LATENESS = Histogram(
    "payments_due_lag_seconds",
    "The same for what moves money: within 60 seconds at the 99th percentile.",
    ("kind",),
    buckets=(0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 3600),
)

ENDING = Counter(
    "authorizations_ending_total", "Authorizations half a day before their end, not captured."
)

DISCARDED = Counter("timings_discarded_total", "Timings given up after many failures.", ("kind",))

BEAT_SECONDS = 15.0
FAILURES_MAX = 10
SWEPT_MAX = 100
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""How long a timing waits, in real seconds, for who is at its payment already and for what does not
answer, before it is put off: the marketplace's time may stand still until it has fired."""
QUIET = timedelta(seconds=60)
"""How long a payment must have rested before a sweep takes an interest in it."""
SWEPT_BACK = timedelta(days=7)
"""How far back the sweep looks for ended bookings whose payment never began to move."""

SNOOZE: dict[str, timedelta] = {
    "busy": timedelta(seconds=1),
    "waiting": timedelta(seconds=2),
    "unknown": timedelta(minutes=5),  # the rescuer looks every few real seconds
    "blocked": timedelta(hours=1),
}
BRIEF = frozenset({"busy", "waiting"})
"""Over in a moment, mostly."""

COMMANDS: dict[str, type[Expire | Confirm | CancelUnpaid | Start | Complete]] = {
    "expire_hold": Expire,
    "confirm": Confirm,
    "cancel_unpaid": CancelUnpaid,
    "start": Start,
    "complete": Complete,
}


class Snooze(Exception):
    """Later, and not a failure."""

    def __init__(self, by: timedelta, *, is_brief: bool) -> None:
        """`by` is in the marketplace's time; `is_brief` says that waiting a moment may do."""
        super().__init__(str(by))
        self.by = by
        self.is_brief = is_brief


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """Who pays instructors, tells those who owe, and keeps enough for all of it."""

    standard_payouts: StandardPayouts
    debts: Debts
    floats: Floats


class Timings:
    """Fires timings; sweeps up what has none."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        payments: Payments,
        credits: Credits,  # noqa: A002 - the house's word
        moves: Moves,
        no_shows: NoShows,
        owed: Owed,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """Commands go to `calendars`, money to `payments`."""
        self._db = db
        self._calendars = calendars
        self._payments = payments
        self._credits = credits
        self._moves = moves
        self._no_shows = no_shows
        self._owed = owed
        self._clock = clock
        self._policy = policy

    async def fire(self, timing_id: UUID) -> None:
        """Works one timing that the clock has claimed; does nothing for any other."""
        timing = await timing_by_id(self._db.reads, timing_id=timing_id)
        if timing is None or timing.state != "running":
            return
        late = (self._clock.now() - timing.due_at).total_seconds()
        LATENESS.labels(kind=timing.kind).observe(max(0.0, late))
        if timing.kind in PAYING:
            PAYMENT_LATENESS.labels(kind=timing.kind).observe(max(0.0, late))
        async with self._beating(timing.id):
            await self._tried(timing)

    async def retry(self, timing_id: UUID, viewer: Viewer) -> ListedTiming:
        """Tries a promise at once that was given up or has failed; an admin says so.

        Raises `NotFound`, and `Conflict` for one that is over or needs no help.
        """
        now = self._clock.now()
        async with self._db.transaction() as tx:
            retried = await retry_timing(tx, timing_id=timing_id, now=now)
            timing = await listed_timing(tx, timing_id=timing_id)
            if timing is None:
                raise NotFound
            if retried is None:
                raise Conflict(f"this timing is {timing.state}, with {timing.failures} failures")
            await record_action(
                tx,
                action_id=new_id(now),
                actor_id=viewer.user_id,
                action="timing.retry",
                subject=str(timing_id),
                request_id=viewer.request_id,
                details={"kind": timing.kind, "subject_id": str(timing.subject_id)},
                now=now,
            )
            await notify_clock(tx)
        return timing

    async def sweep(self, name: str) -> None:
        """One of the safety nets, on the functions that the timings use."""
        now = self._clock.now()
        reads, quiet = self._db.reads, now - QUIET
        match name:
            case "authorize_upcoming_bookings":
                until = now + self._policy.authorize_before
                found = await bookings_to_authorize(reads, start_until=until, most=SWEPT_MAX)
            case "retry_failed_authorizations":
                found = await bookings_to_retry(reads, quiet_since=quiet, most=SWEPT_MAX)
            case "capture_completed_bookings":
                until = now - self._policy.capture_after
                found = await bookings_to_capture(
                    reads,
                    end_until=until,
                    quiet_since=quiet,
                    ended_since=now - SWEPT_BACK,
                    last_attempt=after_last_attempt(self._policy),
                    most=SWEPT_MAX,
                )
            case "expire_old_credits":
                for lot_id in await lots_to_expire(reads, now=now, most=SWEPT_MAX):
                    await self._credits.expire(lot_id)
                return
            case "begin_payouts":
                await self._owed.standard_payouts.begin()
                return
            case "keep_float":
                await self._owed.floats.keep()
                return
            case _:
                log.error("sweep.unknown", name=name)
                return
        for booking_id in found:
            log.warning("sweep.found", name=name, booking=booking_id)
            await self._swept(booking_id, name)

    async def _swept(self, booking_id: UUID, name: str) -> None:
        try:
            why = Why(actor=system(f"sweep:{name}"), cause=name)
            await self._payments.drive(booking_id, why)
        except DomainError as error:
            log.warning("sweep.failed", name=name, booking=booking_id, code=error.code)

    async def _tried(self, timing: Timing) -> None:
        try:
            await self._patiently(timing)
        except Snooze as snooze:
            await self._snooze(timing, snooze.by)
        except Unavailable as error:
            log.info("timing.snoozed", timing=timing.id, kind=timing.kind, reason=error.detail)
            await self._snooze(timing, SNOOZE["waiting"])
        except DomainError as refusal:
            # the booking has moved on: there is nothing left to do here
            log.info("timing.over", timing=timing.id, kind=timing.kind, code=refusal.code)
            await self._complete(timing)
        except Exception as error:  # whatever it is, the timing must not be lost with it
            log.exception("timing.failed", timing=timing.id, kind=timing.kind)
            await self._fail(timing, repr(error))

    async def _patiently(self, timing: Timing) -> None:
        for pause in PAUSES:
            try:
                return await self._run(timing)
            except Snooze as snooze:
                if not snooze.is_brief:
                    raise
            except Unavailable as error:
                log.info("timing.waits", timing=timing.id, kind=timing.kind, reason=error.detail)
            await asyncio.sleep(pause)
        return await self._run(timing)

    async def _run(self, timing: Timing) -> None:
        match timing.kind:
            case "expire_hold" | "confirm" | "cancel_unpaid" | "start" | "complete":
                await self._command(timing)
            case "authorize" | "capture" | "settle" | "top_up" | "write_off":
                why = Why(actor=system(f"timing:{timing.id}"), cause=timing.kind)
                driven = await self._payments.drive(timing.subject_id, why, timing_id=timing.id)
                _snoozed(driven)
                await self._complete(timing)
            case "warn_payment":
                await self._payments.warn(timing.subject_id, timing_id=timing.id)
                await self._complete(timing)
            case "guard_authorization":
                ENDING.inc()
                log.error("authorization.ending", booking=timing.booking_id)
                await self._complete(timing)
            case "uphold_no_show":
                await self._no_shows.uphold(timing.subject_id)
                await self._complete(timing)
            case "expire_proposal":
                await self._moves.expire(timing.subject_id, timing_id=timing.id)
            case "pay_out" | "remind_debt" | "expire_credit" | "remind_credit":
                await self._of_somebody(timing)

    async def _of_somebody(self, timing: Timing) -> None:
        """What an instructor or a student is owed or owes, apart from any one lesson."""
        subject_id = timing.subject_id
        match timing.kind:
            case "pay_out":
                paid = await self._owed.standard_payouts.pay(subject_id, timing_id=timing.id)
                _snoozed(Driven(state=paid))
            case "remind_debt":
                await self._owed.debts.remind(subject_id, timing_id=timing.id)
            case "expire_credit":
                await self._credits.expire(LotId(subject_id), timing_id=timing.id)
            case _:
                await self._credits.remind(LotId(subject_id), timing_id=timing.id)

    async def _command(self, timing: Timing) -> None:
        """Asks the calendar; its own transaction ends the timing with the change.

        Nobody loses a lesson because Stripe does not take our key.
        """
        is_cancelling = timing.kind == "cancel_unpaid"
        if is_cancelling and await self._payments.waits_for_key(timing.subject_id):
            log.warning("cancel_unpaid.waits", booking=timing.subject_id)
            raise Snooze(SNOOZE["unknown"], is_brief=False)
        parties = await booking_parties(self._db.reads, booking_id=timing.subject_id)
        if parties is not None:
            command = COMMANDS[timing.kind](
                command_id=CommandId(new_id(self._clock.now())),
                actor=system(f"timing:{timing.id}"),
                booking_id=BookingId(timing.subject_id),
            )
            await self._calendars.ask(parties.instructor_id, command)
        await self._complete(timing)

    async def _complete(self, timing: Timing) -> None:
        """For a timing that the change itself has not ended."""
        await self._write(
            lambda tx: complete_timing(tx, timing_id=timing.id, now=self._clock.now())
        )

    async def _snooze(self, timing: Timing, by: timedelta) -> None:
        due_at = self._clock.now() + by
        await self._write(lambda tx: snooze_timing(tx, timing_id=timing.id, due_at=due_at))

    async def _fail(self, timing: Timing, error: str) -> None:
        now = self._clock.now()
        if timing.failures + 1 >= FAILURES_MAX:
            DISCARDED.labels(kind=timing.kind).inc()
            log.error("timing.discarded", timing=timing.id, kind=timing.kind)
            await self._write(
                lambda tx: discard_timing(tx, timing_id=timing.id, now=now, error=error)
            )
            return
        due_at = now + timedelta(seconds=2**timing.failures)
        await self._write(
            lambda tx: fail_timing(tx, timing_id=timing.id, due_at=due_at, error=error)
        )

    async def _write(self, write: Callable[[Tx], Awaitable[object]]) -> None:
        async with self._db.transaction() as tx:
            await write(tx)

    @asynccontextmanager
    async def _beating(self, timing_id: UUID) -> AsyncGenerator[None]:
        """Says again and again that this timing's worker lives (real time)."""
        beat = asyncio.create_task(self._beat(timing_id))
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _beat(self, timing_id: UUID) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            wall_now = self._clock.wall_now()
            with suppress(Unavailable):
                async with self._db.transaction() as tx:
                    await beat_timing(tx, timing_id=timing_id, wall_now=wall_now)


def _snoozed(driven: Driven) -> None:
    if by := SNOOZE.get(driven.state):
        raise Snooze(by, is_brief=driven.state in BRIEF)
