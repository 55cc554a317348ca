"""Writes that touch one object wait for each other; keys are counted as Stripe counts them."""

import asyncio

import httpx
import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold
from tests.sandbox.stripe.test_protocol import error_of

KEY = {"Idempotency-Key": "mine"}


async def at_once(
    emulator: Process, slow: tuple[str, JSON], *others: tuple[str, JSON]
) -> list[str]:
    """Return the codes ('' for success) of requests sent while the first of them is held up."""
    emulator.control("config", {"lock_wait_ms": 100})
    emulator.control("faults", {"action": "latency", "seconds": 1.0, "match": {"nth": 1}})
    async with httpx.AsyncClient(
        base_url=emulator.url, auth=("sk_test_emulator", ""), trust_env=False
    ) as client:

        async def send(path: str, form: JSON) -> str:
            account = form.get("account")
            headers = {"Stripe-Account": account} if account else {}
            data = {name: value for name, value in form.items() if name != "account"}
            answer = await client.post(path, data=data, headers=headers)
            return "" if answer.status_code == 200 else str(error_of(answer)["code"])

        first = asyncio.ensure_future(send(*slow))
        while not emulator.look("faults")["data"][0]["hits"]:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)
        found = await asyncio.gather(*(send(*other) for other in others))
        return [await first, *found]


async def test_two_refunds_of_one_charge_wait_for_each_other(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    charge = api.v1.payment_intents.capture(held.id).latest_charge
    found = await at_once(
        emulator,
        ("/v1/refunds", {"payment_intent": held.id, "amount": 6_000}),
        ("/v1/refunds", {"payment_intent": held.id, "amount": 6_000}),
        ("/v1/refunds", {"charge": charge, "amount": 6_000}),
        ("/v1/customers", {"name": "somebody else"}),
    )
    assert found == ["", "lock_timeout", "lock_timeout", ""]
    assert len(api.v1.refunds.list().data) == 1


async def test_two_transfers_out_of_one_charge_wait_for_each_other(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    wish = {"amount": 5_000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    charge = api.v1.payment_intents.create(wish).latest_charge
    form = {
        "amount": 100,
        "currency": "usd",
        "destination": instructor,
        "source_transaction": charge,
    }
    assert await at_once(emulator, ("/v1/transfers", form), ("/v1/transfers", form)) == [
        "",
        "lock_timeout",
    ]


async def test_two_payouts_of_one_account_wait_for_each_other(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    api.v1.transfers.create({"amount": 900, "currency": "usd", "destination": instructor})
    mine = ("/v1/payouts", {"amount": 500, "currency": "usd", "account": instructor})
    own = ("/v1/payouts", {"amount": 500, "currency": "usd"})
    assert await at_once(emulator, mine, mine, own) == ["", "lock_timeout", ""]


async def test_a_refused_lock_is_not_kept_under_the_key(
    api: stripe.StripeClient, emulator: Process
) -> None:
    emulator.control("faults", {"action": "429_lock"})
    refused = emulator.form("/v1/customers", {}, headers=KEY)
    assert (refused.status_code, error_of(refused)["code"]) == (429, "lock_timeout")
    done = emulator.form("/v1/customers", {}, headers=KEY)
    assert (done.status_code, done.headers.get("idempotent-replayed")) == (200, None)
    assert len(api.v1.customers.list().data) == 1


def test_keys_of_reads_and_deletions_are_ignored(
    api: stripe.StripeClient, emulator: Process
) -> None:
    made = api.v1.customers.create({"name": "Sam"}).id
    auth = {"Authorization": "Bearer sk_test_emulator", **KEY}
    path = f"/v1/customers/{made}"
    for name in ("Sam", "Kim"):
        api.v1.customers.update(made, {"name": name})
        seen = emulator.http.get(path, headers=auth)
        assert (seen.json()["name"], seen.headers.get("idempotent-replayed")) == (name, None)
    assert emulator.http.delete(path, headers=auth).status_code == 200
    assert emulator.http.delete(path, headers=auth).status_code == 404
    assert emulator.look("keys", key="mine")["data"] == []


def test_one_key_in_two_accounts_is_two_keys(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    form = {"name": "Sam"}
    mine = emulator.form("/v1/customers", form, headers=KEY).json()["id"]
    there = {**KEY, "Stripe-Account": instructor}
    theirs = emulator.form("/v1/customers", form, headers=there)
    assert theirs.headers.get("idempotent-replayed") is None
    assert theirs.json()["id"] != mine
    assert emulator.form("/v1/customers", form, headers=there).json() == theirs.json()
    assert len(api.v1.customers.list().data) == 1


@pytest.mark.parametrize(("after", "is_replayed"), [(59, True), (60, False)])
def test_keys_live_as_long_as_configured(
    emulator: Process, after: int, *, is_replayed: bool
) -> None:
    emulator.control("config", {"key_expiry_seconds": 60})
    first = emulator.form("/v1/customers", {}, headers=KEY).json()["id"]
    emulator.advance(after)
    again = emulator.form("/v1/customers", {}, headers=KEY).json()["id"]
    assert (again == first) == is_replayed


def test_the_browser_need_not_name_a_version_in_strict_mode(emulator: Process) -> None:
    emulator.control("config", {"is_strict_version": True})
    card = {"type": "card", "card[number]": "4242424242424242"}
    card |= {"card[exp_month]": "1", "card[exp_year]": "2031"}
    path = "/v1/payment_methods"
    assert emulator.form(path, card, key="pk_test_emulator").status_code == 200
    old = {"Stripe-Version": "2024-06-20"}
    assert emulator.form(path, card, key="pk_test_emulator", headers=old).status_code == 400
    assert emulator.form(path, card).status_code == 400


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("/v1/payment_intents", "data.amount"),
        ("/v1/payment_intents", "data.latest_charge.amount"),
        ("/v1/payment_intents", "data.transfer_data"),
        ("/v1/transfers", "data.destination.email"),
        ("/v1/charges/search?query=status:'succeeded'", "data.colour"),
        ("/v1/payment_intents/{intent}", "latest_charge.colour"),
        ("/v1/payment_intents/{intent}", "transfer_data.colour"),
    ],
)
def test_a_path_nothing_could_have_is_refused_on_empty_lists_and_unset_fields(
    api: stripe.StripeClient, emulator: Process, path: str, expand: str
) -> None:
    emulator.control("reset", {"keep_endpoints": False})
    if "{intent}" in path:
        path = path.format(
            intent=api.v1.payment_intents.create({"amount": 500, "currency": "usd"}).id
        )
    auth = ("sk_test_emulator", "")
    joint = "&" if "?" in path else "?"
    answer = emulator.http.get(f"{path}{joint}expand[]={expand}", auth=auth)
    assert (answer.status_code, error_of(answer)["param"]) == (400, "expand")
    assert emulator.http.get(path, auth=auth).status_code == 200
