"""Every object has the fields of Stripe's own example and of the SDK's class, and no others."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold
from tests.sandbox.stripe.test_refunds import BOTH

FIXTURES = Path(__file__).parents[4] / "shared" / "stripe" / "fixtures3.json"
CLASSES: dict[str, Any] = {
    "account": stripe.Account,
    "account_link": stripe.AccountLink,
    "application_fee": stripe.ApplicationFee,
    "balance": stripe.Balance,
    "balance_settings": stripe.BalanceSettings,
    "balance_transaction": stripe.BalanceTransaction,
    "bank_account": stripe.BankAccount,
    "capability": stripe.Capability,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "fee_refund": stripe.ApplicationFeeRefund,
    "login_link": stripe.LoginLink,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "refund": stripe.Refund,
    "review": stripe.Review,
    "setup_attempt": stripe.SetupAttempt,
    "setup_intent": stripe.SetupIntent,
    "topup": stripe.Topup,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
CONNECT = {
    "account.external_account.created",
    "account.external_account.updated",
    "account.updated",
    "capability.updated",
    "payout.created",
    "payout.failed",
    "payout.updated",
}
"""What happens to connected accounts in these tests; everything else is the platform's."""
ENDPOINT = {"url": "http://127.0.0.1:9/x", "enabled_events[]": "none.such"}
LINK = {
    "type": "account_onboarding",
    "return_url": "http://shop.test/",
    "refresh_url": "http://shop.test/",
}
ONLY_EXPANDED = {"charge": {"refunds"}}
"""Fields the example shows but Stripe answers only when they are expanded."""
ONLY_SOMETIMES = {"bank_account": {"customer"}, "balance": {"connect_reserved"}}
"""Fields of one kind of owner: a customer's bank account, the platform's balance."""


def take_risks(api: stripe.StripeClient, customer: str, instructor: str) -> None:
    """Charge cards that are reviewed, reported and disputed."""
    for card in ("riskLevelElevated", "createIssuerFraudRecord", "createDispute"):
        risky = hold(api, customer, instructor, card=f"pm_card_{card}")
        api.v1.payment_intents.capture(risky.id)


def read(emulator: Process, path: str) -> JSON:
    """GET as the platform."""
    answer = emulator.http.get(path, auth=("sk_test_emulator", ""))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(name="objects")
def objects_fixture(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> dict[str, JSON]:
    """Return one answered object of every kind, as raw JSON, after a refunded lesson."""
    endpoint = emulator.form("/v1/webhook_endpoints", ENDPOINT)
    setup = api.v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_visa", "confirm": True}
    )
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    refund = api.v1.refunds.create({"payment_intent": held.id, **BOTH})
    api.v1.transfers.create({"amount": 100, "currency": "usd", "destination": instructor})
    take_risks(api, customer, instructor)
    get = partial(read, emulator)
    fee = get("/v1/application_fees")["data"][-1]
    account = get(f"/v1/accounts/{instructor}")
    link = emulator.form("/v1/account_links", {"account": instructor, **LINK})
    paid = emulator.form(
        "/v1/payouts", {"amount": 100, "currency": "usd"}, headers={"Stripe-Account": instructor}
    )
    transfers = get("/v1/transfers")["data"]
    found = [
        account,
        account["external_accounts"]["data"][0],
        link.json(),
        emulator.form(f"/v1/accounts/{instructor}/login_links", {}).json(),
        fee,
        fee["refunds"]["data"][0],
        get("/v1/balance"),
        get("/v1/balance_settings"),
        get("/v1/disputes")["data"][0],
        get("/v1/radar/early_fraud_warnings")["data"][0],
        get("/v1/reviews")["data"][0],
        emulator.form("/v1/topups", {"amount": 100, "currency": "usd"}).json(),
        get("/v1/balance_transactions")["data"][0],
        get(f"/v1/accounts/{instructor}/capabilities/transfers"),
        get(f"/v1/charges/{held.latest_charge.id}"),
        get(f"/v1/customers/{customer}"),
        get("/v1/events")["data"][0],
        get(f"/v1/payment_intents/{held.id}"),
        get(f"/v1/payment_methods/{held.payment_method}"),
        paid.json(),
        get(f"/v1/refunds/{refund.id}"),
        get(f"/v1/setup_attempts?setup_intent={setup.id}")["data"][0],
        get(f"/v1/setup_intents/{setup.id}"),
        transfers[0],
        get(f"/v1/transfers/{transfers[-1]['id']}/reversals")["data"][0],
        endpoint.json(),
    ]
    return {each["object"]: each for each in found}


def is_optional(annotation: object) -> bool:
    """A field the SDK's class allows to be absent or null."""
    return "Optional" in str(annotation) or "None" in str(annotation)


def test_objects_have_every_field_the_sdk_counts_on(objects: dict[str, JSON]) -> None:
    assert objects.keys() == CLASSES.keys()
    lacking = {
        kind: sorted(
            name
            for name, annotation in CLASSES[kind].__annotations__.items()
            if name not in found
            and not name.startswith("_")
            and not is_optional(annotation)
            and "ClassVar" not in str(annotation)
        )
        for kind, found in objects.items()
    }
    assert {kind: names for kind, names in lacking.items() if names} == {}


def test_objects_have_the_fields_of_stripes_examples(objects: dict[str, JSON]) -> None:
    if not FIXTURES.exists():
        pytest.skip(f"Stripe's examples are not here: {FIXTURES.name}")
    examples = json.loads(FIXTURES.read_bytes())["resources"]
    lacking = {
        kind: sorted(
            set(examples[kind])
            - set(found)
            - ONLY_EXPANDED.get(kind, set())
            - ONLY_SOMETIMES.get(kind, set())
        )
        for kind, found in objects.items()
    }
    assert {kind: names for kind, names in lacking.items() if names} == {}


def test_objects_have_no_field_stripe_does_not_know(objects: dict[str, JSON]) -> None:
    strange = {
        kind: sorted(set(found) - set(CLASSES[kind].__annotations__) - {"source"})
        for kind, found in objects.items()
    }
    assert {kind: names for kind, names in strange.items() if names} == {}


def test_events_carry_objects_of_the_same_shape(
    api: stripe.StripeClient, emulator: Process, instructor: str, objects: dict[str, JSON]
) -> None:
    assert objects
    emulator.control(f"payouts/{objects['payout']['id']}/fail", {})
    emulator.control(f"refunds/{objects['refund']['id']}/fail", {})
    emulator.control(f"disputes/{objects['dispute']['id']}/win", {})
    emulator.control(f"topups/{objects['topup']['id']}/settle", {})
    api.v1.balance_settings.update({"payments": {"debit_negative_balances": False}})
    listed = [
        event.to_dict()
        for options in ({}, {"stripe_account": instructor})
        for event in api.v1.events.list({"limit": 100}, options).auto_paging_iter()
    ]
    assert len({event["type"] for event in listed}) > 30
    assert all(("account" in event) == (event["type"] in CONNECT) for event in listed), listed
    for event in listed:
        found = event["data"]["object"]
        known = CLASSES[found["object"]].__annotations__
        needed = {
            name
            for name, annotation in known.items()
            if not is_optional(annotation) and not name.startswith("_") and name.islower()
        }
        absent = {name for name in needed - found.keys() if "ClassVar" not in str(known[name])}
        assert absent == set(), (event["type"], absent)
        assert found.keys() - known.keys() - {"source"} == set(), event["type"]
