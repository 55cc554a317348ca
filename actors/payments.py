"""Moves a booking's money: decide (transaction), ask Stripe (none), record (transaction).

Every part can be repeated: what to do next follows from what is stored (`payment_steps.py` of the
domain), a write at Stripe is stored before it is sent, and one left open is sent again with its own
key or read back. At most one operation a booking is open; an unknown one blocks its money until
resolved.
"""

import asyncio
from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec
import structlog

from actors.calendar_commands import Confirm
from actors.calendars import Calendars
from actors.late_money import tell_earlier
from actors.operations import STALE_SECONDS, Operations
from actors.payers import Payers
from actors.payment_answers import Outcome
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
from domain.bookings import Actor, system
from domain.errors import DomainError, OperationPending, PaymentUnavailable, Unavailable
from domain.ids import BookingId, CommandId, UserId, new_id
from domain.operations import (
    CancelIntent,
    Decline,
    IntentSeen,
    MethodSeen,
    Operation,
    SetupSeen,
)
from domain.payment_calls import NEEDS_CUSTOMER, call_of
from domain.payment_folds import renewed, with_method
from domain.payment_steps import is_blocked
from domain.payments import ASKING, Step
from domain.people import Viewer
from domain.settings import POLICY, Policy
from domain.timings import UNPAID
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.operations import (
    open_operation,
    operations_to_rescue,
)
from storage.payment_methods import accept_card, keep_seen
from storage.payments import bookings_of_method
from storage.query import Tx

log = structlog.get_logger()

