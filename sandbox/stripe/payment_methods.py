"""Payment methods: test cards, scripted cards, attaching and detaching."""

from typing import Any, Final

from sandbox.stripe.cards import BY_NUMBER as CARD_BY_NUMBER
from sandbox.stripe.cards import (
    INCORRECT_NUMBER,
    PLAIN,
    Card,
    card_by_token,
    card_details,
    card_of,
    fingerprint,
    is_luhn,
)
from sandbox.stripe.clock import instant
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.customers import load_customer
from sandbox.stripe.errors import DECLINE_MESSAGES, card_error, invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.lists import UNDATED, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

SCRIPT_PREFIX: Final = "pm_emulator_script_"
STEPS_MAX: Final = 100
CARD_SPEC: Final = {
    "number": "str",
    "exp_month": "int",
    "exp_year": "int",
    "cvc": "str",
    "token": "str",
    "networks": "any",
}
ADDRESS: Final = ("city", "country", "line1", "line2", "postal_code", "state")
BILLING_SPEC: Final = {
    "address": dict.fromkeys(ADDRESS, "str"),
    **dict.fromkeys(("email", "name", "phone", "tax_id"), "str"),
}
DATA_SPEC: Final = {
    "type": "str",
    "card": CARD_SPEC,
    "billing_details": BILLING_SPEC,
    "allow_redisplay": "str",
    "metadata": "map",
}
BROWSER_EXTRAS: Final = {
    "key": "str",
    "client_secret": "str",
    "payment_user_agent": "str",
    "referrer": "str",
    "guid": "str",
    "muid": "str",
    "sid": "str",
}
SPENT: Final = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
    " attachment, shared with a connected account without Customer attachment, or was detached from"
    " a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach"
    " it to a Customer first."
)


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/payment_methods, by the browser or the server."""
    return from_data(ctx, p)


def from_data(ctx: Ctx, p: Doc) -> Doc:
    """A payment method from card data or a token."""
    if p.get("type") != "card":
        raise invalid(
            f"Invalid type: must be card, not {p.get('type')}",
            code="parameter_missing",
            param="type",
        )
    data = p.get("card")
    if not data:
        raise invalid("Missing required param: card.", code="parameter_missing", param="card")
    if data.get("token"):
        card = card_by_token(data["token"])
        if card is None:
            raise missing("token", data["token"], param="card[token]", status=400)
        month, year = 12, _year(ctx) + 4
    else:
        card, month, year = _typed(ctx, data)
    payment_method = _keep(ctx, card, month, year)
    _bill_to(payment_method, p.get("billing_details") or {})
    payment_method["metadata"] = merge_metadata({}, p.get("metadata"))
    return ctx.save(payment_method)


def _bill_to(payment_method: Doc, given: Doc) -> None:
    """Keep who pays; an address is told as a whole, with null for what it lacks."""
    billing = payment_method["billing_details"]
    address = given.get("address") or {}
    billing |= {**given, "address": {**billing["address"], **address}}


def _year(ctx: Ctx) -> int:
    return instant(ctx.now_us).year


def _typed(ctx: Ctx, data: Doc) -> tuple[Card, int, int]:
    """Card data as a person typed it: number, month, year, checked as Stripe does."""
    number = (data.get("number") or "").replace(" ", "")
    if not number:
        raise invalid(
            "Missing required param: card[number].", code="parameter_missing", param="card[number]"
        )
    if number == INCORRECT_NUMBER or not number.isdigit() or not is_luhn(number):
        raise card_error("incorrect_number")
    month, year = data.get("exp_month"), data.get("exp_year")
    if month is None or not 1 <= month <= 12:
        raise _bad_data(
            "invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month"
        )
    year = None if year is None else year + 2000 * (year < 100)
    today = instant(ctx.now_us)
    if year is None or (year, month) < (today.year, today.month) or year > today.year + 50:
        raise _bad_data(
            "invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year"
        )
    cvc = data.get("cvc")
    if cvc is not None and not (cvc.isdigit() and len(cvc) in (3, 4)):
        raise _bad_data("invalid_cvc", "Your card's security code is invalid.", "cvc")
    card = CARD_BY_NUMBER.get(number)
    if card is None:
        raise card_error("test_mode_live_card", param="number")
    return card, month, year


def _bad_data(code: str, message: str, param: str) -> Exception:
    error = card_error(code, param=param)
    error.error["message"] = message
    error.error.pop("decline_code", None)
    return error


def _keep(ctx: Ctx, card: Card, month: int, year: int, script: str | None = None) -> Doc:
    """A new payment method of this card."""
    seed = script or card.number
    payment_method: Doc = {
        "id": ctx.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": card_details(card, fingerprint(ctx.store.seed, seed), month, year),
        "created": ctx.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_": {"number": card.number, "script": script, "is_set_up": False, "is_spent": False},
    }
    return ctx.insert(payment_method)


def resolve(ctx: Ctx, method_id: str, *, param: str | None = "payment_method") -> Doc:
    """A kept payment method, or a fresh one of a test token or a script."""
    if card := card_by_token(method_id):
        return _keep(ctx, card, 12, _year(ctx) + 4)
    if method_id.startswith(SCRIPT_PREFIX):
        if ctx.store.find("emulator_script", method_id) is None:
            raise missing("PaymentMethod", method_id, param=param or "id", status=400)
        return _keep(ctx, PLAIN, 12, _year(ctx) + 4, script=method_id)
    return ctx.load("payment_method", method_id, param=param)


def attach_to(ctx: Ctx, payment_method: Doc, customer_id: str, *, is_set_up: bool) -> None:
    """Bind a payment method to a customer and tell it."""
    if is_set_up:
        payment_method["_"]["is_set_up"] = True
    if payment_method["customer"] == customer_id:
        ctx.save(payment_method)
        return
    payment_method["customer"] = customer_id
    ctx.save(payment_method)
    emit(ctx, "payment_method.attached", payment_method)


def attach(ctx: Ctx, p: Doc, method_id: str) -> Doc:
    """POST /v1/payment_methods/{id}/attach; cards that decline everything are refused here."""
    load_customer(ctx, p["customer"], param="customer")
    payment_method = resolve(ctx, method_id, param=None)
    if payment_method["customer"] not in (None, p["customer"]):
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if payment_method["_"]["is_spent"]:
        raise invalid(SPENT)
    card = card_of(payment_method)
    if card.attach and not payment_method["_"]["script"]:
        raise card_error(card.attach, payment_method=shown(payment_method))
    attach_to(ctx, payment_method, p["customer"], is_set_up=False)
    return payment_method


def detach(ctx: Ctx, p: Doc, method_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/payment_methods/{id}/detach: it can never be used again."""
    payment_method = ctx.load("payment_method", method_id)
    if payment_method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible."
        )
    previous = {"customer": payment_method["customer"]}
    payment_method["customer"] = None
    payment_method["_"]["is_spent"] = True
    ctx.save(payment_method)
    emit(ctx, "payment_method.detached", payment_method, previous)
    return payment_method


