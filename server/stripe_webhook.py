"""Where Stripe tells us that something happened: stored at once, worked afterwards."""

from typing import Literal

import msgspec
from litestar import Controller, post

from server.requests import Request

EVENT_BYTES_MAX = 256 * 1024


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The event is kept; it need not be sent again."""

    received: Literal[True] = True


class StripeWebhook(Controller):
    """Signed by one of the configured secrets; no cookie and no token is looked at."""

    path = "/api/webhooks"
    tags = ("Webhooks",)

    @post("/stripe", status_code=200, request_max_body_size=EVENT_BYTES_MAX)
    async def receive_stripe_event(self, request: Request) -> Stored:
        """Stores a genuine event, once; the same again is fine."""
        payload = await request.body()
        signature = request.headers.get("stripe-signature", "")
        await request.parts.stripe_events.receive(payload, signature)
        return Stored()
