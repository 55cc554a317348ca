"""A share that was withheld, paid, and is taken by a refund all the same: somebody bears it."""

from datetime import datetime

import structlog

from actors.ledger import post
from domain.journals import share_absorbed_journal, shares_back
from domain.movements import MovementsSeen
from domain.payments import MoneyFacts, Payment
from storage.query import Tx

log = structlog.get_logger()


async def bear_paid_share(
    tx: Tx, facts: MoneyFacts, payment: Payment, seen: MovementsSeen, *, now: datetime
) -> None:
    """Books as our loss what a refund takes of a share that is not owed any more.

    Ours take a paid share back first; one made in Stripe's dashboard, or a reversal that Stripe
    refuses, leaves it with the instructor.
    """
    if not payment.withheld_cents or not seen.fee_refunds:
        return
    shares = shares_back(facts, seen, withheld_cents=payment.withheld_cents)
    booked = [
        share
        for share, fee in zip(shares, seen.fee_refunds, strict=True)
        if fee.transaction_id is not None
    ]
    short = sum(booked) - facts.shares_back_cents - facts.owed_cents
    if short > 0:
        log.error("share.absorbed", booking=facts.booking_id, cents=short)
        source = seen.fee_refunds[-1].id
        journal = share_absorbed_journal(facts, short, source=source, at=now)
        await post(tx, [journal], now=now)


async def bear_share(tx: Tx, facts: MoneyFacts, cents: int, *, source: str, now: datetime) -> None:
    """Books as our loss a paid share that Stripe does not take back."""
    journal = share_absorbed_journal(facts, cents, source=source, at=now)
    await post(tx, [journal], now=now)
