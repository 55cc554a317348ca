"""What instructors get from the platform's own balance for lessons paid with credit."""

import msgspec
import structlog

from actors.credit_records import refund_credit
from actors.ledger import post
from actors.payment_records import Scene, again, save
from actors.withheld_shares import bear_share
from domain.credit_journals import top_up_back_journal, top_up_journal
from domain.movements import ReversalSeen, ReverseTopUp, TopUpBackSeen, TransferSeen
from domain.operations import Operation
from domain.payment_calls import SHARE
from storage.operations import count_operations
from storage.query import Tx

log = structlog.get_logger()

LATE_AFTER = 25
"""Hourly attempts: the last of so many is a day after the first."""


async def absorb_top_up(tx: Tx, scene: Scene, seen: TransferSeen) -> Scene:
    """Notes that the instructor has been paid."""
    await post(tx, [top_up_journal(scene.facts, seen, at=scene.now)], now=scene.now)
    return await save(tx, scene, msgspec.structs.replace(scene.payment, top_up_id=seen.id))


async def reversal_refused(tx: Tx, scene: Scene, code: str) -> Scene:
    """What became credit stays with the instructor for now: the student keeps the credit."""
    booking_id = scene.facts.booking_id
    tried = await count_operations(tx, booking_id=booking_id, kind="reverse_transfer")
    log.warning("credit_rule.not_reversed", booking=booking_id, code=code, attempts=tried)
    if tried >= LATE_AFTER:
        log.error("credit_rule.reversal_late", booking=booking_id, code=code, attempts=tried)
    return await again(tx, scene)


async def top_up_refused(tx: Tx, scene: Scene, code: str) -> Scene:
    """The balance is too small or the account restricted: it stays owed; a day of it is told."""
    booking_id = scene.facts.booking_id
    tried = await count_operations(tx, booking_id=booking_id, kind="create_transfer")
    if tried >= LATE_AFTER:
        log.error("top_up.late", booking=booking_id, code=code, attempts=tried)
    return await again(tx, scene)


async def absorb_top_up_back(
    tx: Tx, scene: Scene, call: ReverseTopUp, seen: TopUpBackSeen
) -> Scene:
    """Notes that a top-up was taken back, and gives the student the credit back.

    A withheld share that comes back for a refund is owed again until the refund takes it.
    """
    facts, now = scene.facts, scene.now
    journals = [top_up_back_journal(facts, each, at=now) for each in seen.reversals]
    await post(tx, journals, now=now)
    if call.metadata.get("cause") == SHARE:
        return await again(tx, scene)
    back = sum(each.amount_cents for each in seen.reversals if not _is_share(each))
    absorbed = max(0, facts.top_up_cents - back)
    await refund_credit(tx, facts, absorbed_cents=absorbed, now=now, policy=scene.policy)
    return await again(tx, scene)


async def top_up_kept(tx: Tx, scene: Scene, operation: Operation, code: str) -> Scene:
    """The instructor has spent it: the student has the money back, the platform bears it."""
    facts, call = scene.facts, operation.params
    log.warning("top_up.kept", booking=facts.booking_id, code=code)
    if isinstance(call, ReverseTopUp) and call.metadata.get("cause") == SHARE:
        source = str(operation.id)
        await bear_share(tx, facts, call.amount_cents, source=source, now=scene.now)
        return await again(tx, scene)
    await refund_credit(
        tx, facts, absorbed_cents=facts.top_up_cents, now=scene.now, policy=scene.policy
    )
    return await again(tx, scene)


def _is_share(reversal: ReversalSeen) -> bool:
    return reversal.metadata.get("cause") == SHARE
