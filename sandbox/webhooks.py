"""Registers the marketplace's webhook endpoints with the Stripe emulator."""

from urllib.parse import urlencode

import msgspec

from sandbox.emulator import SECRET_KEY
from sandbox.http import Answer, request
from sandbox.memory import Endpoint, Memory

PATH = "/api/webhooks/stripe"
KINDS = {"platform": "false", "connect": "true"}
"""The endpoints by name, and whether they hear of connected accounts."""


class RegistrationError(Exception):
    """The emulator did not take the endpoint."""


async def register_endpoints(stripe_url: str, public_url: str, memory: Memory) -> None:
    """Point the platform's and the Connect endpoint at `public_url`; remember their secrets.

    Safe to repeat: a known endpoint keeps its secret and is only moved when the address changed.
    """
    url = public_url + PATH
    for kind, is_connect in KINDS.items():
        known = memory.endpoints.get(kind)
        if known is not None and await _moved(stripe_url, known, url):
            known.url = url
            continue
        form = {"url": url, "enabled_events[]": "*", "connect": is_connect}
        answer = await _post(f"{stripe_url}/v1/webhook_endpoints", form)
        if answer.status != 200:
            raise RegistrationError(f"the Stripe emulator refused a webhook: {answer.body!r}")
        made = msgspec.json.decode(answer.body, type=dict[str, object])
        memory.endpoints[kind] = Endpoint(id=str(made["id"]), url=url, secret=str(made["secret"]))


async def _moved(stripe_url: str, known: Endpoint, url: str) -> bool:
    """Make a known endpoint point at `url`; false when the emulator has forgotten it."""
    address = f"{stripe_url}/v1/webhook_endpoints/{known.id}"
    if known.url == url:
        return (await request(address, headers=_headers())).status == 200
    return (await _post(address, {"url": url})).status == 200


async def _post(address: str, form: dict[str, str]) -> Answer:
    """POST one form as the platform."""
    headers = {**_headers(), "Content-Type": "application/x-www-form-urlencoded"}
    return await request(address, body=urlencode(form).encode(), headers=headers)


def _headers() -> dict[str, str]:
    """Return the platform's authorization."""
    return {"Authorization": f"Bearer {SECRET_KEY}"}
