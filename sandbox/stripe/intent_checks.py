"""What a payment intent must fulfil: amount, kinds of payment, split, and whose card it is."""

from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.transfers import destination_account

Doc = dict[str, Any]

AMOUNT_MIN: Final = 50
AMOUNT_MAX: Final = 99_999_999


def check_amount(amount: int | None) -> None:
    """50 cents to 999 999.99 dollars."""
    if amount is None or amount < 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount < AMOUNT_MIN:
        raise invalid("Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
    if amount > AMOUNT_MAX:
        raise invalid(
            "Amount must be no more than $999,999.99", code="amount_too_large", param="amount"
        )


def allowed_types(p: Doc) -> list[str]:
    """The read-only `payment_method_types` that follow from what may be asked for."""
    allowed = p.get("allowed_payment_method_types")
    if allowed is not None and (
        p.get("automatic_payment_methods") or p.get("payment_method_configuration")
    ):
        raise invalid(
            "You may only specify one of these parameters: allowed_payment_method_types,"
            " automatic_payment_methods.",
            param="allowed_payment_method_types",
        )
    if allowed is not None and "card" not in allowed:
        raise invalid(
            f'The payment method type "{(allowed or [""])[0]}" is invalid here: the emulator has'
            " cards only.",
            param="allowed_payment_method_types",
        )
    return ["card"]


def check_split(ctx: Ctx, intent: Doc) -> None:
    """Destination and fee must fit each other and the amount."""
    fee, data = intent["application_fee_amount"], intent["transfer_data"]
    if data:
        if not data.get("destination"):
            raise invalid(
                "Missing required param: transfer_data[destination].",
                code="parameter_missing",
                param="transfer_data[destination]",
            )
        destination_account(ctx, data["destination"], param="transfer_data[destination]")
        check_share(data, intent["amount"], fee)
    if fee is None:
        return
    if not data:
        raise invalid(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct"
            " payment (using an OAuth key or Stripe-Account header) or destination payment (using"
            " `transfer_data[destination]`).",
            param="application_fee_amount",
        )
    if not 0 < fee <= intent["amount"]:
        raise invalid(
            "The application_fee_amount must be positive and no more than the amount.",
            code="parameter_invalid_integer",
            param="application_fee_amount",
        )


def check_share(data: Doc | None, amount: int, fee: int | None) -> None:
    """`transfer_data[amount]`: positive, no more than there is, and never beside a fee."""
    share = (data or {}).get("amount")
    if share is None:
        return
    if fee is not None:
        raise invalid(
            "You may only specify one of these parameters: application_fee_amount,"
            " transfer_data[amount].",
            param="application_fee_amount",
        )
    if share <= 0:
        raise invalid(
            "Invalid positive integer",
            code="parameter_invalid_integer",
            param="transfer_data[amount]",
        )
    if share > amount:
        raise invalid(
            "The transfer_data[amount] must be less than or equal to the amount.",
            param="transfer_data[amount]",
        )


def check_owner(method: Doc, intent: Doc) -> None:
    """A saved card works for its own customer alone; a detached one for nobody."""
    owner, customer = method["customer"], intent["customer"]
    if owner is not None and owner != customer:
        raise invalid(
            f"The payment method supplied ({method['id']}) belongs to a different Customer. Please"
            " include the Customer in the `customer` parameter.",
            param="payment_method",
        )
    if not method["_"]["is_spent"]:
        return
    if customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment"
            " method must be attached to the customer.",
            code="resource_missing",
            param="payment_method",
        )
    raise invalid("This PaymentMethod may not be used again.", param="payment_method")


def check_options(p: Doc) -> None:
    """Options of cards that change something here: none, so all but the defaults are refused."""
    options = p.get("payment_method_options")
    if options is None:
        return
    card = options.get("card") if isinstance(options, dict) else None
    known = {"card": {"request_three_d_secure": "automatic"}}
    if options and ({"card": card} != known or set(options) != {"card"}):
        raise invalid(
            "The emulator knows payment_method_options[card][request_three_d_secure]=automatic"
            " alone: its test cards decide when to ask.",
            param="payment_method_options",
        )
