"""Gives money back: asked for by an admin, demanded by a rule, or seen at Stripe."""

from uuid import UUID

import msgspec
import structlog

from actors.credit_lots import claim_lots
from actors.payment_records import Scene, Why, again, plan_rest, save, scene_of
from actors.payments import Payments
from actors.refund_records import absorb_movements
from domain.bookings import Actor
from domain.errors import NotFound, OperationPending, PaymentUnavailable
from domain.movements import MovementsSeen
from domain.people import Viewer
from domain.refunds import Refund, check_refund, is_unpaid
from domain.settings import POLICY, Policy
from domain.timings import KEPT
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.operations import open_operation
from storage.payments import payment_by_booking
from storage.query import Tx
from storage.refunds import insert_credit_refund, insert_refund, refunds_of_booking

log = structlog.get_logger()


class RefundWish(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin wants to give back, in minor units, and why."""

    amount_cents: int
    reason: str
    reverses_transfer: bool = True


class Refunds:
    """Wishes for refunds, and takes in what became of them."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payments: Payments,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """`payments` sends what is wished for."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._clock = clock
        self._policy = policy

    async def refund(
        self, booking_id: UUID, wish: RefundWish, *, refund_id: UUID, viewer: Viewer
    ) -> Refund:
        """Refunds a captured payment; the same `refund_id` again goes on where it stopped.

        What Stripe has not answered yet is `planned` or `pending`: the wish is kept and is done
        without being asked for again. Raises `NotFound`, `BookingState`, `Invalid` for too much,
        `OperationPending`.
        """
        actor = Actor(kind="admin", id=viewer.user_id, request_id=viewer.request_id)
        why = Why(actor=actor, cause="refund")
        if not await self._find(booking_id, refund_id):
            await self._plan(booking_id, wish, refund_id, why)
        await self._payments.drive_patiently(booking_id, why)
        found = await self._find(booking_id, refund_id)
        if found is None:
            raise NotFound
        return found

    async def forestall(self, booking_id: UUID, why: Why) -> None:
        """Gives back what was taken for a lesson that an issuer calls fraud, before it disputes."""
        async with self._db.transaction() as tx:
            scene = await scene_of(
                tx, booking_id, why=why, now=self._clock.now(), policy=self._policy
            )
            if scene is None or scene.payment.status not in KEPT | {"credited"}:
                return
            if await open_operation(tx, booking_id=booking_id) is not None:
                raise OperationPending(retry_after=2)
            is_credit = scene.payment.status == "credited"
            if is_credit and not await claim_lots(tx, booking_id, now=scene.now):
                # the student has used what was taken: lessons were given for it
                log.warning("fraud_warning.left", booking=booking_id)
                return
            scene = await plan_rest(tx, scene, cause="fraud_warning")
            await save(tx, scene, msgspec.structs.replace(scene.payment, status="refunding"))
        await self._payments.drive(booking_id, why)

    async def observe(self, booking_id: UUID, why: Why) -> None:
        """Reads all that has moved since a capture and takes it in. `PaymentUnavailable`."""
        payment = await payment_by_booking(self._db.reads, booking_id=booking_id)
        if payment is None or payment.payment_intent_id is None:
            return
        seen = await self._stripe.movements(
            payment.payment_intent_id,
            transfer_id=payment.transfer_id,
            application_fee_id=payment.application_fee_id,
        )
        if not isinstance(seen, MovementsSeen):
            raise PaymentUnavailable(retry_after=5)
        async with self._db.transaction() as tx:
            scene = await scene_of(
                tx, booking_id, why=why, now=self._clock.now(), policy=self._policy
            )
            if scene is not None:
                await absorb_movements(tx, scene, seen)
        await self._payments.drive(booking_id, why)

    async def _find(self, booking_id: UUID, refund_id: UUID) -> Refund | None:
        refunds = await refunds_of_booking(self._db.reads, booking_id=booking_id)
        return next((each for each in refunds if each.id == refund_id), None)

    async def _plan(self, booking_id: UUID, wish: RefundWish, refund_id: UUID, why: Why) -> None:
        now = self._clock.now()
        async with self._db.transaction() as tx:
            scene = await scene_of(tx, booking_id, why=why, now=now, policy=self._policy)
            if scene is None:
                raise NotFound
            if await open_operation(tx, booking_id=booking_id) is not None:
                raise OperationPending(retry_after=2)
            facts, payment = scene.facts, scene.payment
            check_refund(
                payment,
                amount_cents=wish.amount_cents,
                refunded_cents=facts.refunded_cents,
                consumed_cents=facts.consumed_cents,
                is_top_up_owed=not wish.reverses_transfer and is_unpaid(facts, payment),
            )
            await _wish(tx, scene, wish, refund_id)


async def _wish(tx: Tx, scene: Scene, wish: RefundWish, refund_id: UUID) -> None:
    """Keeps the wish. Where no card has paid it is credit, and there is nothing to wait for."""
    facts = scene.facts
    if scene.payment.captured_cents:
        await insert_refund(
            tx,
            refund_id=refund_id,
            booking_id=facts.booking_id,
            amount_cents=wish.amount_cents,
            currency=facts.currency,
            reverses_transfer=wish.reverses_transfer,
            cause="admin",
            reason=wish.reason,
            requested_by=scene.why.actor.id,
            now=scene.now,
        )
    else:
        await insert_credit_refund(
            tx,
            refund_id=refund_id,
            booking_id=facts.booking_id,
            amount_cents=wish.amount_cents,
            currency=facts.currency,
            reverses_transfer=wish.reverses_transfer,
            reason=wish.reason,
            requested_by=scene.why.actor.id,
            now=scene.now,
        )
    scene = await again(tx, scene)
    became = "refunding" if scene.payment.captured_cents else "refunded"
    await save(tx, scene, msgspec.structs.replace(scene.payment, status=became))