BUSY_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""How long an answer waits for another process that is at the same payment, in seconds."""
STEPS_MAX = 12
RESCUE_MAX = 100

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
    is_let_go: bool


class _NeedsCustomer(msgspec.Struct, frozen=True):
    user_id: UserId


class _Look(msgspec.Struct, frozen=True):
    payment_intent_id: str


_Decided = _Planned | _AskCalendar | _NeedsCustomer | _Look | Driven | None


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
        self._operations = Operations(db=db, stripe=stripe, clock=clock, policy=policy)

    async def drive_patiently(self, booking_id: UUID, why: Why) -> Driven:
        """As `drive`, waiting a while for whoever is at this payment already."""
        driven = await self.drive(booking_id, why)
        for pause in BUSY_PAUSES:
            if driven.state != "busy":
                break
            await asyncio.sleep(pause)
            driven = await self.drive(booking_id, why)
        return driven

    async def drive(self, booking_id: UUID, why: Why, *, timing_id: UUID | None = None) -> Driven:
        """Does all that this payment needs now. Safe to repeat and to run twice at once.

        Completes the timing in the transaction that finds nothing left to do. Raises `Unavailable`
        when the database or Stripe does not answer; what was begun is finished by the rescuer.
        """
        last = Outcome()
        has_asked = has_looked = is_stuck = False
        for _ in range(STEPS_MAX):
            decided = await self._decide(booking_id, why, timing_id, has_looked=has_looked)
            match decided:
                case None | Driven():
                    at_rest = Driven(state="rest", decline=last.decline, code=last.code)
                    return decided or at_rest
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
                    operation, is_new = decided.operation, decided.is_new
                    if held := await self._operations.held(operation, is_new=is_new):
                        return Driven(state=held, decline=last.decline)
                    outcome = await self.finish(decided.operation, why)
                    stops = "blocked" if is_stuck and outcome.is_stuck else outcome.stops
                    if stops is not None:
                        return Driven(state=stops, code=outcome.code)
                    is_stuck = outcome.is_stuck
                    last = outcome if outcome.decline or outcome.code else last
        return Driven(state="busy", decline=last.decline)

    async def finish(self, operation: Operation, why: Why) -> Outcome:
        """Sends an open operation (again) and records the answer, whoever stops waiting for it."""
        return await self._operations.finish(operation, why)

    async def waits_for_key(self, booking_id: UUID) -> bool:
        """Whether a booking is unpaid because Stripe does not, or lately did not, take our key."""
        return await self._operations.wait_for_key(booking_id)

    async def observe(self, booking_id: UUID, seen: IntentSeen, why: Why) -> Driven:
        """Folds in what Stripe shows of a payment intent, then does what follows from it."""
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is not None:
                await absorb(tx, scene, seen)
        return await self.drive(booking_id, why)

    async def observe_earlier(self, booking_id: UUID, seen: IntentSeen, why: Why) -> None:
        """Lets go what an intent of an earlier cycle still holds; what it has taken is told.

        Raises `OperationPending` while the booking's money waits for another answer.
        """
        async with self._db.transaction() as tx:
            scene = await self._scene(tx, booking_id, why)
            if scene is None or seen.id == scene.payment.payment_intent_id:
                return
            if await open_operation(tx, booking_id=booking_id) is not None:
                raise OperationPending(retry_after=2)
            if not tell_earlier(scene.facts, seen):
                return
            cycle = seen.cycle or scene.payment.cycle
            then = msgspec.structs.replace(scene.payment, cycle=cycle)
            release = CancelIntent(payment_intent_id=seen.id)
            operation = await self._operations.plan(tx, then, release)
        await self.finish(operation, why)
        await self.drive(booking_id, why)

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
                await accept_card(tx, payment_method_id=payment_method_id)
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
        if not await self._stripe.may_send():
            return 0
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

    async def resolve(self, operation_id: UUID, *, happened: bool, viewer: Viewer) -> Operation:
        """Ends a write that only a person may decide, where Stripe shows what they say.

        Raises `NotFound`, `OperationDiffers`, `PaymentUnavailable` when Stripe does not show it.
        """
        actor = Actor(kind="admin", id=viewer.user_id, request_id=viewer.request_id)
        why = Why(actor=actor, cause="operation.resolve")
        ended = await self._operations.resolve(operation_id, why, happened=happened)
        if ended.booking_id is not None:
            await self.drive(ended.booking_id, why)
        return ended

    async def close(self) -> None:
        """Waits for the calls under way, which nothing may interrupt."""
        await self._operations.close()

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
            if is_blocked(scene.facts, scene.payment, step, now=scene.now, policy=scene.policy):
                return Driven(state="blocked")
            if not has_looked and _may_be_late(scene, step):
                return _Look(scene.payment.payment_intent_id or "")
            return await self._begin(tx, scene, step)

    async def _begin(self, tx: Tx, scene: Scene, step: Step) -> _Decided:
        """Plans a step of others, with the payment's status while it is done."""
        facts = scene.facts
        if step.kind == "ask_confirm":
            await stage_confirm(tx, scene)
            return _AskCalendar(facts.instructor_id, is_let_go=step.status == "released")
        if step.kind in NEEDS_CUSTOMER and facts.stripe_customer_id is None:
            return _NeedsCustomer(facts.student_id)
        begun = msgspec.structs.replace(
            scene.payment, status=step.status, is_on_session=step.is_on_session
        )
        await save(tx, scene, begun)
        call = call_of(step, facts, begun)
        return _Planned(await self._operations.plan(tx, begun, call), is_new=True)

    async def _confirm(self, booking_id: UUID, asked: _AskCalendar, why: Why) -> bool:
        """Asks the calendar to confirm; whether it answered. The staged command asks again."""
        command = Confirm(
            command_id=CommandId(new_id(self._clock.now())),
            actor=why.actor,
            booking_id=BookingId(booking_id),
            is_let_go=asked.is_let_go,
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


def _may_be_late(scene: Scene, step: Step) -> bool:
    """Whether the money may have come just before its release: then the slot may be retaken."""
    is_over = scene.facts.status == "expired" and scene.facts.outcome is None
    return is_over and step.kind == "release" and scene.payment.status in ASKING
