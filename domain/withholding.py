"""A share that a capture could not pass on: the platform has the money and owes it (§1.7, B17).

Stripe refuses a capture whose destination may not receive transfers. The money is then taken with a
fee of the whole amount, so that nothing is sent on, and the instructor's part is paid by a transfer
once their account may have it. All amounts are cents.
"""

from datetime import datetime

from domain.payments import MoneyFacts, Payment, Step, StepKind
from domain.settings import Policy

RESTRICTED = frozenset(
    {"transfers_not_allowed", "account_invalid", "capability_not_active", "permission_denied"}
)
"""Why a capture is refused that is the instructor's account's doing, not the card's."""


def share_of(cents: int, *, captured_cents: int, withheld_cents: int) -> int:
    """The withheld share in a part of a charge; what is left of the part is the platform's fee.

    The fee's part is rounded half up, as Stripe rounds fees of refunds; parts of a row of refunds
    are differences of this, so that together they are the whole share.
    """
    fee = captured_cents - withheld_cents
    return cents - (2 * fee * cents + captured_cents) // (2 * captured_cents)


def taking(facts: MoneyFacts, kind: StepKind, *, policy: Policy) -> StepKind:
    """How reserved money is taken: by the rule, and to the platform alone where it must be."""
    is_restricted = facts.capture_refused in RESTRICTED
    if kind == "capture":
        return "capture_withheld" if is_restricted else "capture"
    is_reversed = policy.is_credit_reversed and not is_restricted
    return "capture_to_reverse" if is_reversed else "capture_as_fee"


def is_reversal_due(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> bool:
    """Whether a transfer of what became credit is to be taken back now (§1.4 A, P34).

    Where Stripe refuses it is tried again hour by hour: the student keeps the credit all the same.
    """
    if payment.to_reverse_cents <= facts.reversed_cents:
        return False
    refused_at = facts.reversal_refused_at
    return refused_at is None or now >= refused_at + policy.top_up_every


def to_pay(facts: MoneyFacts, payment: Payment) -> int:
    """What the instructor is owed from the platform's own balance: by used credit, or withheld."""
    by_credit = facts.top_up_cents if facts.consumed_cents else 0
    return facts.owed_cents if payment.withheld_cents else by_credit


def share_first(facts: MoneyFacts, payment: Payment) -> Step | None:
    """A withheld share that was paid comes back before a refund takes it from what is owed."""
    is_paid = payment.top_up_id is not None and share_missing(facts, payment) > 0
    if not is_paid:
        return None
    status = "dispute_lost" if payment.status == "dispute_lost" else "refunding"
    return Step("reverse_share", status)


def share_missing(facts: MoneyFacts, payment: Payment) -> int:
    """What must come back from a paid share before the wanted refund or recovery takes it.

    A refund of a withheld charge takes its share from what the instructor is owed; where that was
    paid already, this much of it is not owed any more.
    """
    wanted = facts.refund_cents if facts.refund_reverses else 0
    if payment.status == "dispute_lost":
        wanted = min(facts.recover_cents, payment.captured_cents - facts.refunded_cents)
    if not payment.withheld_cents or not wanted:
        return 0
    before = facts.fees_back_cents
    whole, part = payment.captured_cents, payment.withheld_cents
    until = share_of(min(whole, before + wanted), captured_cents=whole, withheld_cents=part)
    share = until - facts.shares_back_cents
    return max(0, share - facts.owed_cents)
