"""Moves a booking's money: decide (transaction), ask Stripe (none), record (transaction).

Every part can be repeated: what to do next follows from what is stored (`payment_steps.py` of the
domain), a write at Stripe is stored before it is sent, and one left open is sent again with its own
key or read back. At most one operation a booking is open; an unknown one blocks its money until
resolved.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
import structlog

from actors.calendar_commands import Confirm
from actors.calendars import Calendars
from actors.payers import Payers
from actors.payment_answers import Outcome, record_answer
from actors.payment_records import (
    Scene,
    Why,
    absorb,
    advance,
    rest,
    save,
    scene_of,
    stage_confirm,
    tell,
)
from domain.bookings import system
from domain.errors import DomainError, OperationPending, PaymentUnavailable, Unavailable
from domain.ids import BookingId, CommandId, UserId, new_id
from domain.operations import (
    Answer,
    Call,
    Decline,
    IntentSeen,
    MethodSeen,
    NotHappened,
    Operation,
    SetupSeen,
)
from domain.payment_calls import NEEDS_CUSTOMER, call_of, key_of, kind_of
from domain.payment_folds import renewed, with_method
from domain.payments import ASKING, Payment, Step
from domain.settings import POLICY, Policy
from domain.timings import UNPAID
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.operations import (
    count_operations,
    mark_sent,
    open_operation,
    operations_to_rescue,
    plan_operation,
)
from storage.payment_methods import keep_seen
from storage.payments import bookings_of_method
from storage.query import Tx

T = TypeVar("T")

log = structlog.get_logger()

STEPS_MAX = 12
STALE_SECONDS = 90
"""Real time after which a sent operation counts as left behind: longer than any call can take."""
KEY_LIFE = timedelta(hours=23)
"""Stripe may forget an idempotency key a day after its first use."""
RESCUE_MAX = 100
DRAIN_SECONDS = 80.0

State = Literal["rest", "busy", "waiting", "blocked", "unknown"]


class Driven(msgspec.Struct, frozen=True, kw_only=True):
    """Where driving a payment stopped.

    rest: nothing to do now · busy: somebody else is at it · waiting: the calendar does not answer ·
    blocked: Stripe refuses and a person must look · unknown: the rescuer will find out.
    """

    state: State
    decline: Decline | None = None
    code: str | None = None


class _Planned(msgspec.Struct, frozen=True):
    operation: Operation
    is_new: bool


class _AskCalendar(msgspec.Struct, frozen=True):
    instructor_id: UserId


class _NeedsCustomer(msgspec.Struct, frozen=True):
    user_id: UserId


class _Look(msgspec.Struct, frozen=True):
    payment_intent_id: str


_Decided = _Planned | _AskCalendar | _NeedsCustomer | _Look | None


class Payments:
    """The owner of `payments`."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payers: Payers,
        calendars: Calendars,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """Writes through `db` and `stripe`; tells `calendars` when a booking is paid for."""
        self._db = db
        self._stripe = stripe
        self._payers = payers
        self._calendars = calendars
        self._clock = clock
        self._policy = policy
        self._tasks: set[asyncio.Task[Any]] = set()

    async def drive(self, booking_id: UUID, why: Why, *, timing_id: UUID | None = None) -> Driven:
        """Does all that this payment needs now. Safe to repeat and to run twice at once.

        Completes the timing in the transaction that finds nothing left to do. Raises `Unavailable`
        when the database or Stripe does not answer; what was begun is finished by the rescuer.
        """
        last = Outcome()
        has_asked = has_looked = False
        for _ in range(STEPS_MAX):
            decided = await self._decide(booking_id, why, timing_id, has_looked=has_looked)
            match decided:
                case None:
                    return Driven(state="rest", decline=last.decline, code=last.code)
                case _AskCalendar():
                    if has_asked or not await self._confirm(booking_id, decided, why):
                        return Driven(state="waiting")
                    has_asked = True
                case _NeedsCustomer():
                    await self._payers.stripe_customer_of(decided.user_id)
                case _Look():
                    await self._look(booking_id, decided.payment_intent_id, why)
                    has_looked = True
                case _Planned():
                    if not decided.is_new and not self._is_left_behind(decided.operation):
                        return Driven(state="busy", decline=last.decline)
                    outcome = await self.finish(decided.operation, why)
                    if outcome.stops is not None:
                        return Driven(state=outcome.stops, code=outcome.code)
                    last = outcome if outcome.decline or outcome.code else last
        return Driven(state="busy", decline=last.decline)

    async def finish(self, operation: Operation, why: Why) -> Outcome:
        """Sends an open operation (again) and records the answer, whoever stops waiting for it."""
        return await self._to_the_end(self._finish(operation, why))

    async def observe(self, booking_id: UUID, seen: IntentSeen, why: Why) -> Driven:
        """Folds in what Stripe shows of a payment intent, then does what follows from it."""
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is not None:
                await absorb(tx, scene, seen)
        return await self.drive(booking_id, why)

    async def observe_setup(
        self, booking_id: UUID, seen: SetupSeen, method: MethodSeen, why: Why
    ) -> Driven:
        """Takes a card that the browser has saved, then does what follows from it."""
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is not None and seen.id == scene.payment.setup_intent_id:
                await self._keep(tx, scene, method)
        return await self.drive(booking_id, why)

    async def choose_method(self, booking_id: UUID, payment_method_id: str, why: Why) -> Driven:
        """Puts a booking on another card and tries it at once where one is needed (P17).

        The person is present, so the bank may ask. `OperationPending` while an answer is missing.
        """
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is None:
                return Driven(state="rest")
            if await open_operation(tx, booking_id=booking_id) is not None:
                raise OperationPending(retry_after=2)
            await save(tx, scene, with_method(scene.payment, payment_method_id))
        return await self.drive(booking_id, why)

    async def renew_card(self, payment_method_id: str, why: Why) -> None:
        """Tries a card again, for each booking it failed, after its network has renewed it."""
        found = await bookings_of_method(self._db.reads, payment_method_id=payment_method_id)
        for booking_id in found:
            async with self._db.transaction() as tx:
                scene = await self._scene(tx, booking_id, why)
                if scene is not None and await open_operation(tx, booking_id=booking_id) is None:
                    await save(tx, scene, renewed(scene.payment, self._policy))
            await self.drive(booking_id, why)

    async def warn(self, booking_id: UUID, *, timing_id: UUID | None = None) -> None:
        """Tells the student once that the lesson will be cancelled unless the card works."""
        why = Why(actor=system(f"timing:{timing_id}"), cause="warn_payment")
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is None:
                return
            payment, facts = scene.payment, scene.facts
            is_due = facts.status == "confirmed" and payment.status in UNPAID
            if is_due and payment.warned_at is None:
                warned = msgspec.structs.replace(payment, warned_at=scene.now)
                scene = await save(tx, scene, warned)
                await tell(tx, scene, "payment.warned")
            await rest(tx, scene, timing_id)

    async def rescue(self, *, is_boot: bool = False) -> int:
        """Finishes operations that a crash or a lost answer left open; how many it tried.

        At boot it takes every open one: the key makes a twin harmless.
        """
        patience = timedelta(seconds=0 if is_boot else STALE_SECONDS)
        found = await operations_to_rescue(
            self._db.reads, untouched_since=self._clock.wall_now() - patience, most=RESCUE_MAX
        )
        for operation in found:
            why = Why(actor=system(f"operation:{operation.id}"), cause="rescue")
            try:
                await self.finish(operation, why)
                if operation.booking_id is not None:
                    await self.drive(operation.booking_id, why)
            except DomainError as error:
                log.warning("operation.rescue_failed", operation=operation.id, error=error.code)
        return len(found)

    async def close(self) -> None:
        """Waits for the calls under way, which nothing may interrupt."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _scene(self, tx: Tx, booking_id: UUID, why: Why) -> Scene | None:
        return await scene_of(tx, booking_id, why=why, now=self._clock.now(), policy=self._policy)

    async def _decide(
        self, booking_id: UUID, why: Why, timing_id: UUID | None, *, has_looked: bool
    ) -> _Decided:
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is None:
                return None
            opened = await open_operation(tx, booking_id=booking_id)
            if opened is not None:
                return _Planned(opened, is_new=False)
            scene, step = await advance(tx, scene)
            if step is None:
                await rest(tx, scene, timing_id)
                return None
            if not has_looked and _may_be_late(scene, step):
                return _Look(scene.payment.payment_intent_id or "")
            return await self._begin(tx, scene, step)

    async def _begin(self, tx: Tx, scene: Scene, step: Step) -> _Decided:
        """Plans a step of others, with the payment's status while it is done."""
        facts = scene.facts
        if step.kind == "ask_confirm":
            await stage_confirm(tx, scene)
            return _AskCalendar(facts.instructor_id)
        if step.kind in NEEDS_CUSTOMER and facts.stripe_customer_id is None:
            return _NeedsCustomer(facts.student_id)
        begun = msgspec.structs.replace(
            scene.payment, status=step.status, is_on_session=step.is_on_session
        )
        await save(tx, scene, begun)
        call = call_of(step, facts, begun)
        return _Planned(await self._plan(tx, begun, call), is_new=True)

    async def _plan(self, tx: Tx, payment: Payment, call: Call) -> Operation:
        kind, wall_now = kind_of(call), self._clock.wall_now()
        before = await count_operations(tx, booking_id=payment.booking_id, kind=kind)
        operation = Operation(
            id=new_id(self._clock.now()),
            kind=kind,
            booking_id=payment.booking_id,
            subject_id=payment.booking_id,
            idempotency_key=key_of(
                kind, booking_id=payment.booking_id, cycle=payment.cycle, before=before
            ),
            params=call,
            state="planned",
            attempts=0,
            planned_at=wall_now,
            first_sent_at=None,
            sent_at=None,
        )
        await plan_operation(
            tx,
            operation_id=operation.id,
            kind=kind,
            booking_id=operation.booking_id,
            subject_id=operation.subject_id,
            idempotency_key=operation.idempotency_key,
            params=call,
            wall_now=wall_now,
        )
        return operation

    async def _finish(self, operation: Operation, why: Why) -> Outcome:
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
        async with self._db.transaction() as tx:
            return await record_answer(
                tx, sent, answer, why=why, now=self._clock.now(), policy=self._policy
            )

    async def _answer_to(self, sent: Operation) -> Answer:
        is_key_alive = (
            sent.first_sent_at is None or self._clock.now() - sent.first_sent_at < KEY_LIFE
        )
        if is_key_alive:
            return await self._stripe.perform(sent.params, key=sent.idempotency_key)
        found = await self._stripe.read_back(sent.params)
        if isinstance(found, NotHappened):
            log.warning("operation.not_happened", operation=sent.id, call=sent.kind)
        return found

    async def _confirm(self, booking_id: UUID, asked: _AskCalendar, why: Why) -> bool:
        """Asks the calendar to confirm; whether it answered. The staged command asks again."""
        command = Confirm(
            command_id=CommandId(new_id(self._clock.now())),
            actor=why.actor,
            booking_id=BookingId(booking_id),
        )
        try:
            await self._calendars.ask(asked.instructor_id, command)
        except Unavailable:
            return False
        except DomainError as refusal:
            log.info("booking.confirm_refused", booking=booking_id, code=refusal.code)
        return True

    async def _look(self, booking_id: UUID, intent_id: str, why: Why) -> None:
        """Takes in what the cardholder may have done while the hold ran out."""
        seen = await self._stripe.intent(intent_id)
        if not isinstance(seen, IntentSeen):
            raise PaymentUnavailable(retry_after=2)
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is not None:
                await absorb(tx, scene, seen)

    async def _keep(self, tx: Tx, scene: Scene, method: MethodSeen) -> None:
        await keep_seen(tx, method, user_id=scene.facts.student_id, now=scene.now)
        if scene.payment.status == "card_setup":
            chosen = msgspec.structs.replace(
                scene.payment, payment_method_id=method.id, decline_code=None
            )
            await save(tx, scene, chosen)

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


def _may_be_late(scene: Scene, step: Step) -> bool:
    """Whether the money may have come just before its release: then the slot may be retaken."""
    is_over = scene.facts.status == "expired" and scene.facts.outcome is None
    return is_over and step.kind == "release" and scene.payment.status in ASKING
