"""Faults that need more than a cut connection: stale reads, early webhooks, bad luck, death."""

import asyncio
import json
import sqlite3

import httpx
import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process, Receiver, settled
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold
from tests.sandbox.stripe.test_webhooks import listen

KEY = {"idempotency_key": "mine"}


@pytest.mark.parametrize(("action", "done"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_connection_is_told_from_a_closed_one(
    api: stripe.StripeClient, emulator: Process, action: str, done: int
) -> None:
    emulator.control("faults", {"action": action, "match": {"method": "POST"}})
    with pytest.raises(httpx.ReadError):
        emulator.form("/v1/customers", {})
    assert len(api.v1.customers.list().data) == done


def test_a_stale_read_shows_what_was_before_the_last_request(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    rule = {"action": "stale_read", "times": 2, "match": {"path": "payment_intents"}}
    emulator.control("faults", rule)
    assert api.v1.payment_intents.retrieve(held.id).status == "requires_capture"
    assert api.v1.payment_intents.list().data[0].status == "requires_capture"
    assert api.v1.payment_intents.retrieve(held.id).status == "succeeded"
    line = emulator.look("log", decision="stale_read")["data"][0]
    assert line["faults"] == "stale_read"


async def test_an_early_event_arrives_before_its_answer(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    emulator.control("faults", {"action": "early", "match": {"path": "customers"}})
    made = await asyncio.to_thread(api.v1.customers.create)
    told = [json.loads(body)["data"]["object"]["id"] for _, body in receiver.got]
    assert told == [made.id]


def test_the_emulator_can_die_with_the_work_done_and_the_answer_lost(
    api: stripe.StripeClient, emulator: Process
) -> None:
    emulator.control("faults", {"action": "kill_self_after", "match": {"method": "POST"}})
    with pytest.raises(stripe.APIConnectionError):
        api.v1.customers.create({}, KEY)
    assert emulator.child is not None
    assert emulator.child.wait(10) == -9
    emulator.start()
    replayed = emulator.form("/v1/customers", headers={"Idempotency-Key": "mine"})
    assert replayed.headers["idempotent-replayed"] == "true"
    assert len(api.v1.customers.list().data) == 1
    assert emulator.look("log", decision="kill_self_after")["count"] == 1


def test_an_account_is_restricted_just_before_its_capture(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    emulator.control("faults", {"action": "account_restrict", "match": {"path": "capture$"}})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id)
    assert caught.value.code == "transfers_not_allowed"
    account = api.v1.accounts.retrieve(instructor)
    assert account.capabilities.transfers == "inactive"
    assert account.requirements.disabled_reason == "requirements.past_due"


def test_an_authorization_lapses_just_before_its_capture(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    emulator.control("faults", {"action": "capture_expired"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id)
    assert caught.value.code == "payment_intent_unexpected_state"
    assert api.v1.payment_intents.retrieve(held.id).cancellation_reason == "automatic"
    assert emulator.look("invariants")["ok"]


@pytest.mark.parametrize(
    "code", ["charge_expired_for_capture", "capture_charge_authorization_expired"]
)
def test_an_authorization_lapses_at_the_bank_before_the_intent_says_so(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str, code: str
) -> None:
    held = hold(api, customer, instructor)
    fault = {"action": "capture_expired", "reason": code, "reads": 2, "match": {"path": "capture$"}}
    emulator.control("faults", fault)
    for _ in range(2):  # once refused, always refused, whatever the record says
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.payment_intents.capture(held.id)
        assert caught.value.code == code
    seen = [api.v1.payment_intents.retrieve(held.id).status for _ in range(3)]
    assert seen == ["requires_capture", "requires_capture", "canceled"]
    assert api.v1.payment_intents.retrieve(held.id).cancellation_reason == "automatic"
    assert emulator.look("invariants")["ok"]
    wrong = {"action": "capture_expired", "reason": "too_late"}
    assert emulator.http.post("/_emulator/faults", json=wrong).status_code == 400


async def delivered(emulator: Process, receiver: Receiver, **rule: object) -> list[JSON]:
    """The events of one new customer under a fault, each verified."""
    secret = listen(emulator.sdk(), receiver)
    emulator.control("faults", rule)
    emulator.form("/v1/customers", {"name": "Sam"})
    await settled(emulator)
    for signature, body in receiver.got:
        assert stripe.Webhook.construct_event(body, signature, secret)
    return [json.loads(body) for _, body in receiver.got]


@pytest.mark.parametrize("action", ["unknown_type", "other_account", "twin_event"])
async def test_a_further_event_is_signed_and_of_its_own(
    emulator: Process, receiver: Receiver, action: str
) -> None:
    events = await delivered(emulator, receiver, action=action, times=0)
    assert len(events) == 2
    real = next(event for event in events if event["request"]["id"])
    other = next(event for event in events if event is not real)
    assert other["id"] != real["id"]
    assert other["data"] == real["data"]
    assert (other["type"] == real["type"]) == (action != "unknown_type")
    assert ("account" in other) == (action == "other_account")


async def test_an_old_api_version_and_a_big_payload_are_signed_too(
    emulator: Process, receiver: Receiver
) -> None:
    emulator.control("faults", {"action": "big", "size": 200_000})
    (event,) = await delivered(emulator, receiver, action="old_api_version")
    assert event["api_version"] == "2024-06-20"
    assert len(receiver.got[0][1]) >= 200_000


async def test_a_timestamp_from_the_future_passes_the_sdks_check(
    emulator: Process, receiver: Receiver
) -> None:
    await delivered(emulator, receiver, action="future_timestamp")
    emulator.form("/v1/customers", {})
    await settled(emulator)
    first, second = (int(header.split(",")[0].removeprefix("t=")) for header, _ in receiver.got)
    assert first > second + 3_000


def test_latency_has_a_seeded_shape(emulator: Process) -> None:
    def run() -> list[int]:
        emulator.http.delete("/_emulator/faults")
        rule = {"action": "latency", "times": 0, "seconds": 0.02, "max_seconds": 0.2}
        emulator.control("faults", {**rule, "shape": "exponential"})
        for _ in range(6):
            emulator.form("/v1/customers", {})
        lines = emulator.look("log", path="/v1/customers", limit=6)["data"]
        return [round(line["took_us"] / 20_000) for line in lines]

    first = run()
    assert len(set(first)) > 1
    assert max(first) <= 12
    wrong = {"action": "latency", "shape": "triangle"}
    assert emulator.http.post("/_emulator/faults", json=wrong).status_code == 400


def test_limits_refuse_what_comes_too_fast(api: stripe.StripeClient, emulator: Process) -> None:
    intent = api.v1.payment_intents.create({"amount": 500, "currency": "usd"}).id
    limits = {"is_rate_limited": True, "rate_per_second": 1000, "rate_per_endpoint": 5}
    emulator.control("config", limits)
    codes = [emulator.form("/v1/customers", {}).status_code for _ in range(12)]
    assert codes[:5] == [200] * 5
    assert 429 in codes
    refused = emulator.look("log", code="rate_limit", limit=1)["data"][0]
    assert refused["decision"] == "refused"
    emulator.control("config", {"rate_per_endpoint": 1000, "updates_per_intent_hour": 2})
    path = f"/v1/payment_intents/{intent}"
    tries = [emulator.form(path, {"description": str(n)}).status_code for n in range(3)]
    assert tries == [200, 200, 429]
    emulator.advance(3600)
    assert emulator.form(path, {"description": "later"}).status_code == 200


def test_the_log_is_searched_by_every_part_of_a_line(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    intent = hold(api, customer, instructor)
    api.v1.payment_intents.capture(intent.id, {}, KEY)
    api.v1.payment_intents.capture(intent.id, {}, KEY)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.capture(intent.id)
    api.v1.balance.retrieve(options={"stripe_account": instructor})

    def count(**filters: str | int) -> int:
        return emulator.look("log", **filters)["count"]

    assert count(key="mine") == 2
    assert count(key="mine", decision="replayed") == 1
    assert count(status="4*") == count(code="payment_intent_unexpected_state") == 1
    assert count(account=instructor, method="GET") == 1
    assert count(object=intent.id) >= 4
    last = emulator.look("log", limit=1)["data"][0]
    assert count(request=last["request_id"]) == 1
    assert count(since="2027-03-01T12:00:01Z") == 0
    assert count(after=last["seq"]) == 0
    oldest = emulator.look("log", order="asc", limit=1)["data"][0]
    assert oldest["seq"] < last["seq"]
    assert emulator.http.get("/_emulator/log", params={"colour": "red"}).status_code == 400
    assert emulator.http.get("/_emulator/log", params={"after": "x"}).status_code == 400


def test_kept_keys_are_shown_and_pruned_after_a_day(
    api: stripe.StripeClient, emulator: Process
) -> None:
    emulator.control("faults", {"action": "500_stored"})
    with pytest.raises(stripe.APIError):
        api.v1.customers.create({}, KEY)
    (kept,) = emulator.look("keys")["data"]
    assert (kept["key"], kept["status"]) == ("mine", 500)
    emulator.advance(86_400)
    assert api.v1.customers.create({}, KEY).id
    assert emulator.look("keys", key="mine")["data"][0]["status"] == 200
    with sqlite3.connect(emulator.data / "emulator.sqlite") as file:
        assert file.execute("SELECT count(*) FROM idempotency").fetchone() == (1,)
    file.close()
