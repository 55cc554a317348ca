"""What an intent, a capture and an account accept: acted on or refused, never forgotten."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, net, saved_card

INTENT: JSON = {"amount": 10_000, "currency": "usd"}


def refused(call: object, *arguments: object) -> stripe.InvalidRequestError:
    """Return the refusal of a request."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*arguments)  # type: ignore[operator] -- any request of the SDK
    return caught.value


def test_a_capture_sends_on_the_amount_it_names(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor, fee=0)
    capture = api.v1.payment_intents.capture
    for cents, code in ((0, "parameter_invalid_integer"), (-1, "parameter_invalid_integer")):
        assert refused(capture, held.id, {"transfer_data": {"amount": cents}}).code == code
    wrong = {"amount_to_capture": 4_000, "transfer_data": {"amount": 4_001}}
    assert refused(capture, held.id, wrong).param == "transfer_data[amount]"
    both = {"transfer_data": {"amount": 100}, "application_fee_amount": 100}
    assert refused(capture, held.id, both).param == "application_fee_amount"
    taken = capture(held.id, {"amount_to_capture": 4_000, "transfer_data": {"amount": 2_500}})
    assert (taken.amount_received, taken.transfer_data.amount) == (4_000, 2_500)
    assert net(api, instructor) == 2_500
    assert emulator.look("invariants")["ok"]


def test_a_capture_beside_the_intents_own_fee_names_no_amount(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor, fee=1_500)
    wish = {"transfer_data": {"amount": 100}}
    assert refused(api.v1.payment_intents.capture, held.id, wish).param == "application_fee_amount"
    assert api.v1.payment_intents.capture(held.id, {"final_capture": True}).status == "succeeded"


def test_a_capture_is_the_last_one_and_may_name_the_statement(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    capture = api.v1.payment_intents.capture
    assert refused(capture, held.id, {"final_capture": False}).param == "final_capture"
    name = {"statement_descriptor": "LESSON"}
    assert refused(capture, held.id, name).param == "statement_descriptor"
    for suffix in ("123", "a*b", "x" * 23):
        wish = {"statement_descriptor_suffix": suffix}
        assert refused(capture, held.id, wish).param == "statement_descriptor_suffix"
    done = capture(held.id, {"statement_descriptor_suffix": "Piano", "expand": ["latest_charge"]})
    assert done.statement_descriptor_suffix == "Piano"
    assert done.latest_charge.statement_descriptor_suffix == "Piano"
    assert done.latest_charge.calculated_statement_descriptor == "INSTAINSTRU* PIANO"


def test_an_intent_shares_a_positive_amount_or_takes_a_fee(
    api: stripe.StripeClient, instructor: str
) -> None:
    create = api.v1.payment_intents.create
    for cents in (0, -5, 10_001):
        split = {"destination": instructor, "amount": cents}
        wrong = refused(create, {**INTENT, "transfer_data": split})
        assert wrong.param == "transfer_data[amount]"
    split = {"destination": instructor, "amount": 9_000}
    made = create({**INTENT, "transfer_data": split})
    update = {"application_fee_amount": 100}
    assert refused(api.v1.payment_intents.update, made.id, update).param == "application_fee_amount"
    assert refused(create, {**INTENT, "statement_descriptor": "X"}).param == "statement_descriptor"


@pytest.mark.parametrize(
    "options", [{"card": {"request_three_d_secure": "any"}}, {"card": {"capture_method": "manual"}}]
)
def test_options_that_would_change_nothing_are_refused(
    api: stripe.StripeClient, options: JSON
) -> None:
    create = api.v1.payment_intents.create
    wrong = refused(create, {**INTENT, "payment_method_options": options})
    assert wrong.param == "payment_method_options"
    plain = {"card": {"request_three_d_secure": "automatic"}}
    assert create({**INTENT, "payment_method_options": plain}).id


def test_a_manual_confirmation_is_not_the_browsers(
    api: stripe.StripeClient, emulator: Process
) -> None:
    made = api.v1.payment_intents.create({**INTENT, "confirmation_method": "manual"})
    form = {"payment_method": "pm_card_visa", "client_secret": made.client_secret}
    path = f"/v1/payment_intents/{made.id}/confirm"
    assert emulator.form(path, form, key="pk_test_emulator").status_code == 400
    done = api.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert done.status == "succeeded"


def test_direct_charges_and_transfers_of_connected_accounts_are_refused(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    there = {"stripe_account": instructor}
    assert "direct charges" in str(refused(api.v1.payment_intents.create, INTENT, there))
    before = net(api)
    wish = {"amount": 100, "currency": "usd", "destination": instructor}
    assert refused(api.v1.transfers.create, wish, there).code == "transfers_not_allowed"
    assert net(api) == before
    assert refused(api.v1.transfers.create, {**wish, "source_type": "bank_account"}).code == (
        "balance_insufficient"
    )
    assert emulator.look("invariants")["ok"]


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        ({"individual": {"first_name": "Kim"}}, "individual"),
        ({"company": {"name": "Kim & Co"}}, "company"),
        ({"default_currency": "eur"}, "default_currency"),
        ({"tos_acceptance": {"service_agreement": "none"}}, "tos_acceptance[service_agreement]"),
    ],
)
def test_what_an_account_cannot_be_is_refused(
    api: stripe.StripeClient, instructor: str, wish: JSON, param: str
) -> None:
    assert refused(api.v1.accounts.create, {"type": "express", **wish}).param == param
    assert refused(api.v1.accounts.update, instructor, wish).param == param


