"""What is in the way of a payout but the balance: size, kind of bank, agreement, daily limits."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.stripe.clock import instant, micros
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.instant import takes_instant

Doc = dict[str, Any]

INSTANT_MIN: Final = 50
INSTANT_MAX: Final = 999_900
REFUSALS: Final = {
    "instant_payouts_config_disabled": "Instant payouts are not enabled for this account.",
    "instant_payouts_currency_disabled": "Instant payouts are not enabled for this currency.",
    "instant_payouts_limit_exceeded": "You have exceeded the daily limit of instant payouts.",
    "instant_payouts_unsupported": (
        "The external account provided does not support instant payouts."
    ),
}
LIMIT_ZONE: Final = ZoneInfo("America/Chicago")
"""The day of the platform's daily limit for instant payouts."""


def check_limit(ctx: Ctx, amount: int) -> None:
    """Standard payouts of an account since midnight UTC stay within the configured limit."""
    limit = ctx.config.payouts_limit_cents
    sent = ctx.store.scalar(
        "SELECT sum(body ->> '$.amount') FROM objects WHERE kind = 'payout' AND account = ?"
        " AND created >= ? AND body ->> '$.method' = 'standard'"
        " AND body ->> '$.status' NOT IN ('failed', 'canceled')",
        ctx.account,
        ctx.today,
    )
    if limit and (sent or 0) + amount > limit:
        raise invalid(
            "You have reached your daily processing limits for this payout type.",
            code="payouts_limit_exceeded",
            param="amount",
        )


def check_instant(ctx: Ctx, amount: int, bank: Doc) -> None:
    """Everything that can be in the way of an instant payout but the balance."""
    refusal = ctx.config.instant_refusal
    if not ctx.config.is_instant_enabled:
        refusal = "instant_payouts_config_disabled"
    elif not (takes_instant(ctx) and "instant" in bank["available_payout_methods"]):
        refusal = "instant_payouts_unsupported"
    if refusal:
        raise invalid(REFUSALS[refusal], code=refusal, param="method")
    if amount < INSTANT_MIN:
        raise invalid(
            "Instant payouts must be at least $0.50.", code="amount_too_small", param="amount"
        )
    if amount > INSTANT_MAX:
        raise invalid(
            "Instant payouts must be no more than $9,999.00.",
            code="amount_too_large",
            param="amount",
        )
    if _instant_today(ctx) + amount > ctx.config.instant_limit_cents:
        code = "instant_payouts_limit_exceeded"
        raise invalid(REFUSALS[code], code=code, param="amount")


def _instant_today(ctx: Ctx) -> int:
    """Instant payouts of all accounts since midnight in US Central time."""
    local = instant(ctx.now_us).astimezone(LIMIT_ZONE)
    midnight = datetime(local.year, local.month, local.day, tzinfo=LIMIT_ZONE)
    return (
        ctx.store.scalar(
            "SELECT sum(body ->> '$.amount') FROM objects WHERE kind = 'payout' AND created >= ?"
            " AND body ->> '$.method' = 'instant' AND body ->> '$.status' <> 'failed'",
            micros(midnight) // 1_000_000,
        )
        or 0
    )
