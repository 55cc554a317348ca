"""Debit cards that payouts go to, in place of a bank account.

Test numbers and tokens are those of Stripe's page on testing Connect. A payout to a card is like
one to a bank; whether the card takes instant ones depends on the card.
"""

from typing import Any, Final

import msgspec

from sandbox.stripe.balances import CURRENCY
from sandbox.stripe.cards import card_by_token, fingerprint, is_luhn
from sandbox.stripe.clock import instant
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.params import accept

Doc = dict[str, Any]

CARD_ADDRESS: Final = (
    "address_city",
    "address_country",
    "address_line1",
    "address_line2",
    "address_state",
    "address_zip",
)
TYPED: Final = {
    "object": "str!",
    **dict.fromkeys(CARD_ADDRESS, "str"),
    "currency": "str",
    "cvc": "str",
    "exp_month": "int!",
    "exp_year": "int!",
    "metadata": "map",
    "name": "str",
    "number": "str!",
}
TOKEN: Final = {"object": "str!", "currency": "str", "token": "str!"}
BRANDS: Final = {"4": "Visa", "5": "MasterCard", "6": "Discover"}
YEARS_AHEAD: Final = 4
"""When the card behind a token expires."""


class Debit(msgspec.Struct, frozen=True, kw_only=True):
    """One debit card: its tokens, whether it takes instant payouts, and whether payouts fail."""

    number: str
    tokens: tuple[str, ...]
    is_instant: bool = True
    is_failing: bool = False


DEBITS: Final = (
    Debit(
        number="4000056655665556",
        tokens=("tok_visa_debit", "tok_visa_debit_us_transferSuccess"),
    ),
    Debit(
        number="4000056655665572",
        tokens=("tok_visa_debit_us_transferFail",),
        is_failing=True,
    ),
    Debit(
        number="4000056755665555",
        tokens=("tok_visa_debit_us_instantPayoutUnsupported",),
        is_instant=False,
    ),
    Debit(
        number="5200828282828210",
        tokens=("tok_mastercard_debit", "tok_mastercard_debit_us_transferSuccess"),
    ),
    Debit(
        number="6011981111111113",
        tokens=("tok_discover_debit_us_instantPayoutUnsupported",),
        is_instant=False,
    ),
)
BY_NUMBER: Final = {debit.number: debit for debit in DEBITS}
BY_TOKEN: Final = {token: debit for debit in DEBITS for token in debit.tokens}
FAILING: Final = frozenset(debit.number for debit in DEBITS if debit.is_failing)
"""Cards whose payouts come back with `could_not_process`."""


def debit_card(ctx: Ctx, owner: str, given: object) -> Doc:
    """A debit card (not yet kept) from a token, or a hash of a token or of typed card data."""
    if isinstance(given, str):
        return _of_token(ctx, owner, given)
    if not isinstance(given, dict):
        raise invalid("Invalid object", param="external_account")
    data = typed_members(TOKEN if "token" in given else TYPED, given)
    check_currency(data)
    if "token" in given:
        return _of_token(ctx, owner, data["token"])
    number = data["number"].replace(" ", "")
    if not is_luhn(number) or not number.isdigit():
        raise invalid(
            "Your card number is incorrect.",
            code="incorrect_number",
            param="external_account[number]",
        )
    _check_expiry(ctx, data["exp_month"], data["exp_year"])
    card = _doc(ctx, owner, _known(number), data["exp_month"], data["exp_year"])
    card |= {name: data.get(name) for name in (*CARD_ADDRESS, "name")}
    return card | {"metadata": data.get("metadata") or {}}


def _of_token(ctx: Ctx, owner: str, token: str) -> Doc:
    """The card of a test token; a token of a credit card is known, and refused."""
    debit = BY_TOKEN.get(token)
    if debit is None and card_by_token(token):
        raise _not_a_debit_card()
    if debit is None:
        raise missing("token", token, param="external_account", status=400)
    return _doc(ctx, owner, debit, 12, instant(ctx.now_us).year + YEARS_AHEAD)


def _known(number: str) -> Debit:
    """The test card of a number; every other card is refused as one payouts cannot go to."""
    debit = BY_NUMBER.get(number)
    if debit is None:
        raise _not_a_debit_card()
    return debit


def _not_a_debit_card() -> Exception:
    return invalid(
        "The card provided as an external account is not supported for payouts. Provide a"
        " non-prepaid debit card instead.",
        code="invalid_card_type",
        param="external_account",
    )


def typed_members(spec: Doc, given: Doc) -> Doc:
    """The members of `external_account`, typed; the required ones must be there and not empty."""
    data = accept({"external_account": spec}, {"external_account": given})["external_account"]
    for name, kind in spec.items():
        if kind.endswith("!") and data.get(name) is None:
            param = f"external_account[{name}]"
            raise invalid(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
    return data


def check_currency(data: Doc) -> None:
    """All money here is in one currency."""
    if (data.get("currency") or CURRENCY).lower() != CURRENCY:
        raise invalid("Only usd is supported.", param="external_account[currency]")


def _check_expiry(ctx: Ctx, month: int, year: int) -> None:
    """A month that exists and has not passed."""
    if not 1 <= month <= 12:
        raise invalid(
            "Your card's expiration month is invalid.",
            code="invalid_expiry_month",
            param="external_account[exp_month]",
        )
    today = instant(ctx.now_us)
    if (year, month) < (today.year, today.month):
        raise invalid(
            "Your card's expiration year is invalid.",
            code="invalid_expiry_year",
            param="external_account[exp_year]",
        )


def change_card(ctx: Ctx, card: Doc, p: Doc) -> None:
    """The holder's name, address and the card's expiry, as an update gives them."""
    month, year = p.get("exp_month"), p.get("exp_year")
    month = card["exp_month"] if month is None else month
    year = card["exp_year"] if year is None else year
    _check_expiry(ctx, month, year)
    card |= {"exp_month": month, "exp_year": year}
    card |= {name: p[name] for name in (*CARD_ADDRESS, "name") if name in p}


def _doc(ctx: Ctx, owner: str, debit: Debit, exp_month: int, exp_year: int) -> Doc:
    """Every field of a card that payouts go to."""
    methods = ["standard", *(["instant"] if debit.is_instant else [])]
    return {
        **dict.fromkeys((*CARD_ADDRESS, "name")),
        "id": ctx.new_id("card"),
        "object": "card",
        "account": owner,
        "address_line1_check": None,
        "address_zip_check": None,
        "allow_redisplay": "unspecified",
        "available_payout_methods": methods,
        "brand": BRANDS[debit.number[0]],
        "country": "US",
        "currency": CURRENCY,
        "customer": None,
        "cvc_check": "pass",
        "default_for_currency": False,
        "dynamic_last4": None,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": fingerprint(ctx.store.seed, debit.number),
        "funding": "debit",
        "last4": debit.number[-4:],
        "metadata": {},
        "regulated_status": "unregulated",
        "status": "new",
        "tokenization_method": None,
        "_": {"number": debit.number},
    }