def test_an_account_is_made_with_its_bank(api: stripe.StripeClient) -> None:
    made = api.v1.accounts.create({"type": "express", "external_account": "btok_us_verified"})
    (bank,) = api.v1.accounts.external_accounts.list(made.id).data
    assert (bank.last4, bank.default_for_currency) == ("6789", True)


@pytest.mark.parametrize("steps", [["authentication_required", "ok"], ["authentication_required"]])
def test_a_challenge_that_fails_authorizes_nothing_whatever_the_card_would_say(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str, steps: list[str]
) -> None:
    script = emulator.control("scripts", {"steps": steps})["payment_method"]
    with pytest.raises(stripe.CardError):
        hold(api, customer, instructor, card=saved_card(api, customer, script))
    (intent,) = api.v1.payment_intents.list().data
    after = emulator.control(f"3ds/{intent.id}/fail")
    assert (after["status"], after["amount_capturable"]) == ("requires_payment_method", 0)
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert emulator.control(f"3ds/{intent.id}/fail")["status"] == "requires_payment_method"
    assert api.v1.charges.list().data == []


@pytest.mark.parametrize("kind", ["setup_intents", "payment_intents"])
def test_options_of_cards_that_would_change_something_are_refused_and_not_forgotten(
    emulator: Process, customer: str, kind: str
) -> None:
    def answer(path: str, asks: str) -> tuple[int, str | None]:
        money = {"amount": 500, "currency": "usd"} if kind == "payment_intents" else {}
        more = {} if "/" in path.removeprefix(kind) else {**money, "customer": customer}
        name = "payment_method_options[card][request_three_d_secure]"
        reply = emulator.form(f"/v1/{path}", {**more, name: asks})
        return reply.status_code, reply.json().get("error", {}).get("param")

    assert answer(kind, "any") == (400, "payment_method_options")
    assert answer(kind, "automatic") == (200, None)
    intent = emulator.form(
        f"/v1/{kind}",
        {"customer": customer, "payment_method": "pm_card_visa"}
        | ({"amount": 500, "currency": "usd"} if kind == "payment_intents" else {}),
    ).json()
    confirm = f"{kind}/{intent['id']}/confirm"
    assert answer(confirm, "challenge") == (400, "payment_method_options")
    assert answer(confirm, "automatic") == (200, None)
