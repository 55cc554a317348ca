"""Several endpoints, each with its secrets, kind and version; rolled, replayed, shuffled."""

import json

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process, Receiver, onboarded, settled
from tests.sandbox.stripe.test_webhooks import listen


def verifies(receiver: Receiver, secret: str, position: int = -1) -> bool:
    """Whether a delivery carries a signature of this secret."""
    signature, body = receiver.got[position]
    try:
        return bool(stripe.Webhook.construct_event(body, signature, secret))
    except stripe.SignatureVerificationError:
        return False


async def test_a_rolled_secret_signs_beside_its_successor_for_a_while(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    old = listen(api, receiver)
    endpoint = emulator.look("webhook_endpoints")["data"][0]
    new = emulator.control(f"webhook_endpoints/{endpoint['id']}/roll", {})["secret"]
    api.v1.customers.create()
    await settled(emulator)
    assert verifies(receiver, old)
    assert verifies(receiver, new)
    assert emulator.look("webhook_endpoints")["data"][0]["secrets"] == [new, old]
    emulator.advance(86_400)
    api.v1.customers.create()
    await settled(emulator)
    assert not verifies(receiver, old)
    assert verifies(receiver, new)
    body = {"secret": "whsec_third", "expires_in_seconds": 0}
    emulator.control(f"webhook_endpoints/{endpoint['id']}/roll", body)
    api.v1.customers.create()
    await settled(emulator)
    assert not verifies(receiver, new)
    assert verifies(receiver, "whsec_third")


async def test_platform_and_connect_endpoints_hear_their_own_events_with_their_own_secret(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    other = Receiver()
    secrets = listen(api, receiver), listen(api, other, connect=True)
    onboarded(api, emulator)
    api.v1.customers.create()
    await settled(emulator)
    assert set(receiver.types()) == {"customer.created"}
    assert "account.updated" in other.types()
    assert verifies(receiver, secrets[0])
    assert not verifies(receiver, secrets[1])
    assert verifies(other, secrets[1])
    kinds = {each["url"]: each["connect"] for each in emulator.look("webhook_endpoints")["data"]}
    assert kinds == {receiver.url: False, other.url: True}
    other.close()


async def test_an_event_is_replayed_to_an_endpoint_that_came_later(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    api.v1.customers.create()
    listen(api, receiver)
    event = api.v1.events.list().data[0].id
    endpoint = emulator.look("webhook_endpoints")["data"][0]["id"]
    assert emulator.control(f"webhooks/{event}/resend", {})["deliveries"] == 0
    emulator.control(f"webhooks/{event}/resend", {"endpoint": endpoint})
    await settled(emulator)
    assert [json.loads(body)["id"] for _, body in receiver.got] == [event]
    for path, body in (("evt_none", {}), (event, {"endpoint": "we_none"})):
        answer = emulator.http.post(f"/_emulator/webhooks/{path}/resend", json=body)
        assert answer.status_code == 404


async def test_an_endpoint_gets_the_version_it_was_made_with(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    made = {"url": receiver.url, "enabled_events": ["*"], "api_version": "2025-03-31.basil"}
    secret = api.v1.webhook_endpoints.create(made).secret
    api.v1.customers.create()
    await settled(emulator)
    assert json.loads(receiver.got[0][1])["api_version"] == "2025-03-31.basil"
    assert verifies(receiver, secret or "")


async def test_within_the_window_deliveries_come_in_a_shuffled_order(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    emulator.control("config", {"shuffle_window": 8})
    emulator.control("faults", {"action": "delay", "seconds": 1, "times": 8})
    names = [str(number) for number in range(8)]
    for name in names:
        api.v1.customers.create({"name": name})
    await settled(emulator)
    emulator.advance(1)
    await settled(emulator)
    told = [json.loads(body)["data"]["object"]["name"] for _, body in receiver.got]
    assert sorted(told) == names
    assert told != names


async def test_every_try_of_a_delivery_is_shown(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    receiver.answers = [503]
    emulator.control("faults", {"action": "bad_sig"})
    api.v1.customers.create()
    await settled(emulator)
    emulator.advance(5)
    await settled(emulator)
    (shown,) = emulator.look("deliveries", type="customer.created", state="succeeded")["data"]
    assert [each["status"] for each in shown["tries"]] == [503, 200]
    assert [each["fault"] for each in shown["tries"]] == ["bad_sig", None]
    assert emulator.look("deliveries", state="failed")["data"] == []
    assert emulator.http.get("/_emulator/deliveries?colour=red").status_code == 400


@pytest.mark.parametrize("action", ["drop", "duplicate"])
async def test_a_fault_of_one_endpoint_leaves_the_others_alone(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver, action: str
) -> None:
    other = Receiver()
    listen(api, receiver)
    listen(api, other)
    ids = {each["url"]: each["id"] for each in emulator.look("webhook_endpoints")["data"]}
    match = {"endpoint": ids[other.url], "event": "^customer"}
    emulator.control("faults", {"action": action, "match": match})
    api.v1.customers.create()
    await settled(emulator)
    assert len(receiver.got) == 1
    assert len(other.got) == {"drop": 0, "duplicate": 2}[action]
    other.close()
