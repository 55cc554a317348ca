"""Stripe's objects as we read them, and what they mean in our words.

Only the fields the marketplace looks at; unknown ones are ignored, so a richer answer is fine.
An expandable field is an id, the object, or nothing.
"""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from stripe import StripeObject

from domain.operations import (
    AccountSeen,
    ChargeSeen,
    Decline,
    IntentSeen,
    IntentStatus,
    KeptAs,
    MethodSeen,
    SetupSeen,
    decline_kind,
)

INTENT_EXPAND = [
    "latest_charge.balance_transaction",
    "latest_charge.transfer.destination_payment",
    "latest_charge.application_fee",
]
"""Everything a capture moves, read in one request instead of computed."""


class TransactionBody(msgspec.Struct, frozen=True):
    """A balance transaction: what really moved, and what Stripe took for it."""

    id: str
    amount: int
    fee: int
    created: int


class DestinationBody(msgspec.Struct, frozen=True):
    """The payment that arrived at the connected account."""

    id: str
    balance_transaction: str | None = None


class TransferBody(msgspec.Struct, frozen=True):
    """Platform to connected account."""

    id: str
    amount: int
    balance_transaction: str | None = None
    destination_payment: DestinationBody | str | None = None


class FeeBody(msgspec.Struct, frozen=True):
    """The platform's part of a destination charge."""

    id: str
    amount: int
    balance_transaction: str | None = None


class CardBody(msgspec.Struct, frozen=True):
    """The card of a charge or of a payment method."""

    brand: str | None = None
    last4: str | None = None
    exp_month: int = 0
    exp_year: int = 0
    fingerprint: str | None = None
    capture_before: int | None = None


class DetailsBody(msgspec.Struct, frozen=True):
    """How a charge was paid."""

    card: CardBody | None = None


class ChargeBody(msgspec.Struct, frozen=True):
    """One try to charge a card."""

    id: str
    status: str
    created: int
    amount_captured: int = 0
    payment_method_details: DetailsBody | None = None
    balance_transaction: TransactionBody | str | None = None
    transfer: TransferBody | str | None = None
    application_fee: FeeBody | str | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """Why the last try failed."""

    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    message: str | None = None
    param: str | None = None


class IntentBody(msgspec.Struct, frozen=True):
    """A payment intent."""

    id: str
    status: IntentStatus
    amount: int
    amount_capturable: int = 0
    amount_received: int = 0
    payment_method: str | None = None
    latest_charge: ChargeBody | str | None = None
    last_payment_error: ErrorBody | None = None
    client_secret: str | None = None
    metadata: dict[str, str] = {}


class SetupBody(msgspec.Struct, frozen=True):
    """A setup intent."""

    id: str
    status: str
    customer: str | None = None
    payment_method: str | None = None
    client_secret: str | None = None
    metadata: dict[str, str] = {}


class MethodBody(msgspec.Struct, frozen=True):
    """A payment method."""

    id: str
    customer: str | None = None
    card: CardBody | None = None


class RequirementsBody(msgspec.Struct, frozen=True):
    """What Stripe still wants to know of an account."""

    currently_due: list[str] | None = None
    past_due: list[str] | None = None
    disabled_reason: str | None = None
    current_deadline: int | None = None


class CustomerBody(msgspec.Struct, frozen=True):
    """A customer; of a deleted one nothing else is left."""

    id: str
    deleted: bool = False


class CapabilitiesBody(msgspec.Struct, frozen=True):
    """What an account may do."""

    transfers: str | None = None


class AccountBody(msgspec.Struct, frozen=True):
    """A connected account."""

    id: str
    capabilities: CapabilitiesBody | None = None
    payouts_enabled: bool = False
    details_submitted: bool = False
    requirements: RequirementsBody | None = None


