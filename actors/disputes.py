"""Takes in what banks say about charges, answers them, and bears or passes on what is lost."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter

from actors.credit_lots import freeze_lots, release_lots, revoke_lots
from actors.ledger import post
from actors.payment_records import Scene, Why, again, save, scene_of, tell
from actors.payments import Payments
from actors.refunds import Refunds
from domain.bookings import SYSTEM
from domain.dispute_journals import dispute_journals
from domain.disputes import (
    CLOSED,
    OVERLAYS,
    Dispute,
    Recovery,
    after_disputes,
    can_be_disputed,
    is_newer,
    recovery_of,
)
from domain.errors import DisputeClosed, DomainError, NotFound, PaymentUnavailable
from domain.ids import BookingId
from domain.movements import DisputeSeen, FraudWarningSeen
from domain.payments import Payment
from domain.refunds import after_overlay
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.disputes import (
    dispute_by_id,
    disputes_of_booking,
    end_recovery,
    keep_fraud_warning,
    open_disputes,
    record_dispute,
    untold,
)
from storage.payments import booking_of_intent
from storage.query import Tx
from storage.refunds import pending_refunds, refunds_of_booking

log = structlog.get_logger()

REVISITED_MAX = 100

UNTOLD_WITHIN = timedelta(days=7)
"""How far a search goes back: twice as long as Stripe tries to tell."""

UNTOLD_AFTER = timedelta(minutes=10)
"""How long a webhook may take before a search does its work."""

UNTOLD = Counter(
    "disputes_untold_total", "Disputes and warnings that no webhook told of.", ("kind",)
)


class Disputes:
    """The owner of `disputes` and of the warnings before them."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payments: Payments,
        refunds: Refunds,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """`payments` takes back what a lost dispute cost; `refunds` forestalls one."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._refunds = refunds
        self._clock = clock
        self._revisited: tuple[Dispute | None, UUID | None] = (None, None)
        self._policy = policy

    async def observe(self, dispute_id: str, why: Why) -> None:
        """Looks at a dispute and takes it in.

        Raises `NotFound` for a charge that is not recorded (yet), `PaymentUnavailable`.
        """
        seen = await self._stripe.dispute(dispute_id)
        if not isinstance(seen, DisputeSeen):
            raise PaymentUnavailable(retry_after=5)
        await self._take_in(seen, why)

    async def revisit(self) -> int:
        """Looks again at what is open, for its last webhook may be lost; how many it looked at.

        Oldest first; where there are too many for once, the next time goes on from there.
        """
        why = Why(actor=SYSTEM, cause="revisit")
        dispute, refund = self._revisited
        found = await open_disputes(
            self._db.reads,
            after_at=dispute and dispute.created_at,
            after_id=dispute and dispute.id,
            most=REVISITED_MAX,
        )
        pending = await pending_refunds(self._db.reads, after_id=refund, most=REVISITED_MAX)
        for each in found:
            with _later(each.id):
                await self.observe(each.id, why)
        for each in pending:
            with _later(str(each.id)):
                await self._refunds.observe(each.booking_id, why)
        self._revisited = (
            found[-1] if len(found) == REVISITED_MAX else None,
            pending[-1].id if len(pending) == REVISITED_MAX else None,
        )
        return len(found) + len(pending)

    async def search(self) -> int:
        """Looks for what was opened without a word to us, for its webhook may be lost for good.

        How many it found. Younger ones may still be on their way here.
        """
        now = self._clock.now()
        opened = await self._stripe.opened(now - UNTOLD_WITHIN, now - UNTOLD_AFTER)
        if not isinstance(opened, list):
            log.warning("dispute.search_failed", answer=repr(opened))
            return 0
        found = await untold(
            self._db.reads,
            ids=[each.id for each in opened],
            payment_intent_ids=[each.payment_intent_id for each in opened],
        )
        why, kinds = Why(actor=SYSTEM, cause="search"), {each.id: each.kind for each in opened}
        for each in found:
            kind = kinds[each]
            observe = self.observe if kind == "dispute" else self.observe_warning
            with _later(each):
                await observe(each, why)
                log.error("dispute.untold", kind=kind, subject=each)
                UNTOLD.labels(kind).inc()
        return len(found)

    async def observe_warning(self, warning_id: str, why: Why) -> None:
        """Keeps an issuer's warning; what was captured for a lesson not yet given goes back."""
        seen = await self._stripe.fraud_warning(warning_id)
        if not isinstance(seen, FraudWarningSeen):
            raise PaymentUnavailable(retry_after=5)
        booking_id = await self._booking_of(seen.payment_intent_id)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            is_new = await keep_fraud_warning(
                tx,
                warning_id=seen.id,
                booking_id=booking_id,
                fraud_type=seen.fraud_type,
                is_actionable=seen.is_actionable,
                now=now,
            )
            scene = await scene_of(tx, booking_id, why=why, now=now, policy=self._policy)
            if scene is None or not seen.is_actionable:
                return
            if is_new:
                await tell(tx, scene, "payment.fraud_suspected", {"fraud_type": seen.fraud_type})
        # a charge that became credit has paid for no lesson either
        if now < scene.facts.end_at or scene.payment.status == "credited":
            await self._refunds.forestall(booking_id, why)

    async def answer(self, dispute_id: str, *, text: str, key: str, why: Why) -> Dispute:
        """Submits what we know to the bank, once.

        Raises `NotFound`, `DisputeClosed` (answered, or its time is over), `PaymentUnavailable`.
        """
        if await dispute_by_id(self._db.reads, dispute_id=dispute_id) is None:
            raise NotFound
        try:
            seen = await self._stripe.answer_dispute(dispute_id, text=text, key=key)
        except NotFound as refusal:
            raise DisputeClosed from refusal
        await self._take_in(seen, why)
        found = await dispute_by_id(self._db.reads, dispute_id=dispute_id)
        if found is None:
            raise NotFound
        return found

    async def _booking_of(self, payment_intent_id: str) -> UUID:
        booking_id = await booking_of_intent(self._db.reads, payment_intent_id=payment_intent_id)
        if booking_id is None:
            raise NotFound
        return booking_id

    async def _take_in(self, seen: DisputeSeen, why: Why) -> None:
        booking_id = await self._booking_of(seen.payment_intent_id)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            scene = await scene_of(tx, booking_id, why=why, now=now, policy=self._policy)
            if scene is None or not can_be_disputed(scene.payment):
                raise NotFound
            await _absorb(tx, scene, seen)
        await self._payments.drive(booking_id, why)


