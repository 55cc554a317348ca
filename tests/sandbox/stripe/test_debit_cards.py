"""Debit cards as what payouts go to: added, listed, paid, failing, deleted."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_payouts import DAY, account_types, fund, on, pay

TYPED: JSON = {
    "object": "card",
    "number": "4000 0566 5566 5556",
    "exp_month": 8,
    "exp_year": 2030,
    "cvc": "123",
    "currency": "usd",
    "name": "Ada Teacher",
}
EXPAND = {"expand": ["instant_available.net_available"]}


def added(
    api: stripe.StripeClient, account: str, card: str | JSON = "tok_visa_debit", **more: object
) -> stripe.Card:
    """Add a card."""
    wish = {"external_account": card, **more}
    card_there = api.v1.accounts.external_accounts.create(account, wish)
    assert isinstance(card_there, stripe.Card)
    return card_there


def offered(api: stripe.StripeClient, account: str) -> list[str]:
    """Return the destinations instant payouts are quoted for."""
    (available,) = api.v1.balance.retrieve(EXPAND, on(account)).instant_available
    return [each.destination for each in available.net_available]


def refusal(api: stripe.StripeClient, account: str, card: str | JSON) -> tuple[str, str]:
    """Return (code, param) with which a card is refused."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        added(api, account, card)
    return caught.value.code or "", caught.value.param or ""


def test_a_debit_card_is_added_listed_changed_and_deleted(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    card = added(api, instructor, TYPED, metadata={"which": "second"})
    assert card.id.startswith("card_")
    assert (card.brand, card.funding, card.last4) == ("Visa", "debit", "5556")
    assert (card.account, card.status, card.name) == (instructor, "new", "Ada Teacher")
    assert card.default_for_currency is False
    assert card.metadata["which"] == "second"
    accounts = api.v1.accounts.external_accounts
    assert [each.object for each in accounts.list(instructor).data] == ["bank_account", "card"]
    (only,) = accounts.list(instructor, {"object": "card"}).data
    assert only.id == card.id
    first = accounts.list(instructor, {"limit": 1})
    assert (first.data[0].object, first.has_more) == ("bank_account", True)
    after = accounts.list(instructor, {"starting_after": first.data[0].id})
    assert ([each.id for each in after.data], after.has_more) == ([card.id], False)
    before = accounts.list(instructor, {"ending_before": card.id})
    assert [each.object for each in before.data] == ["bank_account"]
    changed = accounts.update(instructor, card.id, {"exp_year": 2031, "address_zip": "10001"})
    assert (changed.exp_year, changed.address_zip) == (2031, "10001")
    with pytest.raises(stripe.InvalidRequestError):
        accounts.update(instructor, card.id, {"account_holder_name": "Ada"})
    gone = accounts.delete(instructor, card.id)
    assert (gone.id, gone.object, gone.deleted) == (card.id, "card", True)
    assert accounts.list(instructor, {"object": "card"}).data == []
    assert account_types(api, instructor, 4) == [
        f"account.external_account.{what}" for what in ("created", "updated", "updated", "deleted")
    ]
    line = emulator.look("log", path="external_accounts", method="POST", order="asc")["data"][0]
    assert line["params"]["external_account"]["number"].endswith("5556")
    assert "0566" not in str(line)


def test_an_instant_payout_to_a_card_arrives_and_its_destination_is_named(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 10_000)
    card = added(api, instructor, default_for_currency=True)
    assert offered(api, instructor)[1] == card.id
    assert offered(api, instructor)[0].startswith("ba_")
    payout = pay(api, instructor, 4_900)
    assert (payout.destination, payout.type) == (card.id, "card")
    emulator.advance(1_800)
    seen = api.v1.payouts.retrieve(payout.id, {"expand": ["destination"]}, on(instructor))
    assert (seen.status, seen.destination.object, seen.destination.last4) == (
        "paid",
        "card",
        "5556",
    )
    assert emulator.look("invariants")["ok"]


def test_a_standard_payout_to_a_card_arrives_too(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    card = added(api, instructor, "tok_mastercard_debit")
    payout = pay(api, instructor, 5_000, "standard", destination=card.id)
    assert (payout.method, payout.type, payout.status) == ("standard", "card", "pending")
    emulator.advance(5 * DAY)
    assert api.v1.payouts.retrieve(payout.id, None, on(instructor)).status == "paid"


def test_a_card_that_is_not_eligible_takes_standard_payouts_alone(
    api: stripe.StripeClient, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    card = added(api, instructor, "tok_visa_debit_us_instantPayoutUnsupported")
    assert card.available_payout_methods == ["standard"]
    assert card.id not in offered(api, instructor)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, 1_000, destination=card.id)
    assert caught.value.code == "instant_payouts_unsupported"
    assert pay(api, instructor, 1_000, "standard", destination=card.id).status == "pending"


def test_a_failing_card_gives_the_money_back_and_takes_no_more(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    card = added(api, instructor, "tok_visa_debit_us_transferFail")
    payout = pay(api, instructor, 1_000, destination=card.id)
    emulator.advance(1_800)
    failed = api.v1.payouts.retrieve(payout.id, None, on(instructor))
    assert (failed.status, failed.failure_code) == ("failed", "could_not_process")
    kept = api.v1.accounts.external_accounts.retrieve(instructor, card.id)
    assert kept.status == "errored"
    assert card.id not in offered(api, instructor)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, 1_000, "standard", destination=card.id)
    assert (caught.value.code, caught.value.param) == ("payouts_not_allowed", "destination")
    assert emulator.look("invariants")["ok"]


def test_what_is_no_debit_card_is_refused(api: stripe.StripeClient, instructor: str) -> None:
    credit = {**TYPED, "number": "4242424242424242"}
    not_debit = ("invalid_card_type", "external_account")
    assert refusal(api, instructor, credit) == not_debit
    assert refusal(api, instructor, "tok_visa") == not_debit
    assert refusal(api, instructor, "tok_nobody") == ("resource_missing", "external_account")
    wrong = {**TYPED, "number": "4000056655665557"}
    assert refusal(api, instructor, wrong) == ("incorrect_number", "external_account[number]")
    old = {**TYPED, "exp_year": 2020}
    assert refusal(api, instructor, old) == ("invalid_expiry_year", "external_account[exp_year]")
    strange = {**TYPED, "pin": "1"}
    assert refusal(api, instructor, strange) == ("parameter_unknown", "external_account[pin]")
    nothing = {"object": "card", "exp_month": 1, "exp_year": 2030}
    assert refusal(api, instructor, nothing) == ("parameter_missing", "external_account[number]")


def test_a_card_is_never_debited_for_what_its_owner_owes(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    emulator.control("config", {"negative_debit_days": 1})
    fund(api, instructor, 5_000)
    added(api, instructor, default_for_currency=True)
    pay(api, instructor, 5_000, "standard")
    transfer = api.v1.transfers.list().data[0].id
    emulator.control("config", {"is_connect_reserves_on": True})
    api.v1.transfers.reversals.create(transfer)
    emulator.advance(10 * DAY)
    balance = api.v1.balance.retrieve(None, on(instructor))
    assert balance.available[0].amount == -5_000
