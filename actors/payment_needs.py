"""What a payment still needs from its student, with the secret their browser uses."""

from typing import Literal

import msgspec

from domain.bookings import BookingStatus
from domain.payments import ASKING, Payment
from gateways.stripe import StripeGateway


class PaymentNeed(msgspec.Struct, frozen=True, kw_only=True):
    """`setup`: save a card · `authorize`: confirm the payment. The secret is never stored."""

    action: Literal["none", "setup", "authorize"] = "none"
    client_secret: str | None = None


async def need_of(stripe: StripeGateway, status: BookingStatus, payment: Payment) -> PaymentNeed:
    """Reads the need from the stored state and the secret anew from Stripe."""
    is_asking = payment.status in ASKING
    if status == "confirmed" and payment.status == "authorizing":
        is_asking = payment.is_on_session
    if status == "pending" and payment.status == "card_setup" and payment.setup_intent_id:
        secret = await stripe.setup_secret(payment.setup_intent_id)
        return PaymentNeed(action="setup", client_secret=secret)
    if payment.status == "collection" and payment.payment_intent_id:
        secret = await stripe.intent_secret(payment.payment_intent_id)
        return PaymentNeed(action="authorize", client_secret=secret)
    if status in {"pending", "confirmed"} and is_asking and payment.payment_intent_id:
        secret = await stripe.intent_secret(payment.payment_intent_id)
        return PaymentNeed(action="authorize", client_secret=secret)
    return PaymentNeed()
