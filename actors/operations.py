"""Sends stored writes to Stripe, once each: the key makes a repetition harmless.

What a crash or a lost answer left open is sent again with its own key while Stripe remembers it,
then read back. What Stripe says to be another request than before only a person may decide.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

import structlog

from actors.payment_answers import Outcome, record_answer
from actors.payment_records import Why
from domain.errors import NotFound, OperationDiffers, PaymentUnavailable
from domain.ids import new_id
from domain.movements import MovementCall
from domain.operations import (
    KEY_REFUSED,
    SEEN,
    Answer,
    Call,
    NotHappened,
    Operation,
    Unknown,
)
from domain.payment_calls import key_of, kind_of
from domain.payments import Payment
from domain.settings import Policy
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.audit import record_action
from storage.database import Database
from storage.operations import (
    count_operations,
    mark_sent,
    note_absence,
    operation_by_id,
    plan_operation,
    waits_for_sending,
)
from storage.query import Tx

T = TypeVar("T")

log = structlog.get_logger()

STALE_SECONDS = 90
"""Real time after which a sent operation counts as left behind: longer than any call can take."""
KEY_LIFE = timedelta(hours=23)
"""Stripe may forget an idempotency key a day after its first use."""
LOOKS_APART = timedelta(minutes=1)
"""Real time between two looks that miss a movement: no replica of Stripe's lags so long."""
DRAIN_SECONDS = 80.0

Held = Literal["busy", "blocked", "unknown"]
"""Why an open operation is not sent now, as `Driven.state` of payments says it."""


class Operations:
    """The owner of `stripe_operations`."""

    def __init__(
        self, *, db: Database, stripe: StripeGateway, clock: Clock, policy: Policy
    ) -> None:
        """Writes what `stripe` answers to `db`."""
        self._db = db
        self._stripe = stripe
        self._clock = clock
        self._policy = policy
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, operation: Operation, why: Why) -> Outcome:
        """Sends an open operation (again) and records the answer, whoever stops waiting for it."""
        return await self._to_the_end(self._finish(operation, why))

    async def plan(self, tx: Tx, payment: Payment, call: Call) -> Operation:
        """Stores a write in the transaction that decides it."""
        kind, booking_id = kind_of(call), payment.booking_id
        before = await count_operations(tx, booking_id=booking_id, kind=kind)
        return await plan_operation(
            tx,
            operation_id=new_id(self._clock.now()),
            kind=kind,
            booking_id=booking_id,
            subject_id=booking_id,
            idempotency_key=key_of(kind, booking_id=booking_id, cycle=payment.cycle, before=before),
            params=call,
            wall_now=self._clock.wall_now(),
        )

    async def held(self, operation: Operation, *, is_new: bool) -> Held | None:
        """Why an open operation is not sent now; `None` when it is."""
        if operation.state == "parked":
            return "blocked"
        if not await self._stripe.may_send():
            return "unknown"
        is_free = is_new or self._is_left_behind(operation)
        return None if is_free else "busy"

    async def wait_for_key(self, booking_id: UUID) -> bool:
        """Whether a booking is unpaid because Stripe does not, or lately did not, take our key."""
        if not await self._stripe.has_good_key():
            return True
        return await waits_for_sending(
            self._db.reads, booking_id=booking_id, error_code=KEY_REFUSED
        )

    async def resolve(self, operation_id: UUID, why: Why, *, happened: bool) -> Operation:
        """Ends a parked operation by a person's word and Stripe's, which must be the same.

        Raises `NotFound`, `OperationDiffers`, `PaymentUnavailable` when Stripe does not show it.
        """
        parked = await operation_by_id(self._db.reads, operation_id=operation_id)
        if parked is None or why.actor.id is None:
            raise NotFound
        if parked.state != "parked":
            raise OperationDiffers(f"it is {parked.state}: nobody has to decide")
        answer = await self._stripe.read_back(parked.params)
        if isinstance(answer, Unknown):
            raise PaymentUnavailable(retry_after=5)
        if isinstance(answer, SEEN) is not happened:
            raise OperationDiffers("Stripe shows that it happened" if not happened else "")
        async with self._db.transaction() as tx:
            await record_action(
                tx,
                action_id=new_id(self._clock.now()),
                actor_id=why.actor.id,
                action=why.cause,
                subject=str(operation_id),
                request_id=why.actor.request_id or "",
                details={"happened": happened, "kind": parked.kind},
                now=self._clock.now(),
            )
        await self._record(parked, answer, why)
        return parked

    async def close(self) -> None:
        """Waits for the calls under way, which nothing may interrupt."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _finish(self, operation: Operation, why: Why) -> Outcome:
        if not await self._stripe.may_send():
            return Outcome(stops="unknown", code=KEY_REFUSED)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            sent = await mark_sent(
                tx, operation_id=operation.id, now=now, wall_now=self._clock.wall_now()
            )
        if sent is None:
            return Outcome()
        answer = await self._answer_to(sent)
        log.info(
            "stripe.answered", call=sent.kind, booking=sent.booking_id, seen=type(answer).__name__
        )
        return await self._record(sent, answer, why)

    async def _record(self, sent: Operation, answer: Answer, why: Why) -> Outcome:
        async with self._db.transaction() as tx:
            return await record_answer(
                tx, sent, answer, why=why, now=self._clock.now(), policy=self._policy
            )

    async def _answer_to(self, sent: Operation) -> Answer:
        is_key_alive = (
            sent.first_sent_at is None or self._clock.now() - sent.first_sent_at < KEY_LIFE
        )
        if is_key_alive:
            found = await self._stripe.perform(sent.params, key=sent.idempotency_key)
        else:
            found = await self._stripe.read_back(sent.params)
        return await self._seen_twice(sent, found) if isinstance(found, NotHappened) else found

    async def _seen_twice(self, sent: Operation, found: NotHappened) -> NotHappened | Unknown:
        """Believes that money was not moved only at a second look: the first may have been old."""
        wall_now = self._clock.wall_now()
        if isinstance(sent.params, MovementCall):
            async with self._db.transaction() as tx:
                since = await note_absence(tx, operation_id=sent.id, wall_now=wall_now)
            if since is None or wall_now - since < LOOKS_APART:
                return Unknown(reason="not_seen_yet")
        log.warning("operation.not_happened", operation=sent.id, call=sent.kind)
        return found

    def _is_left_behind(self, operation: Operation) -> bool:
        if operation.state == "unknown":
            return True
        touched = operation.sent_at or operation.planned_at
        return (self._clock.wall_now() - touched).total_seconds() >= STALE_SECONDS

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work that a cancelled caller must not stop between the call and its record."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)
