"""Credit whose payment is in question: frozen while a bank decides, void when the money is gone.

The caller holds the booking's lock; lots are locked next, accounts last. What was spent of such
credit stays spent: the lesson was given, and the platform bears it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from actors.ledger import post
from domain.credit_journals import from_credit, revoke_journal
from domain.ids import BookingId
from domain.journals import CreditLot, Journal
from domain.payments import MoneyFacts, Payment
from storage import credits as lots
from storage.ledger import keys_posted
from storage.query import Tx


async def freeze_lots(tx: Tx, booking_id: UUID, *, now: datetime) -> None:
    """Keeps the credit of a cancellation from being spent."""
    found = await lots.lots_of_cancellation(tx, booking_id=booking_id)
    await lots.freeze_lots(tx, lot_ids=[each.id for each in found], now=now)


async def release_lots(tx: Tx, booking_id: UUID) -> None:
    """Lets it be spent again, as far as it was not taken back."""
    found = await lots.lots_of_cancellation(tx, booking_id=booking_id)
    await lots.release_lots(tx, lot_ids=[each.id for each in found])


async def claim_lots(tx: Tx, booking_id: UUID, *, now: datetime) -> bool:
    """Freezes the credit of a cancellation if all of it is unspent; whether it was."""
    found = await lots.lots_of_cancellation(tx, booking_id=booking_id)
    is_whole = len(found) == 1 and found[0].remaining_cents == found[0].granted_cents
    if not is_whole or found[0].expires_at <= now:
        return False
    await lots.freeze_lots(tx, lot_ids=[each.id for each in found], now=now)
    return True


async def revoke_lots(
    tx: Tx, booking_id: BookingId, cents: int, *, source: str, now: datetime
) -> None:
    """Takes back what is unspent of a cancellation's credit, at most `cents`.

    Where its whole payment is gone, what is given back to it later is void too; else the rest may
    be spent again.
    """
    found = await lots.lots_of_cancellation(tx, booking_id=booking_id)
    journals = [
        revoke_journal(lot.id, lot.user_id, taken, booking_id=booking_id, source=source, at=now)
        for lot, taken in await _take(tx, found, cents)
    ]
    await post(tx, journals, now=now)
    ids = [each.id for each in found]
    if found and cents >= found[0].granted_cents:
        await lots.revoke_lots(tx, lot_ids=ids, now=now)
    else:
        await lots.release_lots(tx, lot_ids=ids)


async def out_of_lot(
    tx: Tx, facts: MoneyFacts, payment: Payment, journals: Sequence[Journal], *, now: datetime
) -> Sequence[Journal]:
    """Movements of a charge that became credit take that credit back; others are as they were.

    Only movements not posted before count: each takes its part once.
    """
    if facts.lot_left_cents is None or not journals:
        return journals
    rule = f"{facts.booking_id}:{payment.cycle}:credit_rule"
    keys = [rule, *(each.dedupe_key for each in journals)]
    posted = set(await keys_posted(tx, booking_id=facts.booking_id, dedupe_keys=keys))
    found = await lots.lots_of_cancellation(tx, booking_id=facts.booking_id)
    changed, taken, whole = from_credit(
        [each for each in journals if each.dedupe_key not in posted],
        student_id=facts.student_id,
        left_cents=sum(each.remaining_cents for each in found),
        is_all_fee=rule in posted and not payment.to_reverse_cents,
    )
    await _take(tx, found, taken)
    if found and whole >= found[0].granted_cents:
        await lots.revoke_lots(tx, lot_ids=[each.id for each in found], now=now)
    return changed


async def _take(tx: Tx, found: Sequence[CreditLot], cents: int) -> list[tuple[CreditLot, int]]:
    """Takes so much out of locked lots, the oldest first; from which how much."""
    parts: list[tuple[CreditLot, int]] = []
    for lot in found:
        taken = min(lot.remaining_cents, cents)
        cents -= taken
        if taken:
            await lots.take_from_lot(tx, lot_id=lot.id, cents=taken)
            parts.append((lot, taken))
    return parts
