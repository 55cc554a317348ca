"""Injected faults, as the SDK meets them."""

import httpx
import pytest
import stripe

from tests.sandbox.stripe.conftest import Process

KEY = {"idempotency_key": "mine"}


def customers(api: stripe.StripeClient) -> int:
    """How many customers there are."""
    return len(api.v1.customers.list({"limit": 100}).data)


@pytest.fixture
def patient(emulator: Process) -> stripe.StripeClient:
    """Return an SDK that tries again by itself."""
    return emulator.sdk(max_network_retries=2)


@pytest.mark.parametrize(
    "action", ["drop_before", "drop_after_commit", "500_before", "500_after_commit", "truncate"]
)
def test_the_sdks_own_retry_does_the_work_exactly_once(
    api: stripe.StripeClient, patient: stripe.StripeClient, emulator: Process, action: str
) -> None:
    emulator.control("faults", {"action": action, "match": {"method": "POST"}})
    assert patient.v1.customers.create().id
    assert customers(api) == 1
    decisions = [line["decision"] for line in emulator.look("log", method="POST")["data"]]
    assert f"fault:{action}" in decisions


@pytest.mark.parametrize("action", ["drop_before", "drop_after_commit"])
def test_a_cut_connection_is_no_answer_at_all(emulator: Process, action: str) -> None:
    emulator.control("faults", {"action": action})
    with pytest.raises(httpx.TransportError):
        emulator.form("/v1/customers", {})
    assert emulator.look("log", limit=1)["data"][0]["status"] is None


@pytest.mark.parametrize(("action", "done"), [("timeout_before", 0), ("timeout_after", 1)])
def test_silence_before_or_after_the_work(
    api: stripe.StripeClient, emulator: Process, action: str, done: int
) -> None:
    emulator.control("faults", {"action": action, "seconds": 0.2, "match": {"method": "POST"}})
    with pytest.raises(stripe.APIConnectionError):
        api.v1.customers.create({}, KEY)
    assert customers(api) == done
    assert api.v1.customers.create({}, KEY).id
    assert customers(api) == 1


def test_a_stored_500_is_replayed_for_ever(api: stripe.StripeClient, emulator: Process) -> None:
    emulator.control("faults", {"action": "500_stored"})
    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            api.v1.customers.create({}, KEY)
        assert caught.value.http_status == 500
        assert caught.value.headers.get("idempotent-replayed") == replayed
    assert customers(api) == 0
    emulator.control("faults", {"action": "key_expiry_now", "match": {"key": "^mine$"}})
    assert api.v1.customers.create({}, KEY).id


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("409_in_use", 409, "idempotency_key_in_use"),
        ("429_rate", 429, "rate_limit"),
        ("429_lock", 429, "lock_timeout"),
    ],
)
def test_busy_answers_come_as_often_as_asked_for(
    api: stripe.StripeClient, emulator: Process, action: str, status: int, code: str
) -> None:
    emulator.control("faults", {"action": action, "times": 2, "match": {"path": "customers$"}})
    for _ in range(2):
        with pytest.raises(stripe.StripeError) as caught:
            api.v1.customers.create({}, KEY)
        assert caught.value.http_status == status
        assert caught.value.error.code == code
    assert api.v1.customers.create({}, KEY).id


def test_a_429_with_the_retry_header_is_retried_by_the_sdk(
    patient: stripe.StripeClient, emulator: Process
) -> None:
    emulator.control("faults", {"action": "429_lock", "should_retry": True})
    assert patient.v1.customers.create().id


@pytest.mark.parametrize("action", ["garbage", "html_502"])
def test_answers_that_are_no_json_are_api_errors(
    api: stripe.StripeClient, emulator: Process, action: str
) -> None:
    emulator.control("faults", {"action": action})
    with pytest.raises(stripe.APIError):
        api.v1.customers.create()


def test_a_rule_matches_the_nth_request_of_its_kind(
    api: stripe.StripeClient, emulator: Process
) -> None:
    rule = {"action": "429_rate", "match": {"path": "/v1/customers", "method": "POST", "nth": 2}}
    emulator.control("faults", rule)
    assert api.v1.customers.create().id
    with pytest.raises(stripe.RateLimitError):
        api.v1.customers.create()
    assert api.v1.customers.create().id
    assert emulator.look("faults")["data"][0]["seen"] == 3


def test_chance_is_seeded(api: stripe.StripeClient, emulator: Process) -> None:
    def run() -> list[bool]:
        emulator.http.delete("/_emulator/faults")
        match = {"probability": 0.5, "seed": "s"}
        emulator.control("faults", {"action": "429_rate", "times": 0, "match": match})
        codes = [emulator.form("/v1/customers", {}).status_code for _ in range(12)]
        emulator.http.delete("/_emulator/faults")
        return [code == 429 for code in codes]

    first = run()
    assert run() == first
    assert 0 < sum(first) < 12
    assert api.v1.customers.create().id


def test_a_rule_that_is_none_is_refused(emulator: Process) -> None:
    for rule in ({"action": "explode"}, {}, {"action": "drop", "match": {"path": "("}}):
        assert emulator.http.post("/_emulator/faults", json=rule).status_code == 400


def test_rules_outlive_a_crash(emulator: Process) -> None:
    emulator.control("faults", {"action": "429_rate", "times": 2})
    assert emulator.form("/v1/customers", {}).status_code == 429
    emulator.kill()
    emulator.start()
    assert emulator.form("/v1/customers", {}).status_code == 429
    assert emulator.form("/v1/customers", {}).status_code == 200
