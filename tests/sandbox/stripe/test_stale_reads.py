"""A replica that lags: everything it answers is of one earlier moment."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold


def lag(emulator: Process, path: str, **rule: int) -> None:
    """Read stale once where the path matches."""
    emulator.control("faults", {"action": "stale_read", "match": {"path": path}, **rule})


def test_a_new_object_is_missing_from_lists_and_by_its_id(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    sent = [
        api.v1.transfers.create({"amount": 500, "currency": "usd", "destination": instructor}).id
        for _ in range(2)
    ]
    lag(emulator, "transfers$")
    assert [each.id for each in api.v1.transfers.list().data] == sent[:1]
    lag(emulator, "transfers$", behind=2)
    assert [each.id for each in api.v1.transfers.list().data] == []
    lag(emulator, "transfers/")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.transfers.retrieve(sent[1])
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert [each.id for each in api.v1.transfers.list().data] == sent[::-1]
    assert emulator.look("invariants")["ok"]


def test_expansions_are_of_the_same_moment(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    lag(emulator, "payment_intents")
    seen = api.v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]})
    assert (seen.status, seen.latest_charge.captured) == ("requires_capture", False)
    lag(emulator, "payment_intents")
    listed = api.v1.payment_intents.list({"expand": ["data.latest_charge"]}).data[0]
    assert (listed.status, listed.latest_charge.captured) == ("requires_capture", False)
    now = api.v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]})
    assert (now.status, now.latest_charge.captured) == ("succeeded", True)


def test_balances_lag_too(api: stripe.StripeClient, emulator: Process, instructor: str) -> None:
    def available(account: str | None) -> int:
        options = {"stripe_account": account} if account else {}
        return api.v1.balance.retrieve({}, options).available[0].amount

    before = available(None)
    api.v1.transfers.create({"amount": 500, "currency": "usd", "destination": instructor})
    for account, cents in ((None, before), (instructor, 0)):
        lag(emulator, "balance")
        assert available(account) == cents
    assert (available(None), available(instructor)) == (before - 500, 500)


def test_what_was_deleted_is_still_there(api: stripe.StripeClient, emulator: Process) -> None:
    customer = api.v1.customers.create({"name": "Sam"}).id
    api.v1.customers.delete(customer)
    lag(emulator, "customers/")
    assert api.v1.customers.retrieve(customer).name == "Sam"


def test_a_refused_request_left_nothing_to_lag_behind(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.capture(held.id, {"amount_to_capture": 99_999_999})
    lag(emulator, "payment_intents", behind=9)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.retrieve(held.id)
    assert caught.value.http_status == 404
    assert api.v1.payment_intents.retrieve(held.id).status == "requires_capture"
