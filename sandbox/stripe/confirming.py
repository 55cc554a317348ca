"""What happens when a card is tried on a payment intent: success, challenge or decline."""

from typing import Any, Final

from sandbox.stripe.captures import take
from sandbox.stripe.cards import card_of
from sandbox.stripe.charges import failed_charge, new_charge
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.errors import card_error, decline_fields, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.fraud import open_review
from sandbox.stripe.payment_methods import attach_to, next_step

Doc = dict[str, Any]

CHALLENGE: Final = "challenge"
OK: Final = "ok"
AUTHENTICATION_REQUIRED: Final = "authentication_required"


def outcome_of_charge(
    ctx: Ctx, payment_method: Doc, *, off_session: bool, is_authenticated: bool
) -> str:
    """`ok`, `challenge`, or the reason of the decline."""
    hidden = payment_method["_"]
    if hidden["script"]:
        step = OK if is_authenticated else next_step(ctx, hidden["script"])
        if step == AUTHENTICATION_REQUIRED and not off_session:
            return CHALLENGE
        return step
    card = card_of(payment_method)
    needs = (
        card.auth == "always"
        or (card.auth == "unless_set_up" and not hidden["is_set_up"])
        or (card.auth == "on_session" and not off_session)
    )
    if needs and not is_authenticated:
        return AUTHENTICATION_REQUIRED if off_session else CHALLENGE
    return card.charge or OK


def attempt(
    ctx: Ctx,
    intent: Doc,
    payment_method: Doc,
    *,
    off_session: bool,
    is_authenticated: bool = False,
    return_url: str | None = None,
    refuse_challenge: bool = False,
) -> Doc:
    """Try the card; a decline is kept on the intent and raised as 402."""
    outcome = outcome_of_charge(
        ctx, payment_method, off_session=off_session, is_authenticated=is_authenticated
    )
    if outcome == CHALLENGE and refuse_challenge:
        outcome = AUTHENTICATION_REQUIRED
    if outcome == CHALLENGE:
        return _challenge(ctx, intent, payment_method, return_url)
    if outcome != OK:
        return _decline(ctx, intent, payment_method, outcome)
    intent["_"]["is_authenticated"] = is_authenticated
    return _authorize(ctx, intent, payment_method, off_session=off_session)


def _challenge(ctx: Ctx, intent: Doc, payment_method: Doc, return_url: str | None) -> Doc:
    """Ask the cardholder."""
    intent |= {
        "status": "requires_action",
        "payment_method": payment_method["id"],
        "last_payment_error": None,
        "next_action": next_action(ctx, intent["id"], return_url),
    }
    ctx.save(intent)
    emit(ctx, "payment_intent.requires_action", intent)
    return intent


def next_action(ctx: Ctx, intent_id: str, return_url: str | None) -> Doc:
    """Where the challenge is: in a modal of the browser script, or at a page of its own."""
    page = f"{ctx.base_url}/_emulator/3ds/{intent_id}"
    if return_url:
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": page},
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page},
    }


def _decline(ctx: Ctx, intent: Doc, payment_method: Doc, reason: str) -> Doc:
    """Keep the refusal: the intent forgets its card; a missing challenge makes no charge."""
    extra: Doc = {"payment_method": shown(payment_method)}
    if reason == AUTHENTICATION_REQUIRED:
        intent["_"]["refused_payment_method"] = payment_method["id"]
    else:
        charge = failed_charge(ctx, intent, payment_method, reason)
        intent["latest_charge"] = charge["id"]
        extra["charge"] = charge["id"]
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {**decline_fields(reason), **extra},
    }
    ctx.save(intent)
    emit(ctx, "payment_intent.payment_failed", intent)
    raise card_error(reason, payment_intent=shown(intent), **extra)


def _authorize(ctx: Ctx, intent: Doc, payment_method: Doc, *, off_session: bool) -> Doc:
    """Reserve the money; take it at once unless the capture is manual."""
    charge = new_charge(ctx, intent, payment_method, off_session=off_session)
    usage = intent["setup_future_usage"]
    if intent["customer"] and (usage or payment_method["customer"]):
        attach_to(ctx, payment_method, intent["customer"], is_set_up=bool(usage))
    else:
        payment_method["_"]["is_spent"] = True
        ctx.save(payment_method)
    ctx.insert(charge)
    if card_of(payment_method).risk == "elevated":
        intent["review"] = open_review(ctx, charge)["id"]
        ctx.save(charge)
    intent |= {
        "payment_method": payment_method["id"],
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
    }
    intent["_"].pop("refused_payment_method", None)
    emit(ctx, "charge.succeeded", charge)
    if intent["capture_method"] != "manual":
        return take(ctx, intent, charge, intent["amount"], intent["application_fee_amount"])
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    ctx.save(intent)
    before = charge["payment_method_details"]["card"]["capture_before"]
    ctx.store.plan("expire_authorization", intent["id"], before * 1_000_000)
    emit(ctx, "payment_intent.amount_capturable_updated", intent)
    return intent


def answer_challenge(ctx: Ctx, intent_id: str, *, is_passed: bool) -> Doc:
    """The cardholder's answer; a card refused off-session is first confirmed as by the browser."""
    intent = ctx.store.find("payment_intent", intent_id)
    if intent is None:
        raise invalid(f"No such payment_intent: '{intent_id}'", param="intent")
    refused = intent["_"].get("refused_payment_method")
    if intent["status"] == "requires_payment_method" and refused:
        payment_method = ctx.load("payment_method", refused)
        if not is_passed:
            # whatever the card would have said: a challenge that fails authorizes nothing
            intent = _challenge(ctx, intent, payment_method, None)
        else:
            intent = attempt(ctx, intent, payment_method, off_session=False)
        if intent["status"] != "requires_action":
            return intent
    if intent["status"] != "requires_action":
        raise invalid(
            f"This PaymentIntent's status is {intent['status']}: no challenge is open.",
            code="payment_intent_unexpected_state",
            payment_intent=shown(intent),
        )
    payment_method = ctx.load("payment_method", intent["payment_method"])
    if is_passed:
        return attempt(ctx, intent, payment_method, off_session=False, is_authenticated=True)
    message = (
        "We are unable to authenticate your payment method. Please choose a different payment"
        " method and try again."
    )
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "message": message,
            "payment_method": shown(payment_method),
        },
    }
    ctx.save(intent)
    emit(ctx, "payment_intent.payment_failed", intent)
    return intent