def intent_seen(answer: StripeObject) -> IntentSeen:
    """The observation in a payment intent fetched with `INTENT_EXPAND`."""
    body = msgspec.convert(answer.to_dict(), IntentBody)
    charge = body.latest_charge
    booking_id, cycle = _ours(body.metadata)
    return IntentSeen(
        id=body.id,
        status=body.status,
        amount_cents=body.amount,
        capturable_cents=body.amount_capturable,
        received_cents=body.amount_received,
        payment_method_id=body.payment_method,
        charge=_charge_seen(charge, body.metadata) if isinstance(charge, ChargeBody) else None,
        decline=decline_of(body.last_payment_error),
        booking_id=booking_id,
        cycle=cycle,
    )


def _ours(metadata: dict[str, str]) -> tuple[UUID | None, int | None]:
    try:
        return UUID(metadata["booking_id"]), int(metadata["cycle"])
    except (KeyError, ValueError):
        return None, None


def _kept_as(metadata: dict[str, str]) -> KeptAs | None:
    match metadata.get("kept_as"):
        case "owed" | "credit" as kept_as:
            return kept_as
        case _:
            return None


def _charge_seen(body: ChargeBody, metadata: dict[str, str]) -> ChargeSeen:
    details, taken = body.payment_method_details, body.balance_transaction
    transfer, fee = body.transfer, body.application_fee
    card = details.card if details else None
    moved = transfer if isinstance(transfer, TransferBody) else None
    arrived = moved.destination_payment if moved else None
    transaction = taken if isinstance(taken, TransactionBody) else None
    earned = fee if isinstance(fee, FeeBody) else None
    return ChargeSeen(
        id=body.id,
        is_good=body.status == "succeeded",
        authorized_at=_instant(body.created),
        capture_before=_instant(card.capture_before) if card and card.capture_before else None,
        captured_at=_instant(transaction.created) if transaction else None,
        captured_cents=body.amount_captured,
        stripe_fee_cents=transaction.fee if transaction else 0,
        balance_transaction_id=transaction.id if transaction else None,
        transfer_id=moved.id if moved else None,
        transfer_cents=moved.amount if moved else 0,
        transfer_transaction_id=moved.balance_transaction if moved else None,
        destination_transaction_id=(
            arrived.balance_transaction if isinstance(arrived, DestinationBody) else None
        ),
        application_fee_id=earned.id if earned else None,
        application_fee_cents=earned.amount if earned else 0,
        application_fee_transaction_id=earned.balance_transaction if earned else None,
        kept_as=_kept_as(metadata),
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def decline_of(error: ErrorBody | None) -> Decline | None:
    """The refusal in an error object; `None` when there is none."""
    if error is None or error.code is None:
        return None
    return Decline(
        kind=decline_kind(error.code, error.decline_code, error.advice_code),
        code=error.decline_code or error.code,
        message=error.message or "The card was declined.",
    )


def setup_seen(answer: StripeObject) -> SetupSeen:
    """The observation in a setup intent."""
    body = msgspec.convert(answer.to_dict(), SetupBody)
    return SetupSeen(
        id=body.id,
        status=body.status,
        customer=body.customer,
        payment_method_id=body.payment_method,
    )


def method_seen(answer: StripeObject) -> MethodSeen:
    """The observation in a payment method."""
    body = msgspec.convert(answer.to_dict(), MethodBody)
    card = body.card or CardBody()
    return MethodSeen(
        id=body.id,
        customer=body.customer,
        brand=card.brand or "card",
        last4=card.last4 or "",
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=card.fingerprint,
    )


def account_seen(answer: StripeObject) -> AccountSeen:
    """The observation in a connected account."""
    body = msgspec.convert(answer.to_dict(), AccountBody)
    needs = body.requirements or RequirementsBody()
    return AccountSeen(
        id=body.id,
        has_transfers=body.capabilities is not None and body.capabilities.transfers == "active",
        has_payouts=body.payouts_enabled,
        has_submitted_details=body.details_submitted,
        requirements_due=tuple(
            dict.fromkeys([*(needs.past_due or []), *(needs.currently_due or [])])
        ),
        disabled_reason=needs.disabled_reason,
        deadline_at=None if needs.current_deadline is None else _instant(needs.current_deadline),
    )
