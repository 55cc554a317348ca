"""Test cards by their numbers, as a person types them: brands, challenges, declines, risk."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, net


def typed(emulator: Process, number: str, cvc: str = "123") -> str:
    """Return the payment method of a typed card."""
    data = {
        "type": "card",
        "card[number]": number,
        "card[exp_month]": "12",
        "card[exp_year]": "2030",
        "card[cvc]": cvc,
    }
    made = emulator.form("/v1/payment_methods", data, key="pk_test_emulator")
    assert made.status_code == 200, made.text
    return made.json()["id"]


def confirmed(api: stripe.StripeClient, customer: str, card: str) -> stripe.PaymentIntent:
    """Return an intent confirmed with the cardholder there."""
    intent = api.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "customer": customer, "capture_method": "manual"}
    )
    return api.v1.payment_intents.confirm(intent.id, {"payment_method": card})


@pytest.mark.parametrize(
    ("number", "cvc", "brand", "funding"),
    [
        ("4242424242424242", "123", "visa", "credit"),
        ("4000056655665556", "123", "visa", "debit"),
        ("5555555555554444", "123", "mastercard", "credit"),
        ("378282246310005", "1234", "amex", "credit"),
    ],
)
def test_every_brand_is_charged_and_named(
    api: stripe.StripeClient,
    emulator: Process,
    customer: str,
    instructor: str,
    number: str,
    cvc: str,
    brand: str,
    funding: str,
) -> None:
    card = typed(emulator, number, cvc)
    held = hold(api, customer, instructor, card=card)
    details = held.latest_charge.payment_method_details.card
    assert (details.brand, details.network, details.funding) == (brand, brand, funding)
    assert details.last4 == number[-4:]
    days = 4.75 if brand == "visa" else 7
    assert details.capture_before == held.latest_charge.created + days * 86_400
    assert api.v1.payment_intents.capture(held.id).status == "succeeded"
    assert (net(api), net(api, instructor)) == (1_180, 8_500)


def test_a_card_that_requires_3d_secure_asks_and_is_then_authorized(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    asked = confirmed(api, customer, typed(emulator, "4000000000003220"))
    assert (asked.status, asked.next_action.type) == ("requires_action", "use_stripe_sdk")
    after = emulator.control(f"3ds/{asked.id}/complete")
    assert after["status"] == "requires_capture"
    charge = api.v1.charges.retrieve(after["latest_charge"])
    secure = charge.payment_method_details.card.three_d_secure
    assert (secure.result, secure.version) == ("authenticated", "2.2.0")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=typed(emulator, "4000000000003220"))
    assert caught.value.code == "authentication_required"


def test_a_card_with_optional_3d_secure_never_asks_by_itself(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = confirmed(api, customer, typed(emulator, "4000000000003055"))
    assert (held.status, held.next_action) == ("requires_capture", None)
    charge = api.v1.charges.retrieve(held.latest_charge)
    assert charge.payment_method_details.card.three_d_secure is None
    card = typed(emulator, "4000000000003055")
    assert hold(api, customer, instructor, card=card).status == "requires_capture"


def test_a_card_is_declined_although_the_challenge_was_passed(
    api: stripe.StripeClient, emulator: Process, customer: str
) -> None:
    asked = confirmed(api, customer, typed(emulator, "4000008400001629"))
    assert asked.status == "requires_action"
    after = emulator.control(f"3ds/{asked.id}/complete")
    assert (after["status"], after["amount_capturable"]) == ("requires_payment_method", 0)
    error = after["last_payment_error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    charge = api.v1.charges.retrieve(error["charge"])
    assert (charge.status, charge.paid) == ("failed", False)


def test_the_highest_risk_is_told_and_still_charged(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor, card=typed(emulator, "4000000000004954"))
    assert held.status == "requires_capture"
    outcome = held.latest_charge.outcome
    assert (outcome.risk_level, outcome.type) == ("highest", "authorized")
    assert api.v1.reviews.list().data == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4000000000006975", "card_declined"),
    ],
)
def test_a_typed_card_that_is_declined_fails_the_charge_with_its_code(
    api: stripe.StripeClient, emulator: Process, customer: str, number: str, code: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        confirmed(api, customer, typed(emulator, number))
    assert (caught.value.http_status, caught.value.code) == (402, code)
    assert caught.value.error.payment_intent.status == "requires_payment_method"


@pytest.mark.parametrize(("answer", "result"), [("complete", "authenticated"), ("fail", "failed")])
def test_an_attempt_to_save_a_card_tells_of_its_card_and_of_the_challenge(
    api: stripe.StripeClient, emulator: Process, customer: str, answer: str, result: str
) -> None:
    wish = {"customer": customer, "payment_method": typed(emulator, "4000000000003220")}
    setup = api.v1.setup_intents.create({**wish, "confirm": True})
    asked = api.v1.setup_attempts.list({"setup_intent": setup.id}).data[0]
    assert asked.payment_method_details.card.three_d_secure is None
    emulator.control(f"3ds/{setup.id}/{answer}")
    answered = api.v1.setup_attempts.list({"setup_intent": setup.id}).data[0]
    card = answered.payment_method_details.card
    assert (card.brand, card.last4, card.three_d_secure.result) == ("visa", "3220", result)
