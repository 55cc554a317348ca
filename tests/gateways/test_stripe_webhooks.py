"""Only what Stripe has signed, lately, for one of our endpoints is an event."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from domain.errors import Invalid
from gateways.stripe_webhooks import read_event

NOW = datetime(2027, 3, 10, 18, tzinfo=UTC)
SECRETS = ("whsec_platform", "whsec_connect")
BODY = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "charge.captured",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}},
    }
)


def signed(secret: str = SECRETS[0], *, age: float = 0, body: str = BODY) -> str:
    at = int((NOW - timedelta(seconds=age)).timestamp())
    return stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=at)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("age", [0, 299, -59])
def test_a_fresh_event_of_either_endpoint_is_read(secret: str, age: float) -> None:
    event = read_event(BODY.encode(), signed(secret, age=age), secrets=SECRETS, wall_now=NOW)
    assert (event.id, event.type) == ("evt_1", "charge.captured")
    assert event.data.object.payment_intent == "pi_1"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=,v1=",
        "v1=abc",
        "t=abc,v1=abc",
        "t=999999999999999,v1=abc",
        signed("whsec_other"),
        signed(age=301),
        signed(age=-61),
        signed(body=BODY.replace("pi_1", "pi_2")),
        signed().replace("v1=", "v0="),
    ],
)
def test_anything_else_is_refused(signature: str) -> None:
    with pytest.raises(Invalid):
        read_event(BODY.encode(), signature, secrets=SECRETS, wall_now=NOW)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{}", b"[]", b"not json"])
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    text = body.decode("latin-1")
    at = int(NOW.timestamp())
    header = stripe.WebhookSignature.generate_signature_header(text, SECRETS[0], timestamp=at)
    with pytest.raises(Invalid):
        read_event(body, header, secrets=SECRETS, wall_now=NOW)


def test_a_roll_over_may_sign_twice() -> None:
    both = f"{signed('whsec_new')},{signed().partition(',')[2]}"
    assert read_event(BODY.encode(), both, secrets=SECRETS, wall_now=NOW).id == "evt_1"
