"""Keys, forms, errors, idempotency, lists, expansion: Stripe's protocol on the wire."""

import asyncio

import httpx
import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, saved_card

INTENT = {"amount": 5_000, "currency": "usd"}


def error_of(answer: httpx.Response) -> JSON:
    """The error in an answer."""
    return answer.json()["error"]


def test_a_request_without_or_with_a_wrong_key_is_401(emulator: Process) -> None:
    assert emulator.http.get("/v1/customers").status_code == 401
    assert emulator.form("/v1/customers", {}, key="sk_test_other").status_code == 401
    assert emulator.http.get("/v1/customers", auth=("sk_test_emulator", "")).status_code == 200


def test_the_publishable_key_sees_an_intent_with_its_secret_alone(
    api: stripe.StripeClient, emulator: Process
) -> None:
    intent = api.v1.payment_intents.create({**INTENT, "metadata": {"a": "b"}})
    browser = {"Authorization": "Bearer pk_test_emulator"}
    path = f"/v1/payment_intents/{intent.id}"
    assert emulator.http.get(path, headers=browser).status_code == 401
    assert emulator.http.get("/v1/customers", headers=browser).status_code == 401
    secret = {"client_secret": intent.client_secret}
    seen = emulator.http.get(path, headers=browser, params=secret)
    assert seen.status_code == 200
    assert "metadata" not in seen.json()


def test_an_unknown_connected_account_is_403(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.PermissionError) as caught:
        api.v1.balance.retrieve(None, {"stripe_account": "acct_unknown"})
    assert caught.value.error.code == "account_invalid"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": "5000"}, "parameter_missing", "currency"),
        ({**INTENT, "colour": "red"}, "parameter_unknown", "colour"),
        ({**INTENT, "transfer_data[colour]": "x"}, "parameter_unknown", "transfer_data[colour]"),
        ({"amount": "12.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": "", "currency": "usd"}, "parameter_invalid_empty", "amount"),
        ({"amount": "49", "currency": "usd"}, "amount_too_small", "amount"),
        ({"amount": "999999999", "currency": "usd"}, "amount_too_large", "amount"),
        (
            {**INTENT, "payment_method_types[]": "card"},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ({**INTENT, "customer": "cus_none"}, "resource_missing", "customer"),
    ],
)
def test_parameters_are_checked_as_stripe_does(
    emulator: Process, params: JSON, code: str, param: str
) -> None:
    answer = emulator.form("/v1/payment_intents", params)
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert answer.headers["request-id"] in error["request_log_url"]


@pytest.mark.parametrize("form", ["a[]", "a[0]"])
def test_lists_come_in_both_spellings(emulator: Process, form: str) -> None:
    name = form.replace("a", "allowed_payment_method_types")
    answer = emulator.form("/v1/payment_intents", {**INTENT, name: "card"})
    assert answer.json()["allowed_payment_method_types"] == ["card"]
    assert answer.json()["payment_method_types"] == ["card"]


