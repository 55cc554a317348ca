"""Which accounts a payout moves, each movement once by its id at Stripe."""

from datetime import datetime
from uuid import UUID

from domain.journals import STRIPE, Journal, JournalKind, Line
from domain.movements import PayoutSeen

PAYOUT_FEES = "IPF"
PAYOUT_COSTS = "XIP"


def payout_journals(
    seen: PayoutSeen, *, instructor_id: UUID, account: str, at: datetime
) -> tuple[Journal, ...]:
    """The payout with the platform's fee, what Stripe bills for it, and what came back of it."""
    connected, owed = f"SC:{account}", f"WAL:{instructor_id}"
    moved: list[tuple[JournalKind, str, tuple[Line, ...]]] = []
    if seen.transaction_id is not None:
        moved.append(("payout", seen.id, _payout(seen, connected, owed)))
    if seen.cost_transaction_id is not None:
        moved.append(("payout_cost", seen.id, _cost(seen)))
    if seen.failure_transaction_id is not None:
        back = (
            Line(
                account=connected,
                amount_cents=seen.amount_cents,
                balance_transaction_id=seen.failure_transaction_id,
            ),
            Line(account=owed, amount_cents=-seen.amount_cents),
        )
        moved.append(("payout_returned", seen.id, back))
    for fee in seen.fee_refunds:
        lines = _fee(connected, owed, -fee.amount_cents, fee.transaction_id)
        moved.append(("payout_fee_refunded", fee.id, lines))
    return tuple(
        Journal(
            kind=kind,
            dedupe_key=f"{kind}:{source}",
            booking_id=None,
            user_ids=(instructor_id,),
            effective_at=at,
            source=source,
            lines=lines,
        )
        for kind, source, lines in moved
    )


def _payout(seen: PayoutSeen, connected: str, owed: str) -> tuple[Line, ...]:
    net = (
        Line(
            account=connected,
            amount_cents=-seen.amount_cents,
            balance_transaction_id=seen.transaction_id,
        ),
        Line(account=owed, amount_cents=seen.amount_cents),
    )
    if not seen.fee_cents:
        return net
    return (*net, *_fee(connected, owed, seen.fee_cents, seen.fee_transaction_id))


def _fee(connected: str, owed: str, fee_cents: int, transaction_id: str | None) -> tuple[Line, ...]:
    """The platform's price of an instant payout, taken from the connected account or given back."""
    return (
        Line(account=connected, amount_cents=-fee_cents),
        Line(account=STRIPE, amount_cents=fee_cents, balance_transaction_id=transaction_id),
        Line(account=owed, amount_cents=fee_cents),
        Line(account=PAYOUT_FEES, amount_cents=-fee_cents),
    )


def _cost(seen: PayoutSeen) -> tuple[Line, ...]:
    return (
        Line(
            account=STRIPE,
            amount_cents=-seen.cost_cents,
            balance_transaction_id=seen.cost_transaction_id,
        ),
        Line(account=PAYOUT_COSTS, amount_cents=seen.cost_cents),
    )
