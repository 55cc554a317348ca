"""What Stripe shows or answers, taken into a payment: pure, and by rank."""

from datetime import datetime

import msgspec

from domain.bookings import PaymentStatus
from domain.operations import ChargeSeen, Decline, IntentSeen
from domain.payment_steps import rung, uncollected
from domain.payments import ASKING, OPEN_AUTHORIZATION, MoneyFacts, Payment
from domain.settings import Policy
from domain.timings import after_last_attempt

NOT_TAKEN: frozenset[PaymentStatus] = frozenset(
    {"releasing", "released", "auth_lost", "collection", "written_off"}
)
"""Given up in one way or another; an intent that has taken the money all the same tells more."""


def fold(
    payment: Payment, seen: IntentSeen, *, amount_cents: int, destination_cents: int
) -> Payment:
    """Takes an observation in: any order and repetition of the same observations ends the same.

    `destination_cents` is the instructor's part of the charge. What an intent has once been is
    evidence and stays; the status moves by rank, so an old read never undoes a newer one.
    Observations of another cycle's intent change nothing.
    """
    if seen.id != payment.payment_intent_id:
        return payment
    known = _with_evidence(payment, seen.charge, destination_cents)
    became = _became(payment.status, seen, amount_cents)
    return known if became is None else msgspec.structs.replace(known, status=became)


def _with_evidence(payment: Payment, charge: ChargeSeen | None, destination_cents: int) -> Payment:
    if charge is None or not charge.is_good:
        return payment
    known = msgspec.structs.replace(
        payment,
        charge_id=charge.id,
        authorized_at=charge.authorized_at,
        capture_before=charge.capture_before or payment.capture_before,
        decline_code=None,
    )
    if not (charge.is_booked and charge.captured_cents > 0):
        return known
    return msgspec.structs.replace(
        known,
        transfer_id=charge.transfer_id,
        application_fee_id=charge.application_fee_id,
        captured_at=charge.captured_at,
        captured_cents=charge.captured_cents,
        withheld_cents=destination_cents if charge.is_withheld else 0,
        to_reverse_cents=charge.transfer_cents if charge.is_to_reverse else 0,
    )


def _became(status: PaymentStatus, seen: IntentSeen, amount_cents: int) -> PaymentStatus | None:
    match seen.status:
        case "requires_action":
            return "action_required" if status == "authorizing" else None
        case "requires_capture":
            is_whole = seen.capturable_cents == amount_cents
            return "authorized" if status in ASKING | {"collection"} and is_whole else None
        case "canceled":
            if status == "releasing":
                return "released"
            is_open = status in ASKING | OPEN_AUTHORIZATION | {"collection"}
            return "auth_lost" if is_open else None
        case "succeeded":
            return _succeeded(status, seen)
        case _:
            return None


def _succeeded(status: PaymentStatus, seen: IntentSeen) -> PaymentStatus | None:
    is_behind = status in ASKING | OPEN_AUTHORIZATION | NOT_TAKEN
    if not is_behind or seen.charge is None or not seen.charge.is_booked:
        return None
    return "credited" if seen.charge.is_credit else "captured"


def after_decline(
    facts: MoneyFacts, payment: Payment, decline: Decline, *, now: datetime, policy: Policy
) -> Payment:
    """The payment after a refused card (P9 to P12, P28c)."""
    declined = msgspec.structs.replace(payment, decline_code=decline.code, is_on_session=False)
    if facts.status == "pending":
        status: PaymentStatus = "card_setup" if payment.status == "card_setup" else "card_required"
        return msgspec.structs.replace(declined, status=status)
    if facts.status != "confirmed":
        # the one attempt for an ended booking: nobody is there to confirm or to bring a card
        return msgspec.structs.replace(
            declined,
            status=uncollected(facts, payment).status,
            attempt=after_last_attempt(policy),
        )
    if decline.kind == "authentication":
        return msgspec.structs.replace(declined, status="action_required")
    if decline.kind == "hard":
        return msgspec.structs.replace(declined, status="card_required")
    attempt = _next_rung(facts, payment.attempt, now=now, policy=policy)
    is_over = attempt >= len(policy.ladder_before)
    status = "card_required" if is_over else "auth_retry"
    return msgspec.structs.replace(declined, status=status, attempt=attempt)


def with_method(payment: Payment, method_id: str) -> Payment:
    """The payment on another card; where the last one failed, it is tried now and face to face."""
    chosen = msgspec.structs.replace(payment, payment_method_id=method_id, decline_code=None)
    match payment.status:
        case "auth_retry" | "card_required" | "action_required" | "authorizing":
            return msgspec.structs.replace(chosen, status="authorizing", is_on_session=True)
        case "collection":
            return msgspec.structs.replace(chosen, is_on_session=True)
        case "card_setup" | "scheduled":
            return chosen
        case _:
            return payment


def renewed(payment: Payment, policy: Policy) -> Payment:
    """The payment whose card the network has renewed: the ladder goes on at once (P18)."""
    if payment.status not in {"auth_retry", "card_required"}:
        return payment
    last = len(policy.ladder_before) - 1
    is_waiting = payment.status == "auth_retry"
    attempt = max(0, min(payment.attempt, last + 1) - 1) if is_waiting else payment.attempt
    return msgspec.structs.replace(
        payment, status="auth_retry", attempt=min(attempt, last), decline_code=None
    )


def _next_rung(facts: MoneyFacts, attempt: int, *, now: datetime, policy: Policy) -> int:
    """The first unused step of the ladder that still lies ahead."""
    while attempt < len(policy.ladder_before) and rung(facts, attempt, policy) <= now:
        attempt += 1
    return attempt
