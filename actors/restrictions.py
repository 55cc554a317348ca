"""What Stripe lets instructors' accounts do, what waits for it, and who hears of a change.

The calendar's row is the lock: of two workers with the same news one tells it. What an account may
do decides who can be booked, so every change raises the calendar's version.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter

from actors.calendars import Calendars
from actors.instructors import reload_calendar
from actors.payment_records import Why
from actors.payments import Payments
from actors.standard_payouts import promise_next
from domain.bookings import SYSTEM
from domain.events import Topic
from domain.ids import UserId, new_id
from domain.occasions import Payload
from domain.operations import AccountSeen
from domain.restrictions import Standing, news
from domain.standard_payouts import PayoutRhythm
from domain.times import rfc3339
from gateways.clock import Clock
from storage.accounts import admins
from storage.calendars import bump_version
from storage.database import Database
from storage.instructors import (
    StripeFacts,
    bookings_waiting_for_account,
    instructor_by_account,
    record_stripe_facts,
    stripe_facts_by_instructor,
)
from storage.outbox import stage_event
from storage.query import Tx

log = structlog.get_logger()

LOST = Counter("accounts_deauthorized_total", "Instructors' accounts that left the platform.")

WOKEN_MAX = 100
"""So many at once; the rest is tried in its own hour."""

Turn = Callable[[StripeFacts], StripeFacts]


class Restrictions:
    """The owner of what is known of connected accounts."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        payments: Payments,
        clock: Clock,
        rhythm: PayoutRhythm = "manual",
    ) -> None:
        """`payments` goes on with what waited; `rhythm` is that of standard payouts."""
        self._db = db
        self._calendars = calendars
        self._payments = payments
        self._clock = clock
        self._rhythm: PayoutRhythm = rhythm

    async def record(self, seen: AccountSeen) -> bool:
        """Notes what an account may do; whatever waited for it goes on at once (P27).

        Whether it was news: the same again, or a strange account, is none. One that may pay out is
        promised its first standard payout.
        """
        is_news = await self._turn(seen.id, lambda known: known.after(seen))
        if seen.has_transfers:
            await self._wake(seen.id)
        return is_news

    async def disconnect(self, account_id: str) -> None:
        """Notes that an account has left: nothing can be paid to it, and admins are told, once."""
        now = self._clock.now()
        await self._turn(account_id, lambda known: known.disconnected(at=now))

    async def is_disconnected(self, account_id: str) -> bool:
        """Whether an account of ours is known to have left."""
        instructor_id = await instructor_by_account(self._db.reads, stripe_account_id=account_id)
        if instructor_id is None:
            return False
        facts = await stripe_facts_by_instructor(self._db.reads, instructor_id=instructor_id)
        return facts is not None and facts.deauthorized_at is not None

    async def _turn(self, account_id: str, turn: Turn) -> bool:
        instructor_id = await instructor_by_account(self._db.reads, stripe_account_id=account_id)
        if instructor_id is None:
            return False
        now = self._clock.now()
        known = await stripe_facts_by_instructor(self._db.reads, instructor_id=instructor_id)
        if known is None or turn(known) == known:
            return False
        async with self._db.transaction() as tx:
            await bump_version(tx, instructor_id=instructor_id)
            known = await stripe_facts_by_instructor(tx, instructor_id=instructor_id)
            if known is None or (became := turn(known)) == known:
                return False
            await _keep(tx, instructor_id, became, now=now)
            if became.has_payouts:
                await promise_next(tx, instructor_id, self._rhythm, now=now)
            await _tell_change(tx, instructor_id, known, became, now=now)
        if became.deauthorized_at is not None:
            LOST.inc()
            log.error("account.deauthorized", instructor=str(instructor_id), account=account_id)
        log.info("instructor.stripe_changed", instructor=str(instructor_id), state=became.state)
        await reload_calendar(self._calendars, instructor_id)
        return True

    async def _wake(self, account_id: str) -> None:
        waiting = await bookings_waiting_for_account(
            self._db.reads, stripe_account_id=account_id, most=WOKEN_MAX
        )
        for booking_id in waiting:
            log.info("payment.woken", booking=booking_id)
            await self._payments.drive(booking_id, Why(actor=SYSTEM, cause="account_active"))


async def _keep(tx: Tx, instructor_id: UserId, standing: Standing, *, now: datetime) -> None:
    await record_stripe_facts(
        tx,
        instructor_id=instructor_id,
        has_transfers=standing.has_transfers,
        has_payouts=standing.has_payouts,
        has_submitted_details=standing.has_submitted_details,
        requirements_due=standing.requirements_due,
        disabled_reason=standing.disabled_reason,
        deadline_at=standing.deadline_at,
        deauthorized_at=standing.deauthorized_at,
        now=now,
    )


async def _tell_change(
    tx: Tx, instructor_id: UserId, was: StripeFacts, became: Standing, *, now: datetime
) -> None:
    """Pages hear of every change, the instructor by mail of a worse state, admins of a loss."""
    deadline = became.deadline_at
    payload: Payload = {
        "instructor_id": str(instructor_id),
        "transfers_active": "true" if became.has_transfers else "false",
        "payouts_enabled": "true" if became.has_payouts else "false",
        "state": became.state,
        "deadline_at": rfc3339(deadline) if deadline else None,
        "account": was.stripe_account_id,
    }
    told: dict[Topic, list[UUID]] = {"instructor.stripe_changed": [instructor_id]}
    if news(was.state, became.state) is not None:
        told["instructor.restricted"] = [instructor_id]
    if became.deauthorized_at is not None:
        told["instructor.deauthorized"] = await admins(tx)
    for topic, user_ids in told.items():
        await stage_event(
            tx,
            event_id=new_id(now),
            topic=topic,
            subject_id=instructor_id,
            user_ids=user_ids,
            payload=payload,
            now=now,
        )
