"""Connected accounts: restricted, soon restricted, rejected; their banks; renewed cards; search."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, saved_card
from tests.sandbox.stripe.test_payouts import account_types, bank, on


def test_a_restricted_account_can_not_be_captured_to(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    needs = {"due": ["individual.id_number"], "disabled_reason": "requirements.past_due"}
    emulator.control(f"accounts/{instructor}/requirements", needs)
    account = api.v1.accounts.retrieve(instructor)
    assert (account.payouts_enabled, account.capabilities.transfers) == (False, "inactive")
    assert account.requirements.past_due == ["individual.id_number"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id)
    assert caught.value.code == "transfers_not_allowed"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payouts.create({"amount": 100, "currency": "usd"}, on(instructor))
    assert caught.value.code == "payouts_not_allowed"
    emulator.control(f"accounts/{instructor}/requirements", {})
    assert api.v1.payment_intents.capture(held.id).status == "succeeded"


def test_a_deadline_restricts_nothing_yet(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    soon = {"due": ["individual.id_number"], "deadline": 1_900_000_000}
    emulator.control(f"accounts/{instructor}/requirements", soon)
    account = api.v1.accounts.retrieve(instructor)
    assert account.payouts_enabled
    assert account.requirements.current_deadline == 1_900_000_000
    assert account.requirements.disabled_reason is None
    event = api.v1.events.list({"limit": 1}, on(instructor)).data[0]
    assert (event.type, event.account) == ("account.updated", instructor)
    assert event.data.previous_attributes["requirements"]["currently_due"] == []


def test_a_rejected_account_is_closed_for_good(api: stripe.StripeClient, instructor: str) -> None:
    rejected = api.v1.accounts.reject(instructor, {"reason": "fraud_other"})
    assert rejected.requirements.disabled_reason == "rejected.fraud"
    assert rejected.capabilities.transfers == "inactive"


def test_an_account_is_deleted_only_when_it_is_empty(
    api: stripe.StripeClient, instructor: str
) -> None:
    api.v1.transfers.create({"amount": 100, "currency": "usd", "destination": instructor})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.accounts.delete(instructor)
    api.v1.payouts.create({"amount": 100, "currency": "usd"}, on(instructor))
    assert api.v1.accounts.delete(instructor).deleted
    with pytest.raises(stripe.PermissionError):
        api.v1.balance.retrieve(None, on(instructor))


def test_capabilities_are_requested_and_given_up(api: stripe.StripeClient, instructor: str) -> None:
    given_up = api.v1.accounts.capabilities.update(instructor, "transfers", {"requested": False})
    assert given_up.status == "inactive"
    assert account_types(api, instructor, 2) == ["capability.updated", "account.updated"]
    again = api.v1.accounts.capabilities.update(instructor, "transfers", {"requested": True})
    assert again.status == "active"


def test_bank_accounts_are_added_changed_and_removed(
    api: stripe.StripeClient, instructor: str
) -> None:
    external = api.v1.accounts.external_accounts
    (first,) = external.list(instructor).data
    second = bank(api, instructor, "000123456789")
    assert external.retrieve(instructor, second).default_for_currency
    with pytest.raises(stripe.InvalidRequestError):
        external.delete(instructor, second)
    external.update(instructor, first.id, {"default_for_currency": True})
    assert external.delete(instructor, second).deleted
    assert [each.id for each in external.list(instructor).data] == [first.id]
    assert account_types(api, instructor, 2) == [
        "account.external_account.updated",
        "account.external_account.deleted",
    ]
    wrong = {"object": "bank_account", "routing_number": "1", "account_number": "2"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        external.create(instructor, {"external_account": {**wrong, "country": "US"}})
    assert caught.value.code == "routing_number_invalid"


def test_a_slow_bank_is_verified_later(api: stripe.StripeClient, emulator: Process) -> None:
    account = api.v1.accounts.create({"capabilities": {"transfers": {"requested": True}}})
    link = api.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "http://shop.test/",
            "refresh_url": "http://shop.test/",
        }
    )
    emulator.http.post(link.url, data={"account_number": "000999999991"})
    waiting = api.v1.accounts.retrieve(account.id)
    assert not waiting.payouts_enabled
    assert waiting.requirements.pending_verification == ["external_account"]
    emulator.advance(3_600)
    assert api.v1.accounts.retrieve(account.id).payouts_enabled
    assert account_types(api, account.id, 2) == [
        "account.external_account.updated",
        "account.updated",
    ]


def test_a_renewed_card_works_again(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    method = saved_card(api, customer, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        hold(api, customer, instructor, card=method)
    emulator.control(f"payment_methods/{method}/update", {"number": "4242424242424242"})
    event = api.v1.events.list({"limit": 1}).data[0]
    assert event.type == "payment_method.automatically_updated"
    assert event.data.previous_attributes["card"]["last4"] == "0341"
    assert api.v1.payment_methods.retrieve(method).card.last4 == "4242"
    assert hold(api, customer, instructor, card=method).status == "requires_capture"


def test_intents_are_found_by_metadata(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    found = api.v1.payment_intents.search(
        {"query": "metadata['booking_id']:'1' AND status:'requires_capture'"}
    )
    assert [each.id for each in found.data] == [held.id]
    assert api.v1.payment_intents.search({"query": "metadata['cycle']:'2'"}).data == []
    assert api.v1.charges.search({"query": f"payment_intent:'{held.id}'"}).data[0].amount == 10_000
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.search({"query": "anything"})


@pytest.mark.parametrize(
    ("name", "param"),
    [
        ("settings[branding][icon]", "settings[branding]"),
        ("settings[payouts][schedule][day]", "settings[payouts][schedule][day]"),
        ("business_profile[colour]", "business_profile[colour]"),
        ("capabilities[transfers][wanted]", "capabilities[transfers][wanted]"),
    ],
)
def test_what_an_account_would_forget_is_refused_with_its_whole_name(
    emulator: Process, instructor: str, name: str, param: str
) -> None:
    answer = emulator.form(f"/v1/accounts/{instructor}", {name: "1"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "parameter_unknown", param)


def test_a_changed_part_of_an_address_leaves_the_rest(
    api: stripe.StripeClient, customer: str
) -> None:
    card = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    update = api.v1.payment_methods.update
    update(card, {"billing_details": {"name": "Ada", "address": {"city": "London"}}})
    kept = update(card, {"billing_details": {"address": {"postal_code": "E1"}}}).billing_details
    assert (kept.name, kept.address.city, kept.address.postal_code) == ("Ada", "London", "E1")
    assert kept.address.line1 is None
