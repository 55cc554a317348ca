"""What becomes of a booking's credit when its payment ends: used, or given back.

The caller holds the locks of the booking and its payment; lots are locked next, accounts last.
"""

from datetime import datetime
from uuid import UUID

from actors.credit_promises import promise_end
from actors.ledger import post
from domain.bookings import ACTIVE, PaymentStatus
from domain.credit_journals import consume_journal, refund_journal, restore_journal, revoke_journal
from domain.credits import CreditUse, UseState, end_of_restored
from domain.ids import new_id
from domain.journals import Journal
from domain.payments import MoneyFacts, is_owed
from domain.settings import Policy
from storage.credits import (
    continue_lot,
    end_uses,
    refill_lot,
    uses_to_end,
)
from storage.query import Tx

USING: frozenset[PaymentStatus] = frozenset({"captured", "payout_pending"})
"""The lesson is paid for: reserved credit is spent."""

FREEING: frozenset[PaymentStatus] = frozenset({"released", "credited", "written_off"})
"""Nothing is owed by credit: what is reserved goes back."""


async def settle_credit(
    tx: Tx, facts: MoneyFacts, became: PaymentStatus, *, now: datetime, policy: Policy
) -> bool:
    """Uses or frees reserved credit as the payment's new status demands; whether there was any."""
    is_kept = facts.status in ACTIVE or is_owed(facts)
    if became not in USING | FREEING or (became == "released" and is_kept):
        # a moved booking lets its card go and keeps its credit, also when it ended meanwhile
        return False
    reserved = await uses_to_end(tx, booking_id=facts.booking_id, state="reserved")
    if not reserved:
        return False
    cents = sum(each.cents for each in reserved)
    if became in USING:
        await _end(tx, facts, "reserved", "consumed", now=now)
        await post(tx, [consume_journal(facts, cents, at=now)], now=now)
        return True
    await _give_back(tx, reserved, now=now, policy=policy)
    await _end(tx, facts, "reserved", "restored", now=now)
    voided = _voided(facts, reserved, now=now)
    await post(tx, [restore_journal(facts, cents, at=now), *voided], now=now)
    return True


async def restore_reserved(tx: Tx, facts: MoneyFacts, *, now: datetime, policy: Policy) -> None:
    """Frees the credit of a booking that ended when its card was let go already."""
    await settle_credit(tx, facts, "released", now=now, policy=policy)


async def refund_credit(
    tx: Tx, facts: MoneyFacts, *, absorbed_cents: int, now: datetime, policy: Policy
) -> None:
    """Gives used credit back, after the money of a lesson went back.

    `absorbed_cents`: what of the top-up could not be taken back from the instructor.
    """
    used = await uses_to_end(tx, booking_id=facts.booking_id, state="consumed")
    if not used:
        return
    cents = sum(each.cents for each in used)
    await _give_back(tx, used, now=now, policy=policy)
    await _end(tx, facts, "consumed", "restored", now=now)
    journal = refund_journal(facts, cents, absorbed_cents=absorbed_cents, at=now)
    await post(tx, [journal, *_voided(facts, used, now=now)], now=now)


async def _end(
    tx: Tx, facts: MoneyFacts, was: UseState, became: UseState, *, now: datetime
) -> None:
    await end_uses(tx, booking_id=facts.booking_id, was=was, became=became, now=now)


async def _give_back(tx: Tx, uses: list[CreditUse], *, now: datetime, policy: Policy) -> None:
    for each in uses:
        if each.is_voided:
            continue
        ends_at = end_of_restored(each.expires_at, now=now, life=policy.credit_life_restored)
        if ends_at is None:
            await refill_lot(tx, lot_id=each.lot_id, cents=each.cents)
        else:
            await _continue(tx, each, ends_at, now=now, policy=policy)


def _voided(facts: MoneyFacts, uses: list[CreditUse], *, now: datetime) -> list[Journal]:
    """Given back and void at once: the bank has taken back what had paid for it."""
    booking_id = facts.booking_id
    return [
        revoke_journal(
            each.lot_id,
            facts.student_id,
            each.cents,
            booking_id=booking_id,
            source=str(booking_id),
            at=now,
        )
        for each in uses
        if each.is_voided
    ]


async def _continue(
    tx: Tx, given: CreditUse, ends_at: datetime, *, now: datetime, policy: Policy
) -> None:
    """A lot of its own, so that what else is left of the old one keeps its end."""
    lot_id: UUID = new_id(now)
    await continue_lot(
        tx, new_id=lot_id, lot_id=given.lot_id, cents=given.cents, expires_at=ends_at, now=now
    )
    await promise_end(tx, lot_id, ends_at, now=now, policy=policy)
