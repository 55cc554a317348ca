"""What refunds and what else moved since a capture bring with them, in the transaction they do.

The caller holds the booking's lock; a look at Stripe that is older than what is known is lifted to
it first, so looks may come in any order.
"""

from collections.abc import Sequence

import msgspec
import structlog

from actors.credit_lots import out_of_lot, release_lots
from actors.ledger import post
from actors.payment_records import Scene, again, save
from actors.withheld_shares import bear_paid_share
from domain.bookings import PaymentStatus
from domain.dispute_journals import absorbed_journal
from domain.disputes import OVERLAYS
from domain.ids import new_id
from domain.journals import movement_journals
from domain.movements import MovementsSeen
from domain.refunds import Refund, after_overlay, after_refunds, not_older, state_of
from storage.disputes import end_recovery
from storage.query import Tx
from storage.refunds import end_refund, record_refund, refunds_of_booking

log = structlog.get_logger()


async def absorb_movements(tx: Tx, scene: Scene, seen: MovementsSeen) -> Scene:
    """Takes in all that has moved since the capture, and posts what was not posted."""
    facts, now = scene.facts, scene.now
    if seen.payment_intent_id != scene.payment.payment_intent_id:
        return scene
    known = await refunds_of_booking(tx, booking_id=facts.booking_id)
    seen = not_older(seen, known)
    await _keep(tx, scene, seen)
    await bear_paid_share(tx, facts, scene.payment, seen, now=now)
    withheld = scene.payment.withheld_cents
    journals = movement_journals(facts, seen, withheld_cents=withheld, at=now)
    await post(tx, await out_of_lot(tx, facts, scene.payment, journals, now=now), now=now)
    if facts.recover_cents and any(each.refund_id is None for each in seen.reversals):
        await end_recovery(tx, booking_id=facts.booking_id, recovery="done")
    scene = await again(tx, scene)
    is_planned = scene.facts.refund_id is not None
    status = after_refunds(scene.payment, seen, is_planned=is_planned)
    return await save(tx, scene, msgspec.structs.replace(scene.payment, status=status))


async def _keep(tx: Tx, scene: Scene, seen: MovementsSeen) -> None:
    for each in seen.refunds:
        state = state_of(each)
        await record_refund(
            tx,
            refund_id=each.refund_id or new_id(scene.now),
            booking_id=scene.facts.booking_id,
            amount_cents=each.amount_cents,
            currency=scene.facts.currency,
            stripe_refund_id=each.id,
            state=state,
            failure_reason=each.failure_reason,
            finished_at=None if state == "pending" else scene.now,
            now=scene.now,
        )


async def absorb_loss(tx: Tx, scene: Scene) -> Scene:
    """A lost dispute whose transfer cannot be taken back is the platform's loss."""
    facts = scene.facts
    if facts.recover_cents:
        await end_recovery(tx, booking_id=facts.booking_id, recovery="absorbed")
        await post(tx, [absorbed_journal(facts, facts.recover_cents, at=scene.now)], now=scene.now)
    return await again(tx, scene)


async def refuse_refund(
    tx: Tx, scene: Scene, code: str, *, seen: MovementsSeen | None = None
) -> Scene:
    """Ends a refund that Stripe will not make; one that a rule demands waits for a person.

    `seen`: what Stripe shows instead, where somebody else has refunded. An admin's leaves the
    payment as it was; under a dispute any does.
    """
    refund_id = scene.facts.refund_id
    if refund_id is None:
        return scene if seen is None else await absorb_movements(tx, scene, seen)
    cause = await end_refund(tx, refund_id=refund_id, failure_reason=code, now=scene.now)
    scene = await again(tx, scene)
    if seen is not None:
        scene = await absorb_movements(tx, scene, seen)
    if scene.payment.status in OVERLAYS or (seen is not None and seen.refunds):
        return scene
    is_credit = scene.facts.lot_left_cents is not None
    if is_credit:
        log.warning("refund.refused", booking=scene.facts.booking_id, code=code)
        await release_lots(tx, scene.facts.booking_id)
    status: PaymentStatus = "refund_failed"
    is_share_back = scene.payment.top_up_id is not None and scene.facts.owed_cents > 0
    if (cause == "admin" or is_credit) and not is_share_back:
        # where a paid share has come back for it already, somebody must look
        refunds = await refunds_of_booking(tx, booking_id=scene.facts.booking_id)
        status = _before(scene, refunds)
    return await save(tx, scene, msgspec.structs.replace(scene.payment, status=status))


def _before(scene: Scene, refunds: Sequence[Refund]) -> PaymentStatus:
    """The status that a payment had before a refund was wished for."""
    return after_overlay(scene.facts, scene.payment, refunds, base="refunding")
