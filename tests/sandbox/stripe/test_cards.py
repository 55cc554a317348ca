"""What each test card does when it is attached, set up, or charged."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, saved_card


def refused(call: object, *arguments: object) -> stripe.CardError:
    """The card error a call raises."""
    with pytest.raises(stripe.CardError) as caught:
        call(*arguments)
    assert caught.value.http_status == 402
    return caught.value


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ],
)
def test_a_card_that_declines_everything_is_refused_when_attached(
    api: stripe.StripeClient, customer: str, card: str, code: str, decline_code: str
) -> None:
    error = refused(api.v1.payment_methods.attach, card, {"customer": customer})
    assert (error.error.code, error.error.decline_code) == (code, decline_code)
    assert api.v1.customers.payment_methods.list(customer).data == []


def test_a_card_that_declines_everything_fails_a_setup(
    api: stripe.StripeClient, customer: str
) -> None:
    intent = api.v1.setup_intents.create({"customer": customer})
    params = {"payment_method": "pm_card_chargeDeclined"}
    error = refused(api.v1.setup_intents.confirm, intent.id, params)
    assert error.error.setup_intent.status == "requires_payment_method"
    assert api.v1.setup_intents.retrieve(intent.id).last_setup_error.code == "card_declined"


def test_a_saved_card_can_fail_later_and_the_intent_forgets_it(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    card = saved_card(api, customer, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=card)
    intent = caught.value.error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.payment_method is None
    assert intent.last_payment_error.decline_code == "generic_decline"
    charge = api.v1.charges.retrieve(caught.value.error.charge)
    assert (charge.status, charge.outcome.type) == ("failed", "issuer_declined")
    types = [event.type for event in api.v1.events.list({"limit": 3}).data]
    assert types[:2] == ["payment_intent.payment_failed", "charge.failed"]


def test_a_script_plays_its_steps_in_order_and_stays_at_the_last(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    script = emulator.control("scripts", {"steps": ["insufficient_funds", "ok"]})["payment_method"]
    card = saved_card(api, customer, script)
    assert card.startswith("pm_")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=card)
    assert caught.value.error.decline_code == "insufficient_funds"
    for _ in range(2):
        assert hold(api, customer, instructor, card=card).status == "requires_capture"


def test_a_script_is_usable_without_being_attached(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    script = emulator.control("scripts", {"steps": ["stolen_card", "ok"]})["payment_method"]
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=script)
    assert caught.value.error.advice_code == "do_not_try_again"
    assert hold(api, customer, instructor, card=script).status == "requires_capture"


def test_a_script_can_ask_the_cardholder(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    steps = ["authentication_required", "authentication_required", "ok"]
    card = saved_card(
        api, customer, emulator.control("scripts", {"steps": steps})["payment_method"]
    )
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=card)
    assert caught.value.code == "authentication_required"
    intent = caught.value.error.payment_intent
    assert emulator.control(f"3ds/{intent.id}/complete")["status"] == "requires_capture"


def test_a_script_of_nonsense_is_refused(emulator: Process) -> None:
    for steps in ([], ["no such thing!"], "ok"):
        answer = emulator.http.post("/_emulator/scripts", json={"steps": steps})
        assert answer.status_code == 400


def test_off_session_a_card_that_always_asks_is_refused_without_a_charge(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    card = saved_card(api, customer, "pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=card)
    error = caught.value.error
    assert (error.code, error.decline_code) == ("authentication_required",) * 2
    assert error.payment_intent.latest_charge is None
    assert api.v1.charges.list().data == []
    intent = emulator.control(f"3ds/{error.payment_intent.id}/complete")
    assert intent["status"] == "requires_capture"
    charge = api.v1.charges.retrieve(intent["latest_charge"])
    assert charge.payment_method_details.card.capture_before == charge.created + 7 * 86_400


def test_a_failed_challenge_can_be_tried_again(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    card = saved_card(api, customer, "pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=card)
    intent_id = caught.value.error.payment_intent.id
    failed = emulator.control(f"3ds/{intent_id}/fail")
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert emulator.control(f"3ds/{intent_id}/complete")["status"] == "requires_capture"


def test_a_card_set_up_once_is_good_off_session(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    unset = saved_card(api, customer, "pm_card_authenticationRequiredOnSetup")
    with pytest.raises(stripe.CardError):
        hold(api, customer, instructor, card=unset)
    setup = api.v1.setup_intents.create(
        {
            "customer": customer,
            "confirm": True,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
        }
    )
    assert setup.status == "requires_action"
    done = emulator.control(f"3ds/{setup.id}/complete")
    assert done["status"] == "succeeded"
    assert hold(api, customer, instructor, card=done["payment_method"]).status == "requires_capture"


def test_an_already_set_up_card_asks_on_session_alone(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    card = saved_card(api, customer, "pm_card_authenticationRequiredSetupForOffSession")
    held = hold(api, customer, instructor, card=card)
    assert held.status == "requires_capture"
    intent = api.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "customer": customer, "payment_method": card}
    )
    assert api.v1.payment_intents.confirm(intent.id).status == "requires_action"


def test_a_challenge_can_be_passed_and_the_card_still_declined(
    api: stripe.StripeClient, emulator: Process, customer: str
) -> None:
    name = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = api.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "customer": customer,
            "payment_method": name,
            "confirm": True,
        }
    )
    assert intent.status == "requires_action"
    after = emulator.control(f"3ds/{intent.id}/complete")
    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("card", "seconds"),
    [("pm_card_visa", 4 * 86_400 + 18 * 3_600), ("pm_card_mastercard", 7 * 86_400)],
)
def test_off_session_visa_is_held_for_less_time(
    api: stripe.StripeClient, customer: str, instructor: str, card: str, seconds: int
) -> None:
    held = hold(api, customer, instructor, card=saved_card(api, customer, card))
    details = held.latest_charge.payment_method_details.card
    assert details.capture_before == held.latest_charge.created + seconds


def test_a_card_of_another_customer_and_a_forgotten_card_are_refused(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    other = api.v1.customers.create().id
    with pytest.raises(stripe.InvalidRequestError) as caught:
        hold(api, customer, instructor, card=saved_card(api, other))
    assert caught.value.param == "payment_method"
    forgotten = saved_card(api, customer)
    api.v1.payment_methods.detach(forgotten)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        hold(api, customer, instructor, card=forgotten)
    assert caught.value.code == "resource_missing"


def test_typed_numbers_are_checked(emulator: Process) -> None:
    def made(number: str, year: str = "2030", month: str = "12") -> dict[str, object]:
        data = {
            "type": "card",
            "card[number]": number,
            "card[exp_month]": month,
            "card[exp_year]": year,
            "card[cvc]": "123",
        }
        return emulator.form("/v1/payment_methods", data, key="pk_test_emulator").json()

    assert made("4242 4242 4242 4242")["card"]["last4"] == "4242"
    assert made("4242424242424241")["error"]["code"] == "incorrect_number"
    assert made("4242424242424242", "2020")["error"]["code"] == "invalid_expiry_year"
    assert made("4242424242424242", "2030", "13")["error"]["code"] == "invalid_expiry_month"
    assert made("4111111111111111")["error"]["decline_code"] == "test_mode_live_card"
