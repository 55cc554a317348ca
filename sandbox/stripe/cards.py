"""Test cards: what each number or token does when it is attached, set up or charged."""

import hashlib
from typing import Any, Final

import msgspec

from sandbox.stripe.ids import token

Doc = dict[str, Any]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One test card.

    `attach` and `charge` are the decline reasons, None for success; `auth` says when the cardholder
    is asked: `never`, `unless_set_up`, `always`, or `on_session` (set up for off-session use).
    `dispute` follows the capture: a reason, `inquiry`, or `multiple`; `refund` is what becomes of a
    refund: `pending` or `fails`.
    """

    number: str
    names: tuple[str, ...] = ()
    brand: str = "visa"
    funding: str = "credit"
    attach: str | None = None
    charge: str | None = None
    auth: str = "never"
    is_available_at_once: bool = False
    dispute: str | None = None
    is_fraud_reported: bool = False
    risk: str = "normal"
    refund: str | None = None


def _refused(number: str, name: str, reason: str) -> Card:
    """A card that is declined whatever is done with it."""
    names = (f"pm_card_{name}", f"pm_card_visa_{name}")
    return Card(number=number, names=names, attach=reason, charge=reason)


CARDS: Final = (
    Card(number="4242424242424242", names=("pm_card_visa", "pm_card_us")),
    Card(number="5555555555554444", names=("pm_card_mastercard",), brand="mastercard"),
    Card(number="378282246310005", names=("pm_card_amex",), brand="amex"),
    Card(number="6011111111111117", names=("pm_card_discover",), brand="discover"),
    Card(number="4000056655665556", names=("pm_card_visa_debit",), funding="debit"),
    Card(
        number="4000002500003155",
        names=("pm_card_authenticationRequiredOnSetup",),
        auth="unless_set_up",
    ),
    Card(number="4000002760003184", names=("pm_card_authenticationRequired",), auth="always"),
    Card(
        number="4000003800000446",
        names=("pm_card_authenticationRequiredSetupForOffSession",),
        auth="on_session",
    ),
    Card(
        number="4000008260003178",
        names=("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        auth="unless_set_up",
        charge="insufficient_funds",
    ),
    Card(number="4000000000003220", names=("pm_card_threeDSecure2Required",), auth="unless_set_up"),
    Card(number="4000000000003055", names=("pm_card_threeDSecureOptional",)),
    Card(
        number="4000008400001629",
        names=("pm_card_threeDSecureRequiredChargeDeclined",),
        auth="unless_set_up",
        charge="generic_decline",
    ),
    _refused("4000000000000002", "chargeDeclined", "generic_decline"),
    _refused("4000000000009995", "chargeDeclinedInsufficientFunds", "insufficient_funds"),
    _refused("4000000000009987", "chargeDeclinedLostCard", "lost_card"),
    _refused("4000000000009979", "chargeDeclinedStolenCard", "stolen_card"),
    _refused("4000000000000069", "chargeDeclinedExpiredCard", "expired_card"),
    _refused("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    _refused("4000000000000119", "chargeDeclinedProcessingError", "processing_error"),
    _refused("4000000000006975", "chargeDeclinedVelocityLimitExceeded", "card_velocity_exceeded"),
    Card(
        number="4000000000000341", names=("pm_card_chargeCustomerFail",), charge="generic_decline"
    ),
    Card(number="4000000000000077", names=("pm_card_bypassPending",), is_available_at_once=True),
    Card(number="4000000000000259", names=("pm_card_createDispute",), dispute="fraudulent"),
    Card(
        number="4000000000002685",
        names=("pm_card_createDisputeProductNotReceived",),
        dispute="product_not_received",
    ),
    Card(number="4000000000001976", names=("pm_card_createDisputeInquiry",), dispute="inquiry"),
    Card(number="4000000404000079", names=("pm_card_createMultipleDisputes",), dispute="multiple"),
    Card(
        number="4000000000005423",
        names=("pm_card_createIssuerFraudRecord",),
        is_fraud_reported=True,
    ),
    Card(number="4000000000007726", names=("pm_card_pendingRefund",), refund="pending"),
    Card(number="4000000000005126", names=("pm_card_refundFail",), refund="fails"),
    Card(number="4100000000000019", names=("pm_card_radarBlock",), charge="fraudulent"),
    Card(number="4000000000004954", names=("pm_card_riskLevelHighest",), risk="highest"),
    Card(number="4000000000009235", names=("pm_card_riskLevelElevated",), risk="elevated"),
)
BY_NUMBER: Final = {card.number: card for card in CARDS}
BY_TOKEN: Final = {name: card for card in CARDS for name in card.names}
INCORRECT_NUMBER: Final = "4242424242424241"
PLAIN: Final = BY_TOKEN["pm_card_visa"]


def card_by_token(name: str) -> Card | None:
    """`pm_card_visa` and its sister `tok_visa`."""
    return BY_TOKEN.get(name.replace("tok_", "pm_card_", 1) if name.startswith("tok_") else name)


def card_of(payment_method: Doc) -> Card:
    """The test card behind a kept payment method; scripts behave as a plain Visa otherwise."""
    return BY_NUMBER.get(payment_method.get("_", {}).get("number", ""), PLAIN)


def is_luhn(number: str) -> bool:
    """The check digit every card number ends with."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def fingerprint(seed: str, number: str) -> str:
    """The same 16 letters for the same number."""
    return token(seed, f"fingerprint:{hashlib.sha256(number.encode()).hexdigest()}", 16)


def card_details(card: Card, fingerprint_: str, exp_month: int, exp_year: int) -> Doc:
    """The `card` of a payment method."""
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": "american_express" if card.brand == "amex" else card.brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": fingerprint_,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
