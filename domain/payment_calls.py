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
    KeptAs,
)
from domain.payments import MoneyFacts, Payment, Step, StepKind
from domain.withholding import share_missing, to_pay

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

_KEPT_AS: dict[StepKind, KeptAs] = {
    "capture_as_fee": "credit",
    "capture_to_reverse": "credit",
    "capture_withheld": "owed",
}
SHARE = "share"
"""Why a top-up goes back: the withheld part in it, for a refund. The rest stays."""

STATEMENT_SUFFIX = "LESSON"
"""What a card's statement says after the marketplace's own name."""


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
        case "capture" | "capture_as_fee" | "capture_to_reverse" | "capture_withheld":
            call = _capture(step, facts, payment)
        case "release":
            call = CancelIntent(payment_intent_id=_known(payment.payment_intent_id))
        case (
            "refund"
            | "recover"
            | "reverse_credited"
            | "top_up"
            | "reverse_top_up"
            | "reverse_share"
        ):
            call = _movement(step, facts, payment)
        case "move" | "new_cycle" | "give_up" | "ask_confirm" | "plan_refund" | "restore_credit":
            raise MissingFactError(f"{step.kind} asks nothing of Stripe")
    return call


def _capture(step: Step, facts: MoneyFacts, payment: Payment) -> CaptureIntent:
    """As the authorization says, or with all of it for the platform (§1.4 B, §1.7)."""
    is_all_fee = step.kind in {"capture_as_fee", "capture_withheld"}
    return CaptureIntent(
        payment_intent_id=_known(payment.payment_intent_id),
        as_fee_cents=facts.card_amount_cents if is_all_fee else None,
        kept_as=_KEPT_AS.get(step.kind),
    )


def _top_up(step: Step, facts: MoneyFacts, payment: Payment) -> Call:
    """What pays the instructor from the platform's own balance, and what takes that back."""
    if step.kind == "top_up":
        return CreateTransfer(
            amount_cents=to_pay(facts, payment),
            currency=facts.currency,
            destination_account=_known(facts.stripe_account_id),
            transfer_group=_group(facts),
            metadata={**_ours(facts), "cause": "top_up"},
        )
    if step.kind == "reverse_share":
        return ReverseTopUp(
            transfer_id=_known(payment.top_up_id),
            amount_cents=share_missing(facts, payment),
            metadata={**_ours(facts), "cause": SHARE, "refund_id": str(facts.refund_id)},
        )
    return ReverseTopUp(
        transfer_id=_known(payment.top_up_id),
        amount_cents=facts.top_up_cents,
        metadata={**_ours(facts), "cause": "refund"},
    )


def _movement(step: Step, facts: MoneyFacts, payment: Payment) -> Call:
    """What moves captured money back, to the card or from the instructor, and what tops up."""
    if step.kind in {"top_up", "reverse_top_up", "reverse_share"}:
        return _top_up(step, facts, payment)
    if step.kind == "refund":
        return CreateRefund(
            payment_intent_id=_known(payment.payment_intent_id),
            transfer_id=payment.transfer_id,
            application_fee_id=payment.application_fee_id,
            amount_cents=facts.refund_cents,
            reverses_transfer=_reverses(facts, payment),
            metadata={
                **_ours(facts),
                "refund_id": str(facts.refund_id),
                "absorbed_cents": str(_absorbed(facts, payment)),
            },
        )
    is_recovered = step.kind == "recover"
    left = payment.captured_cents - facts.refunded_cents
    unreversed = payment.to_reverse_cents - facts.reversed_cents
    return ReverseTransfer(
        payment_intent_id=_known(payment.payment_intent_id),
        transfer_id=_known(payment.transfer_id),
        application_fee_id=payment.application_fee_id,
        amount_cents=min(facts.recover_cents, left) if is_recovered else unreversed,
        metadata={**_ours(facts), "cause": "dispute_lost" if is_recovered else "credit_rule"},
    )


def _reverses(facts: MoneyFacts, payment: Payment) -> bool:
    """Whether a refund takes the transfer back; what became credit has its own reversal."""
    return facts.refund_reverses and not payment.to_reverse_cents


def _absorbed(facts: MoneyFacts, payment: Payment) -> int:
    """What the platform bears of a refund: all that no reversal, this or an earlier one, covers."""
    if _reverses(facts, payment):
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
        statement_suffix=STATEMENT_SUFFIX,
    )


def _ours(facts: MoneyFacts) -> dict[str, str]:
    return {"booking_id": str(facts.booking_id)}


def _group(facts: MoneyFacts) -> str:
    return f"booking:{facts.booking_id}"


def _known(value: str | None) -> str:
    if value is None:
        raise MissingFactError("an identifier at Stripe is not known yet")
    return value