def retrieve(ctx: Ctx, p: Doc, method_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/payment_methods/{id}."""
    return resolve(ctx, method_id, param=None)


def update(ctx: Ctx, p: Doc, method_id: str) -> Doc:
    """POST /v1/payment_methods/{id}."""
    payment_method = ctx.load("payment_method", method_id)
    if p.get("card"):
        for name in ("exp_month", "exp_year"):
            if p["card"].get(name):
                payment_method["card"][name] = p["card"][name]
    if p.get("billing_details"):
        _bill_to(payment_method, p["billing_details"])
    if p.get("allow_redisplay"):
        payment_method["allow_redisplay"] = p["allow_redisplay"]
    if "metadata" in p:
        payment_method["metadata"] = merge_metadata(payment_method["metadata"], p["metadata"])
    ctx.save(payment_method)
    emit(ctx, "payment_method.updated", payment_method)
    return payment_method


def list_payment_methods(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/payment_methods."""
    return page(ctx, "payment_method", p, "/v1/payment_methods", filters=("customer", "type"))


def create_script(ctx: Ctx, steps: list[str]) -> Doc:
    """A card whose charges follow the steps; the last step stays."""
    known = {"ok", *DECLINE_MESSAGES}
    is_word = all(isinstance(step, str) and step.replace("_", "").isalpha() for step in steps)
    if not steps or len(steps) > STEPS_MAX or not is_word:
        raise invalid(
            f"steps: 1 to {STEPS_MAX} of ok or a decline code, for example {sorted(known)}",
            param="steps",
        )
    script_id = ctx.new_id("pm_emulator_script")
    script = {"id": script_id, "object": "emulator_script", "created": ctx.now}
    ctx.insert({**script, "steps": steps, "position": 0})
    return {"payment_method": script_id, "steps": steps}


def next_step(ctx: Ctx, script_id: str) -> str:
    """Play a script's next step."""
    script = ctx.store.find("emulator_script", script_id)
    if script is None:
        return "ok"
    step = script["steps"][min(script["position"], len(script["steps"]) - 1)]
    script["position"] += 1
    ctx.save(script)
    return step


ROUTES: list[Route] = [
    post("/v1/payment_methods", create, DATA_SPEC | BROWSER_EXTRAS, browser=True),
    get("/v1/payment_methods", list_payment_methods, UNDATED | {"customer": "str", "type": "str"}),
    get("/v1/payment_methods/{id}", retrieve),
    post(
        "/v1/payment_methods/{id}",
        update,
        {
            "card": {"exp_month": "int", "exp_year": "int"},
            "billing_details": BILLING_SPEC,
            "allow_redisplay": "str",
            "metadata": "map",
        },
    ),
    post("/v1/payment_methods/{id}/attach", attach, {"customer": "str!"}),
    post("/v1/payment_methods/{id}/detach", detach, {}),
]
