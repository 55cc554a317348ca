"""What events tell of a change, and how patient the sender is with its endpoints."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process, Receiver, settled
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold
from tests.sandbox.stripe.test_webhooks import listen, until

DAY = 86_400


def latest(emulator: Process, kind: str, account: str = "") -> JSON:
    """Return the data of the latest event of a type."""
    headers = {"Authorization": "Bearer sk_test_emulator"}
    headers |= {"Stripe-Account": account} if account else {}
    listed = emulator.http.get("/v1/events", params={"type": kind}, headers=headers).json()
    return listed["data"][0]["data"]


def test_an_update_tells_what_was_before(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    api.v1.customers.update(customer, {"name": "Kim", "metadata": {"a": "1"}})
    assert latest(emulator, "customer.updated")["previous_attributes"] == {
        "name": "Sam",
        "metadata": {},
    }
    held = hold(api, customer, instructor)
    charge = api.v1.payment_intents.capture(held.id).latest_charge
    api.v1.charges.update(str(charge), {"description": "Piano"})
    changed = latest(emulator, "charge.updated")
    assert changed["previous_attributes"] == {"description": None}
    assert changed["object"]["description"] == "Piano"
    api.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "daily"}}}})
    told = latest(emulator, "balance_settings.updated")["previous_attributes"]
    assert told == {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}


def test_a_restricted_and_a_rejected_account_tells_its_capability(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    def told() -> tuple[str, JSON]:
        event = latest(emulator, "capability.updated", instructor)
        return event["object"]["status"], event["previous_attributes"]

    emulator.control(f"accounts/{instructor}", {"transfers": "inactive"})
    assert told() == ("inactive", {"status": "active"})
    emulator.control(f"accounts/{instructor}", {"transfers": "active"})
    assert told() == ("active", {"status": "inactive"})
    count = len(api.v1.events.list({"type": "capability.updated"}, on(instructor)).data)
    emulator.control(f"accounts/{instructor}", {"payouts_enabled": False})
    assert len(api.v1.events.list({"type": "capability.updated"}, on(instructor)).data) == count
    api.v1.accounts.reject(instructor, {"reason": "fraud_other"})
    assert told() == ("inactive", {"status": "active"})
    changed = latest(emulator, "account.updated", instructor)["previous_attributes"]
    assert changed["capabilities"] == {"transfers": "active"}


def on(account: str) -> JSON:
    """Return request options of a connected account."""
    return {"stripe_account": account}


async def exhaust(emulator: Process) -> None:
    """Let time pass until nothing waits for it any more."""
    while (due := emulator.look("due"))["next_at"]:
        emulator.control("clock", {"set": due["next_at"], "frozen": True})
        await settled(emulator)


async def test_an_endpoint_that_takes_other_events_stays_enabled(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    receiver.answers = [500] * 8
    lost = api.v1.customers.create({"name": "lost"}).id
    await settled(emulator)
    for seconds in (5, 30, 120, 600, 3_600, 10_800, 21_600):
        emulator.advance(seconds)
        await settled(emulator)
    api.v1.customers.create({"name": "taken"})
    await settled(emulator)
    receiver.answers = [500] * 20
    await exhaust(emulator)
    assert api.v1.webhook_endpoints.list().data[0].status == "enabled"
    states = {each["state"] for each in emulator.look("deliveries")["data"]}
    assert states == {"failed", "succeeded"}
    receiver.answers = [500] * 40
    api.v1.customers.update(lost, {"name": "late"})
    await settled(emulator)
    await exhaust(emulator)
    assert api.v1.webhook_endpoints.list().data[0].status == "disabled"


async def test_every_attempt_has_a_signature_of_its_own(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    emulator.control("config", {"retry_clock": "wall"})
    secret = listen(api, receiver)
    receiver.answers = [500]
    api.v1.customers.create()
    await until(lambda: len(receiver.got) == 1)
    await settled(emulator)
    due = emulator.look("due")
    assert (due["next_at"], due["pending_deliveries"]) == (None, 1)  # real time decides
    emulator.advance(3_600)
    assert len(receiver.got) == 1
    await until(lambda: len(receiver.got) == 2)
    (first, body), (second, again) = receiver.got
    assert body == again
    assert first != second
    for signature in (first, second):
        assert stripe.Webhook.construct_event(body, signature, secret)


@pytest.fixture
def silent() -> Iterator[tuple[str, Event]]:
    """Return an endpoint that takes an event and answers only when it is told to."""
    told = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            told.wait(20)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", told
    told.set()
    server.shutdown()
    server.server_close()


async def test_an_endpoint_that_does_not_answer_in_time_failed(
    api: stripe.StripeClient, emulator: Process, silent: tuple[str, Event]
) -> None:
    url, told = silent
    assert emulator.look("config")["delivery_timeout_seconds"] == 10
    emulator.control("config", {"delivery_timeout_seconds": 0.3})
    api.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    api.v1.customers.create()
    await settled(emulator)
    (delivery,) = emulator.look("deliveries")["data"]
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)
    assert (delivery["tries"][0]["status"], "Timeout" in delivery["answer"]) == (0, True)
    told.set()
    emulator.advance(5)
    await settled(emulator)
    assert emulator.look("deliveries")["data"][0]["state"] == "succeeded"


def test_a_slow_answer_comes_in_drops_and_whole(emulator: Process) -> None:
    rule = {"action": "slow_drip", "seconds": 0.001, "match": {"path": "customers$"}}
    emulator.control("faults", rule)
    auth = {"Authorization": "Bearer sk_test_emulator"}
    with emulator.http.stream("POST", "/v1/customers", headers=auth) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 2
    assert json.loads(b"".join(pieces))["object"] == "customer"
    emulator.control("faults", {**rule, "seconds": 30})
    with pytest.raises(httpx.ReadTimeout):
        emulator.http.post("/v1/customers", headers=auth, timeout=0.5)


async def test_a_drip_slower_than_a_clients_patience_is_done_once(
    api: stripe.StripeClient, emulator: Process
) -> None:
    rule = {"action": "slow_drip", "seconds": 30, "match": {"path": "customers$"}}
    emulator.control("faults", rule)
    headers = {"Authorization": "Bearer sk_test_emulator", "Idempotency-Key": "mine"}
    for _ in range(2):
        try:
            async with asyncio.timeout(1), httpx.AsyncClient(trust_env=False) as client:
                again = await client.post(f"{emulator.url}/v1/customers", headers=headers)
        except TimeoutError:
            continue
    assert again.headers["idempotent-replayed"] == "true"
    assert len(api.v1.customers.list().data) == 1
