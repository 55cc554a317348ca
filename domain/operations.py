"""What we ask of Stripe and what it may answer, in our words; each family is closed.

A `Call` is stored with its operation, so a crash can be finished by sending it again with the same
key. No secret is ever part of a call or of an outcome.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.movements import (
    CreatePayout,
    CreateRefund,
    CreateTransfer,
    MovementsSeen,
    PayoutSeen,
    ReverseTopUp,
    ReverseTransfer,
    TopUpBackSeen,
    TransferSeen,
)

OperationState = Literal["planned", "sent", "succeeded", "failed", "unknown", "parked"]
"""`parked`: nobody knows, and only a person may decide; it blocks its booking's money."""
IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
]
DeclineKind = Literal["soft", "hard", "authentication"]
KeptAs = Literal["owed", "credit"]
"""What a capture is for that does not end with the instructor: a share owed to them, or credit."""

KEY_REFUSED = "key_refused"
"""The reason of `Unknown` when Stripe does not take our key: nothing is sent until it does."""

TEST_CARD_PREFIXES = ("pm_card_", "pm_emulator_script_")
"""Stripe's test cards and the emulator's scripted ones: names of cards, not saved cards."""

HARD_CODES = frozenset({
    "lost_card", "stolen_card", "pickup_card", "restricted_card", "revocation_of_authorization",
    "revocation_of_all_authorizations", "stop_payment_order", "fraudulent", "merchant_blacklist",
    "invalid_account", "card_not_supported", "expired_card", "incorrect_number", "incorrect_cvc",
    "invalid_number", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year",
})  # fmt: skip
HARD_ADVICE = frozenset({"do_not_try_again", "confirm_card_data"})


class CreateSetup(msgspec.Struct, frozen=True, kw_only=True, tag="create_setup", tag_field="call"):
    """Save a card: an intent the browser finishes."""

    customer: str
    metadata: dict[str, str]


