"""What one webhook delivery carries: payload, time and signatures, spoiled if a fault wants it so.

Some faults change the delivery itself (`bad_sig`, `old_api_version`, …); others send a further
event of its own before it (`unknown_type`, `other_account`, `twin_event`), correctly signed.
"""

import hmac
from hashlib import sha256
from typing import Any, Final

import msgspec

from sandbox.stripe.faults import Fault
from sandbox.stripe.ids import token
from sandbox.stripe.settings import API_VERSION
from sandbox.stripe.store import Store

Doc = dict[str, Any]

TAMPERING: Final = (
    "bad_sig",
    "old_timestamp",
    "future_timestamp",
    "wrong_secret",
    "old_api_version",
    "big",
)
EXTRAS: Final = ("unknown_type", "other_account", "twin_event")
OLD_VERSION: Final = "2024-06-20"
UNKNOWN_TYPE: Final = "treasury.unicorn.created"
SHIFTS: Final = {"old_timestamp": -3_600, "future_timestamp": 3_600}


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Ready to send."""

    payload: bytes
    signature: str


def signature_header(secrets: list[str], payload: bytes, timestamp: int) -> str:
    """`Stripe-Signature` of a payload, by real time: one `v1` for every valid secret."""
    signed = f"{timestamp}.".encode() + payload
    macs = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    return f"t={timestamp}," + ",".join(f"v1={mac}" for mac in macs)


def pack(
    endpoint: Doc, payload: bytes, *, now_us: int, wall_us: int, tampering: dict[str, Fault]
) -> Parcel:
    """The payload as the endpoint gets it; spoiled before or after it is signed."""
    version = OLD_VERSION if "old_api_version" in tampering else endpoint["api_version"]
    if version not in (None, API_VERSION):
        payload = msgspec.json.encode({**msgspec.json.decode(payload), "api_version": version})
    if "big" in tampering:
        payload = _padded(payload, tampering["big"].rule.size)
    shift = sum(SHIFTS.get(action, 0) for action in tampering)
    secrets = ["whsec_wrong"] if "wrong_secret" in tampering else valid_secrets(endpoint, now_us)
    header = signature_header(secrets, payload, wall_us // 1_000_000 + shift)
    if "bad_sig" in tampering:
        header = ",".join(
            part[:-8] + "00000000" if part.startswith("v1=") else part for part in header.split(",")
        )
    return Parcel(payload=payload, signature=header)


def valid_secrets(endpoint: Doc, now_us: int) -> list[str]:
    """The secret, and the one it replaced as long as that still counts."""
    kept = endpoint["_"]
    earlier = [each["secret"] for each in kept.get("earlier", ()) if each["until_us"] > now_us]
    return [kept["secret"], *earlier]


def _padded(payload: bytes, size: int) -> bytes:
    """The same event with an object that fills so many bytes."""
    event = msgspec.json.decode(payload)
    missing = max(0, size - len(payload))
    event["data"]["object"] = {**event["data"]["object"], "padding": "x" * missing}
    return msgspec.json.encode(event)


def extra_event(store: Store, event: Doc, action: str) -> str:
    """Keep a further event made from a real one; returns its id."""
    account = event.get("account", "")
    further = {**event, "id": store.new_id("evt"), "request": {"id": None, "idempotency_key": None}}
    if action == "unknown_type":
        further["type"] = UNKNOWN_TYPE
    if action == "other_account":
        further["account"] = "acct_" + token(store.seed, "nobody's account", 16)
    store.insert(further, account)
    return further["id"]
