"""Events reach their endpoints: signed, retried, in any order, and never lost."""

import asyncio
import json
from collections.abc import Callable

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process, Receiver, onboarded, settled
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold


def listen(api: stripe.StripeClient, receiver: Receiver, *types: str, connect: bool = False) -> str:
    """Register the receiver; returns the secret."""
    endpoint = api.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": list(types) or ["*"], "connect": connect}
    )
    assert api.v1.webhook_endpoints.retrieve(endpoint.id).to_dict().get("secret") is None
    return endpoint.secret or ""


async def until(condition: Callable[[], bool]) -> None:
    """Return when something holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- another process acts
            await asyncio.sleep(0.02)


async def test_an_event_arrives_signed_and_the_sdk_accepts_it(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    secret = listen(api, receiver)
    made = api.v1.customers.create({"email": "a@b.c"}, {"idempotency_key": "mine"})
    await settled(emulator)
    signature, body = receiver.got[0]
    event = stripe.Webhook.construct_event(body, signature, secret)
    assert event.type == "customer.created"
    assert event.data.object.id == made.id
    assert event.api_version == stripe.api_version
    assert event.request.idempotency_key == "mine"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")
    kept = api.v1.events.retrieve(event.id)
    assert kept.pending_webhooks == 0
    assert kept.data.object.email == "a@b.c"


async def test_a_lesson_sends_the_events_the_marketplace_listens_to(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver, customer: str
) -> None:
    instructor = onboarded(api, emulator)
    listen(api, receiver, *(f"{kind}.{what}" for kind, what in LESSON_EVENTS))
    held = hold(api, customer, instructor)
    await settled(emulator)
    assert sorted(receiver.types()) == sorted(
        [
            "payment_method.attached",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
        ]
    )
    receiver.got.clear()
    api.v1.payment_intents.capture(held.id)
    await settled(emulator)
    assert sorted(receiver.types()) == sorted(
        [
            "charge.captured",
            "payment_intent.succeeded",
            "transfer.created",
            "application_fee.created",
        ]
    )


LESSON_EVENTS = [
    ("payment_method", "attached"),
    ("payment_intent", "created"),
    ("payment_intent", "amount_capturable_updated"),
    ("payment_intent", "succeeded"),
    ("charge", "succeeded"),
    ("charge", "captured"),
    ("transfer", "created"),
    ("application_fee", "created"),
]


async def test_an_instructors_events_go_to_the_connect_endpoint_with_their_account(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver, connect=True)
    account = onboarded(api, emulator)
    api.v1.customers.create()
    await settled(emulator)
    assert set(receiver.types()) == {
        "account.updated",
        "capability.updated",
        "account.external_account.created",
    }
    events = [json.loads(body) for _, body in receiver.got]
    assert {event["account"] for event in events} == {account}
    updated = next(event for event in events if event["type"] == "account.updated")
    assert updated["data"]["object"]["capabilities"] == {"transfers": "active"}
    assert updated["data"]["object"]["payouts_enabled"] is True
    assert updated["data"]["previous_attributes"]["payouts_enabled"] is False


async def test_a_refused_event_is_sent_again_when_virtual_time_gets_there(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    receiver.answers = [500, 302]
    api.v1.customers.create()
    await settled(emulator)
    due = emulator.look("due")
    assert (len(receiver.got), due["pending_deliveries"]) == (1, 1)
    assert (due["next_kind"], due["next_at"]) == ("deliver_webhook", "2027-03-01T12:00:05.000000Z")
    assert len(api.v1.events.list({"delivery_success": False}).data) == 1
    emulator.advance(5)
    await settled(emulator)
    assert emulator.look("due")["next_at"] == "2027-03-01T12:00:35.000000Z"
    emulator.advance(30)
    await settled(emulator)
    assert len(receiver.got) == 3
    assert len({body for _, body in receiver.got}) == 1
    assert emulator.look("due")["pending_deliveries"] == 0
    assert api.v1.events.list({"delivery_success": False}).data == []


async def test_an_endpoint_that_never_answers_is_disabled_after_three_days(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    receiver.answers = [500] * 40
    api.v1.customers.create()
    await settled(emulator)
    while (due := emulator.look("due"))["next_at"]:
        emulator.control("clock", {"set": due["next_at"], "frozen": True})
        await settled(emulator)
    assert due["now"] > "2027-03-04T00:00:00Z"
    assert api.v1.webhook_endpoints.list().data[0].status == "disabled"


async def test_what_was_not_delivered_is_delivered_after_a_crash(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)
    made = [api.v1.customers.create({"name": str(n)}).id for n in range(20)]
    emulator.kill()
    emulator.start()
    await until(lambda: len(receiver.got) >= 20)
    await settled(emulator)
    told = [json.loads(body)["data"]["object"]["id"] for _, body in receiver.got]
    assert set(told) == set(made)
    assert api.v1.customers.list({"limit": 100}).data[0].id == made[-1]


async def test_an_endpoint_can_be_ensured_with_a_known_secret(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "secret": "whsec_known", "enabled_events": ["customer.created"]}
    first = emulator.control("webhook_endpoints", body)
    assert emulator.control("webhook_endpoints", body)["id"] == first["id"]
    api.v1.customers.create()
    await settled(emulator)
    signature, payload = receiver.got[0]
    assert stripe.Webhook.construct_event(payload, signature, "whsec_known").id
    event_id = json.loads(payload)["id"]
    emulator.control(f"webhooks/{event_id}/resend")
    await settled(emulator)
    assert [json.loads(body)["id"] for _, body in receiver.got] == [event_id] * 2


@pytest.mark.parametrize("action", ["bad_sig", "old_timestamp", "wrong_secret"])
async def test_a_forged_delivery_fails_the_sdks_check(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver, action: str
) -> None:
    secret = listen(api, receiver)
    emulator.control("faults", {"action": action})
    api.v1.customers.create()
    await settled(emulator)
    signature, body = receiver.got[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, secret)


async def test_deliveries_are_doubled_dropped_delayed_and_reordered_on_demand(
    api: stripe.StripeClient, emulator: Process, receiver: Receiver
) -> None:
    listen(api, receiver)

    async def send(**rule: object) -> list[str]:
        receiver.got.clear()
        emulator.control("faults", rule)
        for name in ("first", "second"):
            api.v1.customers.create({"name": name})
        await settled(emulator)
        return [json.loads(body)["data"]["object"]["name"] for _, body in receiver.got]

    assert sorted(await send(action="duplicate", count=2)) == ["first"] * 3 + ["second"]
    assert await send(action="drop") == ["second"]
    assert await send(action="delay", seconds=60) == ["second"]
    assert emulator.look("due")["pending_deliveries"] == 1
    emulator.advance(60)
    await settled(emulator)
    assert len(receiver.got) == 2
    assert await send(action="reorder", window=2, times=2) == ["second", "first"]