def test_an_empty_value_unsets_and_metadata_merges(api: stripe.StripeClient) -> None:
    made = api.v1.customers.create({"name": "Sam", "metadata": {"a": "1", "b": "2"}})
    changed = api.v1.customers.update(made.id, {"name": "", "metadata": {"a": "", "c": "3"}})
    assert changed.name is None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def test_missing_objects_and_addresses_are_404(api: stripe.StripeClient, emulator: Process) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.retrieve("pi_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert emulator.http.get("/v1/unicorns", auth=("sk_test_emulator", "")).status_code == 404


def test_every_answer_names_request_version_and_key(emulator: Process) -> None:
    answer = emulator.form("/v1/customers", {}, headers={"Idempotency-Key": "k1"})
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == stripe.api_version
    assert answer.headers["idempotency-key"] == "k1"


def test_strict_mode_wants_the_version_of_the_sdk(
    api: stripe.StripeClient, emulator: Process
) -> None:
    emulator.control("config", {"is_strict_version": True})
    assert api.v1.customers.create().id
    assert emulator.form("/v1/customers", {}).status_code == 400


def test_a_key_replays_its_first_answer(emulator: Process) -> None:
    headers = {"Idempotency-Key": "once"}
    first = emulator.form("/v1/customers", {"name": "Sam"}, headers=headers)
    again = emulator.form("/v1/customers", {"name": "Sam"}, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    other = emulator.form("/v1/customers", {"name": "Kim"}, headers=headers)
    assert (other.status_code, error_of(other)["type"]) == (400, "idempotency_error")


def test_a_kept_decline_is_replayed_and_a_refused_parameter_is_not(
    api: stripe.StripeClient, emulator: Process, customer: str
) -> None:
    headers = {"Idempotency-Key": "kept"}
    intent = api.v1.payment_intents.create({**INTENT, "customer": customer})
    path = f"/v1/payment_intents/{intent.id}/confirm"
    bad = {"payment_method": "pm_card_visa", "colour": "red"}
    assert emulator.form(path, bad, headers=headers).status_code == 400
    card = saved_card(api, customer, "pm_card_chargeCustomerFail")
    declined = emulator.form(path, {"payment_method": card}, headers=headers)
    again = emulator.form(path, {"payment_method": card}, headers=headers)
    assert (declined.status_code, again.status_code) == (402, 402)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(api.v1.charges.list().data) == 1


def test_keys_expire_after_a_day_of_virtual_time(emulator: Process) -> None:
    headers = {"Idempotency-Key": "old"}
    first = emulator.form("/v1/customers", {}, headers=headers).json()["id"]
    emulator.advance(86_399)
    assert emulator.form("/v1/customers", {}, headers=headers).json()["id"] == first
    emulator.advance(1)
    assert emulator.form("/v1/customers", {}, headers=headers).json()["id"] != first


async def test_a_twin_in_flight_is_409_and_a_busy_object_is_429(
    api: stripe.StripeClient, emulator: Process
) -> None:
    intent = api.v1.payment_intents.create(INTENT)
    emulator.control("config", {"lock_wait_ms": 100})
    rule = {"action": "latency", "seconds": 1.0, "match": {"path": "/confirm$"}}
    emulator.control("faults", rule)
    path = f"/v1/payment_intents/{intent.id}/confirm"
    async with httpx.AsyncClient(
        base_url=emulator.url, auth=("sk_test_emulator", ""), trust_env=False
    ) as client:

        async def confirm(key: str) -> httpx.Response:
            form = {"payment_method": "pm_card_visa"}
            return await client.post(path, data=form, headers={"Idempotency-Key": key})

        first = asyncio.ensure_future(confirm("a"))
        while not emulator.look("faults")["data"][0]["hits"]:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)
        twin, other = await asyncio.gather(confirm("a"), confirm("b"))
        assert (twin.status_code, error_of(twin)["code"]) == (409, "idempotency_key_in_use")
        assert (other.status_code, error_of(other)["code"]) == (429, "lock_timeout")
        assert (await first).status_code == 200


def test_lists_page_through_everything_newest_first(api: stripe.StripeClient) -> None:
    made = [api.v1.customers.create({"name": str(number)}).id for number in range(12)]
    page = api.v1.customers.list({"limit": 5})
    assert [each.id for each in page.data] == made[::-1][:5]
    assert page.has_more
    assert [each.id for each in page.auto_paging_iter()] == made[::-1]
    before = api.v1.customers.list({"limit": 3, "ending_before": made[6]})
    assert [each.id for each in before.data] == [made[9], made[8], made[7]]
    assert len(api.v1.customers.list().data) == 10
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.customers.list({"limit": 101})


def test_lists_filter_by_time(api: stripe.StripeClient, emulator: Process) -> None:
    api.v1.customers.create()
    emulator.advance(60)
    late = api.v1.customers.create()
    found = api.v1.customers.list({"created": {"gte": late.created}})
    assert [each.id for each in found.data] == [late.id]
    assert len(api.v1.customers.list({"created": {"lt": late.created}}).data) == 1


def test_expansion_goes_four_levels_deep_and_refuses_what_is_no_object(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    path = "latest_charge.transfer.destination_payment.balance_transaction"
    seen = api.v1.payment_intents.retrieve(held.id, {"expand": [path, "customer"]})
    assert seen.customer.email == "student@example.com"
    assert seen.latest_charge.transfer.destination_payment.balance_transaction.net == 8_500
    listed = api.v1.payment_intents.list({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.object == "charge"
    for wrong in ("amount", "latest_charge.amount", "customer.email"):
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.payment_intents.retrieve(held.id, {"expand": [wrong]})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.list({"expand": ["latest_charge"]})


def test_an_intent_is_captured_once_and_says_why_not_twice(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    for refused, code in (
        ({"amount_to_capture": 10_001}, "amount_too_large"),
        ({"application_fee_amount": 10_001}, None),
        ({"amount_to_capture": 0}, "parameter_invalid_integer"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.payment_intents.capture(held.id, refused)
        assert (caught.value.http_status, caught.value.code) == (400, code)
        assert [caught.value.param] == list(refused)
    assert api.v1.payment_intents.retrieve(held.id).amount_capturable == 10_000
    part = api.v1.payment_intents.capture(
        held.id, {"amount_to_capture": 4_000, "application_fee_amount": 600}
    )
    assert part.amount_received == 4_000
    for call in (api.v1.payment_intents.capture, api.v1.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call(held.id)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert caught.value.error.payment_intent.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match=r"remaining authorized.* was released"):
        api.v1.payment_intents.capture(held.id)


def test_an_account_without_transfers_takes_no_payment(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    emulator.control(f"accounts/{instructor}", {"transfers": "inactive"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id)
    assert caught.value.code == "transfers_not_allowed"
    assert api.v1.payment_intents.retrieve(held.id).status == "requires_capture"
    emulator.control(f"accounts/{instructor}", {"transfers": "active"})
    assert api.v1.payment_intents.capture(held.id).status == "succeeded"


def test_the_log_shows_every_request_without_card_data(emulator: Process) -> None:
    data = {
        "type": "card",
        "card[number]": "4242424242424242",
        "card[exp_month]": "1",
        "card[exp_year]": "2031",
        "card[cvc]": "987",
    }
    emulator.form("/v1/payment_methods", data, headers={"Idempotency-Key": "k"})
    line = emulator.look("log", path="/v1/payment_methods", limit=1)["data"][0]
    assert (line["method"], line["status"], line["key"]) == ("POST", 200, "k")
    assert line["decision"] == "executed"
    assert line["params"]["card"]["number"].endswith("4242")
    assert "424242424242" not in str(line)
    assert "987" not in str(line["params"])
