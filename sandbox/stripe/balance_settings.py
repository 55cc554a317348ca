"""Balance settings, and the payouts that follow their schedule."""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY, PLATFORM, available_cents
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.events import changed_from, emit
from sandbox.stripe.payouts import destination, send
from sandbox.stripe.routing import Route, get, post
from sandbox.stripe.schedules import (
    INTERVALS,
    WEEKDAYS,
    plan_sweep,
    save_settings,
    settings_of,
)

Doc = dict[str, Any]

DELAY_DAYS_MAX: Final = 31
MONTH_DAYS_MAX: Final = 31


def view(ctx: Ctx) -> Doc:
    """The balance settings object of the account that asks.

    Without `automatic_transfer_rules_by_currency`: the SDK 16.1 cannot read a null there.
    """
    settings = settings_of(ctx, ctx.account)
    given = settings["schedule"]
    schedule: Doc = {"interval": given["interval"]}
    if given["interval"] == "weekly":
        schedule["weekly_payout_days"] = given.get("weekly_payout_days") or [
            given.get("weekly_anchor") or WEEKDAYS[0]
        ]
    if given["interval"] == "monthly":
        schedule["monthly_payout_days"] = given.get("monthly_payout_days") or [
            given.get("monthly_anchor") or 1
        ]
    minimum, override = settings["minimum"], settings["delay_days_override"]
    account = ctx.store.find("account", ctx.account, "") if ctx.account else None
    timing: Doc = {
        "delay_days": override or ctx.config.settlement_business_days,
        "start_of_day": settings["start_of_day"],
    }
    if override is not None:
        timing["delay_days_override"] = override
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": settings["debit_negative_balances"],
            "payouts": {
                "minimum_balance_by_currency": None if minimum is None else {CURRENCY: minimum},
                "schedule": schedule,
                "statement_descriptor": settings["statement_descriptor"],
                "status": "disabled" if account and not account["payouts_enabled"] else "enabled",
            },
            "settlement_timing": timing,
        },
    }


def retrieve(ctx: Ctx, p: Doc) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/balance_settings."""
    return view(ctx)


def update(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/balance_settings: only what is given changes."""
    settings, before = settings_of(ctx, ctx.account), view(ctx)
    payments = p.get("payments") or {}
    payouts = payments.get("payouts") or {}
    if payments.get("debit_negative_balances") is not None:
        settings["debit_negative_balances"] = payments["debit_negative_balances"]
    if "statement_descriptor" in payouts:
        settings["statement_descriptor"] = payouts["statement_descriptor"]
    if "minimum_balance_by_currency" in payouts:
        settings["minimum"] = _minimum(payouts["minimum_balance_by_currency"])
    if payouts.get("schedule"):
        settings["schedule"] = _schedule(settings["schedule"], payouts["schedule"])
    timing = payments.get("settlement_timing") or {}
    if "delay_days_override" in timing:
        settings["delay_days_override"] = _delay_days(timing["delay_days_override"])
    if "start_of_day" in timing:
        settings["start_of_day"] = timing["start_of_day"]
    save_settings(ctx, ctx.account, settings)
    after = view(ctx)
    emit(ctx, "balance_settings.updated", after, changed_from(before, after))
    return after


def _minimum(given: Doc | None) -> int | None:
    """Cents that automatic payouts leave; '' takes the minimum away."""
    param = "payments[payouts][minimum_balance_by_currency]"
    if not given:
        return None
    if unknown := set(given) - {CURRENCY}:
        raise invalid(f"Invalid currency: {unknown.pop()}", param=param)
    cents = given[CURRENCY]
    if cents == "":
        return None
    if not cents.isdigit():
        raise invalid(f"Invalid integer: {cents}", code="parameter_invalid_integer", param=param)
    return int(cents)


def _delay_days(days: int | None) -> int | None:
    if days is not None and not 0 <= days <= DELAY_DAYS_MAX:
        raise invalid(
            f"Invalid delay_days_override: must be at most {DELAY_DAYS_MAX}.",
            param="payments[settlement_timing][delay_days_override]",
        )
    return days


def _schedule(current: Doc, given: Doc) -> Doc:
    """A schedule that can be kept."""
    path = "payments[payouts][schedule]"
    interval = given.get("interval") or current["interval"]
    if interval not in INTERVALS:
        raise invalid(f"Invalid interval: {interval}", param=f"{path}[interval]")
    weekdays, days = given.get("weekly_payout_days"), given.get("monthly_payout_days")
    if any(day not in WEEKDAYS for day in weekdays or []):
        raise invalid("Invalid weekly_payout_days.", param=f"{path}[weekly_payout_days]")
    if any(not 1 <= day <= MONTH_DAYS_MAX for day in days or []):
        raise invalid("Invalid monthly_payout_days.", param=f"{path}[monthly_payout_days]")
    schedule = {"interval": interval}
    if "delay_days" in current:
        schedule["delay_days"] = current["delay_days"]
    if interval == "weekly":
        schedule["weekly_payout_days"] = weekdays or [WEEKDAYS[0]]
    if interval == "monthly":
        schedule["monthly_payout_days"] = days or [1]
    return schedule


def sweep_balance(ctx: Ctx, subject: str) -> None:
    """Due work: pay out what is available above the minimum, by the schedule.

    While payouts are impossible (restricted, failed bank) it tries again on the next payout day.
    """
    here = ctx.on("" if subject == PLATFORM else subject)
    minimum = settings_of(here, here.account)["minimum"] or 0
    amount = available_cents(here, here.account) - minimum
    if amount <= 0:
        return
    try:
        bank = destination(here, None)
    except StripeError:
        plan_sweep(here, here.account)
        return
    payout = send(here, amount, bank, {}, is_automatic=True)
    ctx.store.execute(
        "UPDATE objects SET body = json_set(body, '$._.payout', ?) WHERE account = ?"
        " AND kind = 'balance_transaction' AND body ->> '$._.payout' IS NULL"
        " AND (parent = ? OR id IN"
        " (SELECT transaction_id FROM funds WHERE account = ? AND is_settled = 1))",
        payout["id"],
        here.account,
        payout["id"],
        here.account,
    )


ROUTES: list[Route] = [
    get("/v1/balance_settings", retrieve),
    post(
        "/v1/balance_settings",
        update,
        {
            "payments": {
                "debit_negative_balances": "bool",
                "payouts": {
                    "minimum_balance_by_currency": "any",
                    "schedule": {
                        "interval": "str",
                        "monthly_payout_days": ["int"],
                        "weekly_payout_days": ["str"],
                    },
                    "statement_descriptor": "str",
                },
                "settlement_timing": {
                    "delay_days_override": "int",
                    "start_of_day": {"hour": "int", "minutes": "int", "timezone": "str"},
                },
            },
        },
    ),
]
