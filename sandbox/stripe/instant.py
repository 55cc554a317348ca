"""What an instant payout costs, in both ways the platform's price can be meant.

Stripe's documentation tells one example (500 in the balance, 490 paid out at 2 %), which fits both
"2 % of what leaves the balance" and "2 % of the payout": `instant_fee_base` chooses.
"""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY, instant_cents
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.settings import Config

Doc = dict[str, Any]

WHOLE: Final = 10_000
NET_AVAILABLE: Final = "instant_available.net_available"


def part_of(amount: int, basis_points: int) -> int:
    """Hundredths of a percent of an amount, rounded half up."""
    return (2 * amount * basis_points + WHOLE) // (2 * WHOLE)


def net_of(config: Config, gross: int) -> int:
    """The largest payout a balance of `gross` cents allows."""
    rate = config.instant_fee_bps
    if config.instant_fee_base == "gross":
        return gross - part_of(gross, rate)
    net = gross * WHOLE // (WHOLE + rate)
    while net + 1 + part_of(net + 1, rate) <= gross:
        net += 1
    while net + part_of(net, rate) > gross:
        net -= 1
    return net


def fee_of(config: Config, net: int, balance: int) -> int:
    """The platform's fee for a payout of `net` cents out of `balance`.

    By gross: what the payout takes in all is the smallest sum that leaves `net`; a payout of all
    that `net_of` quotes empties the balance.
    """
    rate = config.instant_fee_bps
    if config.instant_fee_base != "gross":
        return part_of(net, rate)
    if net == net_of(config, balance):
        return balance - net
    gross = net * WHOLE // (WHOLE - rate)
    while net_of(config, gross) < net:
        gross += 1
    while gross > net and net_of(config, gross - 1) >= net:
        gross -= 1
    return gross - net


def takes_instant(ctx: Ctx) -> bool:
    """Whether the account's agreement allows instant payouts: the recipient one does not."""
    account = ctx.store.find("account", ctx.account, "") if ctx.account else None
    return account is None or account["tos_acceptance"].get("service_agreement") != "recipient"


def net_available(ctx: Ctx, destinations: list[Doc]) -> list[Doc]:
    """`instant_available[].net_available`: what each destination would get."""
    net = net_of(ctx.config, instant_cents(ctx, ctx.account))
    return [
        {"amount": net, "destination": each["id"], "source_types": {"card": net}}
        for each in destinations
        if "instant" in each["available_payout_methods"]
        and each["currency"] == CURRENCY
        # nothing goes to a bank that returned a payout until it is changed
        and each["status"] != "errored"
    ]


def quote(ctx: Ctx, balance: Doc) -> None:
    """Complete an expanded balance; the platform has no pricing for itself."""
    if not ctx.account:
        raise invalid(
            "You cannot expand instant_available.net_available on a platform's own balance: it"
            " exists for connected accounts only.",
            param="expand",
        )
    account = ctx.store.find("account", ctx.account, "") or {}
    is_open = account["payouts_enabled"]
    banks = account["external_accounts"]["data"] if is_open and takes_instant(ctx) else []
    for each in balance["instant_available"]:
        each["net_available"] = net_available(ctx, banks)
