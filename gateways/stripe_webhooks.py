"""Webhook events: whether they are Stripe's and fresh, and what they are about."""

from datetime import datetime

import msgspec
import stripe

from domain.errors import Invalid

PAST_SECONDS = 300
FUTURE_SECONDS = 60


class ObjectBody(msgspec.Struct, frozen=True):
    """The object an event is about; only what it is, because it is fetched anew."""

    object: str = ""
    id: str | None = None
    payment_intent: str | None = None
    fee: str | int | None = None
    """Of a refund of a fee: that fee. Others have amounts of this name."""

    @property
    def about(self) -> str | None:
        """The object to look at: of parts the whole they belong to."""
        fee = self.fee if isinstance(self.fee, str) else None
        return self.payment_intent or fee or self.id


class DataBody(msgspec.Struct, frozen=True):
    """The envelope around the object."""

    object: ObjectBody


class EventBody(msgspec.Struct, frozen=True):
    """An event of Stripe."""

    id: str
    type: str
    data: DataBody
    livemode: bool
    api_version: str | None = None
    account: str | None = None


def read_event(
    payload: bytes, signature: str, *, secrets: tuple[str, ...], wall_now: datetime
) -> EventBody:
    """Checks an event's signature and age (real time, both directions) and reads it.

    Any of the secrets will do: platform, Connect, and both ends of a roll-over. Raises `Invalid`.
    """
    seconds = _signed_at(signature)
    age = wall_now.timestamp() - seconds
    # the SDK lets future timestamps pass
    if not -FUTURE_SECONDS <= age <= PAST_SECONDS:
        raise Invalid("the event's signature is too old or from the future")
    if not any(_is_signed(payload, signature, secret) for secret in secrets):
        raise Invalid("the event's signature is not right")
    try:
        return msgspec.json.decode(payload, type=EventBody)
    except msgspec.MsgspecError as error:
        raise Invalid("the event cannot be read") from error


def _signed_at(signature: str) -> int:
    for part in signature.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            return int(value)
    raise Invalid("the event is not signed")


def _is_signed(payload: bytes, signature: str, secret: str) -> bool:
    try:
        # the SDK types its unused `tolerance` as unknown
        return stripe.WebhookSignature.verify_header(payload, signature, secret)  # pyright: ignore[reportUnknownMemberType]
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