class CancelSetup(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_setup", tag_field="call"):
    """Give up saving a card."""

    setup_intent_id: str


class AttachMethod(
    msgspec.Struct, frozen=True, kw_only=True, tag="attach_method", tag_field="call"
):
    """Make a card the student's own."""

    payment_method_id: str
    customer: str


class CreateIntent(
    msgspec.Struct, frozen=True, kw_only=True, tag="create_intent", tag_field="call"
):
    """Prepare an authorization; no money can move before it is confirmed."""

    amount_cents: int
    currency: str
    customer: str
    destination_account: str
    application_fee_cents: int
    transfer_group: str
    is_on_session: bool
    metadata: dict[str, str]
    statement_suffix: str | None = None
    """What the card's statement adds to the marketplace's name; absent in older operations."""


class ConfirmIntent(
    msgspec.Struct, frozen=True, kw_only=True, tag="confirm_intent", tag_field="call"
):
    """Reserve the money on this card."""

    payment_intent_id: str
    payment_method_id: str
    is_on_session: bool


class CaptureIntent(
    msgspec.Struct, frozen=True, kw_only=True, tag="capture_intent", tag_field="call"
):
    """Take the reserved money. With `as_fee_cents` all of it stays with the platform (§1.4 B).

    `kept_as` is written on the intent: by its amounts alone nobody could tell why.
    """

    payment_intent_id: str
    as_fee_cents: int | None = None
    kept_as: KeptAs | None = None


class CancelIntent(
    msgspec.Struct, frozen=True, kw_only=True, tag="cancel_intent", tag_field="call"
):
    """Let the reserved money go."""

    payment_intent_id: str


Call = (
    CreateSetup
    | CancelSetup
    | AttachMethod
    | CreateIntent
    | ConfirmIntent
    | CaptureIntent
    | CancelIntent
    | CreateTransfer
    | ReverseTransfer
    | ReverseTopUp
    | CreateRefund
    | CreatePayout
)


class Decline(msgspec.Struct, frozen=True, kw_only=True):
    """Why a card was refused. `message` may be shown to its owner."""

    kind: DeclineKind
    code: str
    message: str = "The card was declined."


class ChargeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A charge as fetched. Fees are Stripe's own numbers, never computed here."""

    id: str
    is_good: bool
    """Authorised or captured, as against refused."""
    authorized_at: datetime
    capture_before: datetime | None = None
    captured_at: datetime | None = None
    captured_cents: int = 0
    stripe_fee_cents: int = 0
    balance_transaction_id: str | None = None
    transfer_id: str | None = None
    transfer_cents: int = 0
    transfer_transaction_id: str | None = None
    destination_transaction_id: str | None = None
    application_fee_id: str | None = None
    application_fee_cents: int = 0
    application_fee_transaction_id: str | None = None
    kept_as: KeptAs | None = None
    """What the capture was meant for, from the intent's metadata."""

    @property
    def is_all_fee(self) -> bool:
        """Whether nothing of it stayed with the destination."""
        return self.captured_cents > 0 and self.application_fee_cents == self.captured_cents

    @property
    def is_withheld(self) -> bool:
        """Whether the platform took it all and owes the instructor their share (P27, B17)."""
        return self.is_all_fee and self.kept_as == "owed"

    @property
    def is_credit(self) -> bool:
        """Whether it belongs to the student as credit, by either variant of §1.4."""
        return self.kept_as == "credit" or (self.is_all_fee and not self.is_withheld)

    @property
    def is_to_reverse(self) -> bool:
        """Whether its transfer went out and is to be taken back (§1.4 A)."""
        return self.is_credit and not self.is_all_fee

    @property
    def is_booked(self) -> bool:
        """Whether every movement of the capture has its balance transaction already."""
        if self.balance_transaction_id is None or self.transfer_transaction_id is None:
            return False
        return self.application_fee_id is None or self.application_fee_transaction_id is not None


class IntentSeen(msgspec.Struct, frozen=True, kw_only=True, tag="intent", tag_field="seen"):
    """A payment intent as fetched: an observation that may be old."""

    id: str
    status: IntentStatus
    amount_cents: int
    capturable_cents: int = 0
    received_cents: int = 0
    payment_method_id: str | None = None
    charge: ChargeSeen | None = None
    decline: Decline | None = None
    booking_id: UUID | None = None
    """From our metadata; `None` when the intent is not of this marketplace."""
    cycle: int | None = None


class SetupSeen(msgspec.Struct, frozen=True, kw_only=True, tag="setup", tag_field="seen"):
    """A setup intent as fetched."""

    id: str
    status: str
    customer: str | None = None
    payment_method_id: str | None = None


class MethodSeen(msgspec.Struct, frozen=True, kw_only=True, tag="method", tag_field="seen"):
    """A card as fetched; `customer` is whose it is, if anybody's."""

    id: str
    customer: str | None
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None


class AccountSeen(msgspec.Struct, frozen=True, kw_only=True, tag="account", tag_field="seen"):
    """An instructor's connected account as fetched."""

    id: str
    has_transfers: bool
    has_payouts: bool
    has_submitted_details: bool
    requirements_due: tuple[str, ...] = ()
    disabled_reason: str | None = None
    """Why Stripe keeps it from something."""
    deadline_at: datetime | None = None
    """Until when it may go on without what is due."""


class Declined(msgspec.Struct, frozen=True, kw_only=True, tag="declined", tag_field="seen"):
    """The card was refused: definitive, no money moved."""

    decline: Decline


class Stale(msgspec.Struct, frozen=True, kw_only=True, tag="stale", tag_field="seen"):
    """Stripe refused because our view is old; `now_seen` is what it is really like."""

    code: str
    now_seen: IntentSeen | SetupSeen | MovementsSeen | None


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused", tag_field="seen"):
    """Definitive, and not the card's doing: a restricted account, a bug of ours, a wrong key."""

    code: str
    message: str


class NotHappened(msgspec.Struct, frozen=True, kw_only=True, tag="not_happened", tag_field="seen"):
    """A read-back shows that the call never took effect; a new attempt is safe."""

    code: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown", tag_field="seen"):
    """Nobody knows whether it happened: repeat with the same key, or read back."""

    reason: str
    needs_a_person: bool = False
    """Whether sending again could do harm, so that only a person may say what happened."""


Moved = TransferSeen | MovementsSeen | TopUpBackSeen | PayoutSeen
Seen = IntentSeen | SetupSeen | MethodSeen | Moved
SEEN = (
    IntentSeen,
    SetupSeen,
    MethodSeen,
    TransferSeen,
    MovementsSeen,
    TopUpBackSeen,
    PayoutSeen,
)
"""The answers that show an object: the write has happened."""
Answer = Seen | Declined | Stale | Refused | NotHappened | Unknown


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One write at Stripe, from plan to result. `planned_at` and `sent_at` are real time."""

    id: UUID
    kind: str
    booking_id: UUID | None
    subject_id: UUID
    idempotency_key: str
    params: Call
    state: OperationState
    attempts: int
    planned_at: datetime
    first_sent_at: datetime | None
    """Marketplace time: Stripe forgets a key a day after it."""
    sent_at: datetime | None


def decline_kind(code: str, decline_code: str | None, advice: str | None) -> DeclineKind:
    """How a refused card is treated: again by itself, another card, or the cardholder's word."""
    if "authentication_required" in {code, decline_code}:
        return "authentication"
    if advice in HARD_ADVICE or code in HARD_CODES or decline_code in HARD_CODES:
        return "hard"
    return "soft"


def is_test_card(payment_method_id: str) -> bool:
    """Whether this names a test card instead of a saved one; only test keys take these."""
    return payment_method_id.startswith(TEST_CARD_PREFIXES)