@contextmanager
def _later(subject: str) -> Generator[None]:
    """What cannot be looked at now is looked at the next time; the others are not kept waiting."""
    try:
        yield
    except DomainError as error:
        log.warning("dispute.revisit_failed", subject=subject, code=error.code)


async def _absorb(tx: Tx, scene: Scene, seen: DisputeSeen) -> None:
    """The row, the journals, the payment's status and the event, of one look at a dispute."""
    facts, payment, now = scene.facts, scene.payment, scene.now
    known = await disputes_of_booking(tx, booking_id=facts.booking_id)
    before = next((each for each in known if each.id == seen.id), None)
    if before is not None and not is_newer(before.status, seen.status):
        return
    first = known[0] if known else None
    previous = first.previous_status if first else payment.status
    recovery = recovery_of(seen, "credited" if facts.lot_left_cents is not None else previous)
    await record_dispute(
        tx,
        dispute_id=seen.id,
        booking_id=facts.booking_id,
        status=seen.status,
        reason=seen.reason,
        amount_cents=seen.amount_cents,
        currency=facts.currency,
        previous_status=previous,
        recovery=recovery,
        evidence_count=seen.evidence_count,
        evidence_due_at=seen.evidence_due_at,
        closed_at=now if seen.status in CLOSED else None,
        now=now,
    )
    was_lost: Recovery = before.recovery if before is not None else "none"
    journals = dispute_journals(facts, seen, recovery, at=now, was_lost=was_lost)
    await post(tx, journals, now=now)
    if seen.status == "won" and was_lost != "none":
        log.error("dispute.won_on_appeal", dispute=seen.id, booking=facts.booking_id)
    disputes = await disputes_of_booking(tx, booking_id=facts.booking_id)
    if facts.lot_left_cents is not None and (before is None or before.status != seen.status):
        await _judge_credit(tx, facts.booking_id, disputes, now=now)
    scene = await again(tx, scene)
    if recovery == "wanted" and not scene.facts.recover_cents:
        # a refund that failed has taken it back before: the bank has given it to the student now
        await end_recovery(tx, booking_id=facts.booking_id, recovery="done")
    scene = await save(tx, scene, await _after(tx, scene, disputes))
    if before is None:
        await tell(tx, scene, "payment.disputed", {"reason": seen.reason})


async def _after(tx: Tx, scene: Scene, disputes: list[Dispute]) -> Payment:
    """The payment by its disputes and, when none lies over it any more, by its refunds."""
    payment = scene.payment
    status = after_disputes(payment, disputes)
    if payment.status in OVERLAYS and status not in OVERLAYS:
        refunds = await refunds_of_booking(tx, booking_id=payment.booking_id)
        status = after_overlay(scene.facts, payment, refunds, base=status)
    return msgspec.structs.replace(payment, status=status)


async def _judge_credit(
    tx: Tx, booking_id: BookingId, disputes: list[Dispute], *, now: datetime
) -> None:
    """The credit of a disputed charge is frozen while a bank decides; lost, it is taken back."""
    if any(each.status not in CLOSED for each in disputes):
        await freeze_lots(tx, booking_id, now=now)
        return
    lost = [each for each in disputes if each.status == "lost"]
    if not lost:
        await release_lots(tx, booking_id)
        return
    cents = sum(each.amount_cents for each in lost)
    source = ":".join(each.id for each in lost)
    await revoke_lots(tx, booking_id, cents, source=source, now=now)
