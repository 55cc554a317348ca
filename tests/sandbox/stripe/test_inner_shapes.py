"""What lies inside objects has the fields of Stripe's own examples and of the SDK's classes.

Every object is walked to its leaves: the SDK's classes name the class of each field that is an
object itself, so nothing needs to be listed here but what differs on purpose.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, saved_card
from tests.sandbox.stripe.test_shapes import CLASSES, FIXTURES, is_optional, objects_fixture, read

Found = Iterator[tuple[str, str, Any, JSON]]
"""Where, the kind of its root, the SDK's class, and what the emulator answered there."""

objects = objects_fixture
QUOTED = "/v1/balance?expand[]=instant_available.net_available"
CLASSES = {**CLASSES, "card": stripe.Card}
WALKED = {
    "account.requirements",
    "account.controller.fees",
    "account.settings.payouts.schedule",
    "application_fee.fee_source",
    "balance.available",
    "balance.instant_available.net_available",
    "balance.instant_available.net_available.source_types",
    "balance_settings.payments.payouts.schedule",
    "balance_transaction.fee_details",
    "charge.outcome",
    "charge.payment_method_details.card.checks",
    "charge.payment_method_details.card.overcapture",
    "charge.payment_method_details.card.three_d_secure",
    "dispute.evidence",
    "dispute.evidence_details",
    "dispute.payment_method_details.card",
    "payment_intent.last_payment_error",
    "payment_intent.next_action.redirect_to_url",
    "payment_intent.payment_method_options.card",
    "payment_intent.transfer_data",
    "payment_method.card.networks",
    "refund.destination_details.card",
    "setup_intent.last_setup_error",
    "setup_intent.next_action",
}
"""What the walk must have come by: a test that walks nowhere would find nothing wrong."""


ONLY_SOMETIMES = {
    "account.capabilities": {"card_payments"},
    "balance_settings.payments.payouts": {"automatic_transfer_rules_by_currency"},
}
"""A capability nobody asked for; rules whose null the SDK 16.1 cannot read (it asks for items)."""


def walk(where: str, kind: str, known: type[stripe.StripeObject], found: object) -> Found:
    """Every object inside an object, with the SDK's class of it."""
    if isinstance(found, list):
        for each in found:
            yield from walk(where, kind, known, each)
        return
    if not isinstance(found, dict):
        return
    yield where, kind, known, found
    for name, inner in known._inner_class_types.items():
        yield from walk(f"{where}.{name}", kind, inner, found.get(name))


def asked(api: stripe.StripeClient, emulator: Process, customer: str, instructor: str) -> list[str]:
    """Return the addresses of intents that wait for the cardholder, or were refused."""
    card = saved_card(api, customer, "pm_card_authenticationRequired")
    common = {"customer": customer, "payment_method": card, "confirm": True}
    money = {"amount": 500, "currency": "usd", **common}
    by_script = api.v1.payment_intents.create(money)
    by_page = api.v1.payment_intents.create({**money, "return_url": "http://shop.test/"})
    passed = api.v1.payment_intents.create(money)
    emulator.control(f"3ds/{passed.id}/complete")
    passed = api.v1.payment_intents.retrieve(passed.id)
    failed = api.v1.payment_intents.create(money)
    emulator.control(f"3ds/{failed.id}/fail")
    setup = api.v1.setup_intents.create(common)
    refused = api.v1.setup_intents.create(common)
    emulator.control(f"3ds/{refused.id}/fail")
    failing = saved_card(api, customer, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card=failing)
    declined = caught.value.error
    intents = (by_script, by_page, failed, declined.payment_intent)
    return [
        *(f"/v1/payment_intents/{each.id}" for each in intents),
        *(f"/v1/charges/{each}" for each in (passed.latest_charge, declined.charge)),
        *(f"/v1/setup_intents/{each.id}" for each in (setup, refused)),
    ]


@pytest.fixture(name="insides")
def insides_fixture(
    api: stripe.StripeClient,
    emulator: Process,
    customer: str,
    instructor: str,
    objects: dict[str, JSON],
) -> list[tuple[str, str, Any, JSON]]:
    """Return every object inside every kind of object."""
    get = partial(read, emulator)
    whole = [*objects.values(), *map(get, asked(api, emulator, customer, instructor))]
    own = {"Stripe-Account": instructor}
    whole.append(emulator.http.get(QUOTED, auth=("sk_test_emulator", ""), headers=own).json())
    path = f"/v1/accounts/{instructor}/external_accounts"
    whole.append(emulator.form(path, {"external_account": "tok_visa_debit"}).json())
    return [
        place
        for each in whole
        for place in walk(each["object"], each["object"], CLASSES[each["object"]], each)
    ]


def test_the_walk_comes_by_what_matters(insides: list[tuple[str, str, Any, JSON]]) -> None:
    assert {where for where, _, _, _ in insides} >= WALKED


def test_inner_objects_have_what_the_sdk_counts_on_and_nothing_it_does_not_know(
    insides: list[tuple[str, str, Any, JSON]],
) -> None:
    lacking: dict[str, list[str]] = {}
    strange: dict[str, list[str]] = {}
    for where, _, known, found in insides:
        names = known.__annotations__
        needed = {
            name
            for name, annotation in names.items()
            if not name.startswith("_")
            and not is_optional(annotation)
            and "ClassVar" not in str(annotation)
        }
        if absent := sorted(needed - found.keys()):
            lacking[where] = absent
        if names and (more := sorted(found.keys() - names.keys() - {"source"})):
            strange[where] = more
    assert lacking == {}
    assert strange == {}


def test_inner_objects_have_the_fields_of_stripes_examples(
    insides: list[tuple[str, str, Any, JSON]],
) -> None:
    if not FIXTURES.exists():
        pytest.skip(f"Stripe's examples are not here: {FIXTURES.name}")
    examples = json.loads(FIXTURES.read_bytes())["resources"]
    shown: dict[str, set[str]] = {}
    for kind, known in CLASSES.items():
        for where, _, _, example in walk(kind, kind, known, examples[kind]):
            shown.setdefault(where, set()).update(example)
    lacking = {
        (where, name)
        for where, kind, _, found in insides
        if where != kind
        for name in shown.get(where, set()) - found.keys() - ONLY_SOMETIMES.get(where, set())
    }
    assert lacking == set()
