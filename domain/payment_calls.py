"""From a decided step to the very request Stripe gets, and the key that makes it safe to repeat."""

from uuid import UUID

from domain.movements import CreateRefund, CreateTransfer, ReverseTopUp, ReverseTransfer
from domain.operations import (
    AttachMethod,
    Call,
    CancelIntent,
    CancelSetup,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateSetup,
)
from domain.payments import MoneyFacts, Payment, Step

NEEDS_CUSTOMER = frozenset({"create_setup", "attach_method", "create_intent"})

_PREFIX: dict[str, str] = {
    "create_setup": "seti",
    "cancel_setup": "setc",
    "attach_method": "att",
    "create_intent": "pi",
    "confirm_intent": "conf",
    "capture_intent": "cap",
    "cancel_intent": "rel",
    "create_transfer": "top",
    "reverse_transfer": "rev",
    "reverse_top_up": "tback",
    "create_refund": "ref",
    "create_payout": "po",
}
_NUMBERED = frozenset({"create_setup", "attach_method", "confirm_intent", "create_refund"})
"""Happen several times by rights; the others only again after a definitive failure."""


class MissingFactError(Exception):
    """A step was decided whose facts are not there: a bug."""


def kind_of(call: Call) -> str:
    """The name of a call, as operations are stored under."""
    return str(type(call).__struct_config__.tag)


def key_of(kind: str, *, booking_id: UUID, cycle: int, before: int) -> str:
    """The idempotency key; `before` is how many operations of this kind the booking has had."""
    base = f"{_PREFIX[kind]}:{booking_id}:{cycle}"
    return base if before == 0 and kind not in _NUMBERED else f"{base}:{before + 1}"


def call_of(step: Step, facts: MoneyFacts, payment: Payment) -> Call:
    """What a step asks of Stripe; raises `MissingFactError` for one that asks nothing."""
    call: Call
    match step.kind:
        case "create_setup":
            call = CreateSetup(customer=_known(facts.stripe_customer_id), metadata=_ours(facts))
        case "cancel_setup":
            call = CancelSetup(setup_intent_id=_known(payment.setup_intent_id))
        case "attach_method":
            call = AttachMethod(
                payment_method_id=_known(payment.payment_method_id),
                customer=_known(facts.stripe_customer_id),
            )
        case "create_intent":
            call = _intent(step, facts, payment)
        case "confirm_intent":
            call = ConfirmIntent(
                payment_intent_id=_known(payment.payment_intent_id),
                payment_method_id=_known(payment.payment_method_id),
                is_on_session=step.is_on_session,
            )
        case "capture" | "capture_as_fee":
            is_fee = step.kind == "capture_as_fee"
            call = CaptureIntent(
                payment_intent_id=_known(payment.payment_intent_id),
                as_fee_cents=facts.card_amount_cents if is_fee else None,
            )
        case "release":
            call = CancelIntent(payment_intent_id=_known(payment.payment_intent_id))
        case "refund" | "recover" | "top_up" | "reverse_top_up":
            call = _movement(step, facts, payment)
        case "move" | "new_cycle" | "ask_confirm" | "plan_refund" | "restore_credit":
            raise MissingFactError(f"{step.kind} asks nothing of Stripe")
    return call


def _movement(step: Step, facts: MoneyFacts, payment: Payment) -> Call:
    """What moves captured money back, to the card or from the instructor, and what tops up."""
    if step.kind == "top_up":
        return CreateTransfer(
            amount_cents=facts.top_up_cents,
            currency=facts.currency,
            destination_account=_known(facts.stripe_account_id),
            transfer_group=_group(facts),
            metadata={**_ours(facts), "cause": "top_up"},
        )
    if step.kind == "reverse_top_up":
        return ReverseTopUp(
            transfer_id=_known(payment.top_up_id),
            amount_cents=facts.top_up_cents,
            metadata={**_ours(facts), "cause": "refund"},
        )
    if step.kind == "refund":
        return CreateRefund(
            payment_intent_id=_known(payment.payment_intent_id),
            transfer_id=payment.transfer_id,
            application_fee_id=payment.application_fee_id,
            amount_cents=facts.refund_cents,
            reverses_transfer=facts.refund_reverses,
            metadata={
                **_ours(facts),
                "refund_id": str(facts.refund_id),
                "absorbed_cents": str(_absorbed(facts)),
            },
        )
    left = payment.captured_cents - facts.refunded_cents
    return ReverseTransfer(
        payment_intent_id=_known(payment.payment_intent_id),
        transfer_id=_known(payment.transfer_id),
        application_fee_id=payment.application_fee_id,
        amount_cents=min(facts.recover_cents, left),
        metadata={**_ours(facts), "cause": "dispute_lost"},
    )


def _absorbed(facts: MoneyFacts) -> int:
    """What the platform bears of a refund: all that no reversal, this or an earlier one, covers."""
    if facts.refund_reverses:
        return 0
    return max(0, facts.refund_cents - facts.owed_back_cents)


def _intent(step: Step, facts: MoneyFacts, payment: Payment) -> CreateIntent:
    metadata = {
        **_ours(facts),
        "cycle": str(payment.cycle),
        "policy_version": str(facts.policy_version),
    }
    return CreateIntent(
        amount_cents=facts.card_amount_cents,
        currency=facts.currency,
        customer=_known(facts.stripe_customer_id),
        destination_account=_known(facts.stripe_account_id),
        application_fee_cents=facts.application_fee_cents,
        transfer_group=_group(facts),
        is_on_session=step.is_on_session,
        metadata=metadata,
    )


def _ours(facts: MoneyFacts) -> dict[str, str]:
    return {"booking_id": str(facts.booking_id)}


def _group(facts: MoneyFacts) -> str:
    return f"booking:{facts.booking_id}"


def _known(value: str | None) -> str:
    if value is None:
        raise MissingFactError("an identifier at Stripe is not known yet")
    return value
