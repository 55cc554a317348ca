"""A booking's payment: its states, and the facts that decide what to do next.

What follows from them is in `domain/payment_steps.py`; what Stripe shows comes in by
`domain/payment_folds.py` (`docs/states.md`).
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.ids import BookingId, UserId
from domain.no_shows import ReportState
from domain.settings import Policy
from domain.timings import OWED_OUTCOMES, TOPPED_UP, after_last_attempt

MethodState = Literal["none", "new", "attached", "detached", "refused"]
StepKind = Literal[
    "move",
    "new_cycle",
    "give_up",
    "create_setup",
    "cancel_setup",
    "attach_method",
    "create_intent",
    "confirm_intent",
    "capture",
    "capture_as_fee",
    "capture_to_reverse",
    "capture_withheld",
    "release",
    "ask_confirm",
    "plan_refund",
    "refund",
    "recover",
    "reverse_credited",
    "top_up",
    "reverse_share",
    "reverse_top_up",
    "restore_credit",
]

ASKING: frozenset[PaymentStatus] = frozenset(
    {"authorizing", "auth_retry", "card_required", "action_required"}
)
"""No money is reserved yet, but an intent may become authorised at any moment."""

OPEN_AUTHORIZATION: frozenset[PaymentStatus] = frozenset({"authorized", "capturing", "crediting"})
TAKEN: frozenset[PaymentStatus] = frozenset({
    "captured", "payout_pending", "settled", "credited", "refunding", "partially_refunded",
    "disputed", "dispute_lost",
})  # fmt: skip
REFUNDING: frozenset[PaymentStatus] = frozenset(
    {"captured", "payout_pending", "settled", "refunding", "partially_refunded", "refund_failed"}
)
PAYING: frozenset[PaymentStatus] = TOPPED_UP.union(("captured",))
"""Taken, and the instructor may not have all of it yet."""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one booking; one row for life, one payment intent a cycle."""

    booking_id: BookingId
    version: int
    status: PaymentStatus
    cycle: int
    attempt: int
    """Steps of the retry ladder used up in this cycle."""
    is_on_session: bool
    payment_method_id: str | None
    setup_intent_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    transfer_id: str | None
    application_fee_id: str | None
    capture_before: datetime | None
    authorized_at: datetime | None
    captured_at: datetime | None
    captured_cents: int
    warned_at: datetime | None
    decline_code: str | None
    top_up_id: str | None = None
    """The transfer that paid the instructor what the card did not."""
    withheld_cents: int = 0
    """The instructor's share of a capture that went to the platform alone: owed, paid like it."""
    to_reverse_cents: int = 0
    """The transfer of a capture that became credit: to be taken back whole."""


class MoneyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What money work needs to know of a booking and the people in it."""

    booking_id: BookingId
    instructor_id: UserId
    student_id: UserId
    status: BookingStatus
    outcome: Outcome | None
    start_at: datetime
    end_at: datetime
    hold_expires_at: datetime | None
    started_at: datetime | None
    currency: str
    policy_version: int
    instructor_amount_cents: int
    card_amount_cents: int
    destination_cents: int
    application_fee_cents: int
    top_up_cents: int
    stripe_account_id: str | None
    stripe_customer_id: str | None
    method_state: MethodState
    """Whether the payment's card is there, still to be attached, attached, taken away again, or
    refused for good and not chosen anew since."""
    refund_id: UUID | None = None
    """A refund that is wanted and not yet sent."""
    refund_cents: int = 0
    refund_reverses: bool = True
    refunded_cents: int = 0
    """What all earlier refunds have given or will give."""
    owed_back_cents: int = 0
    """What was taken back from the instructor for a refund that the card then did not take."""
    recover_cents: int = 0
    """What lost disputes took that is still to be taken back from the instructor: less what was
    taken back already for a refund that the card then did not take."""
    reserved_cents: int = 0
    """What credit will pay unless the booking ends otherwise."""
    consumed_cents: int = 0
    """What credit has paid for good, unless a refund gives it back."""
    top_up_refused_at: datetime | None = None
    """When Stripe last refused to pay the top-up, unless the account may have it since."""
    capture_refused: str | None = None
    """Why Stripe refused the last capture of this cycle, where that would have sent money on."""
    owed_cents: int = 0
    """What the ledger says the instructor is owed of this booking, where a share was withheld."""
    shares_back_cents: int = 0
    """What refunds have taken from a withheld share so far."""
    fees_back_cents: int = 0
    """How much of a withheld charge such refunds were; those that we bore alone are not in it."""
    reversed_cents: int = 0
    """What was taken back of the transfer of a capture that became credit."""
    reversal_refused_at: datetime | None = None
    """When Stripe last refused to take that transfer back."""
    blocked_at: datetime | None = None
    """When Stripe last refused to ask the card for a reason that is not the card's."""
    ended_at: datetime | None = None
    report_state: ReportState | None = None
    """Of a report that somebody did not come."""
    keeps_top_up: bool = False
    """Whether the last refund leaves the instructor what they had: the platform bears it."""
    lot_left_cents: int | None = None
    """What is unspent of the credit this booking was turned into; `None` when it was not."""


class Step(msgspec.Struct, frozen=True):
    """The next thing to do, and the payment's status while it is done."""

    kind: StepKind
    status: PaymentStatus
    is_on_session: bool = False


def is_owed(facts: MoneyFacts) -> bool:
    """Whether the full price is owed: a lesson that was given, or one cancelled or missed late."""
    return facts.status == "completed" or facts.outcome in OWED_OUTCOMES


def is_tried(payment: Payment, policy: Policy) -> bool:
    """Whether the one attempt for a booking that has ended is used up (P32b)."""
    return payment.attempt >= after_last_attempt(policy)


def moved(payment: Payment, step: Step, policy: Policy) -> Payment:
    """The payment after a step that needs only us: `move`, `give_up` or `new_cycle`."""
    if step.kind == "move":
        return msgspec.structs.replace(payment, status=step.status)
    last = after_last_attempt(policy)
    if step.kind == "give_up":
        return msgspec.structs.replace(payment, status=step.status, attempt=last)
    is_debt = step.status == "collection"
    # a debt's card is there because its student brought it: it goes on in the new cycle
    is_brought = is_debt and is_tried(payment, policy) and payment.is_on_session
    return msgspec.structs.replace(
        payment,
        status=step.status,
        cycle=payment.cycle + 1,
        attempt=last if is_debt else 0,
        is_on_session=is_brought,
        payment_intent_id=None,
        charge_id=None,
        capture_before=None,
        warned_at=None,
        decline_code=None,
    )
