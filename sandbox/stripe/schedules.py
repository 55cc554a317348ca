"""When balances are paid out by themselves: schedules, minimum balances, the next payout's instant.

A connected account keeps its settings in its own object, the platform in an object of its own.
The platform pays out by hand until it is told otherwise; so do connected accounts that were
created without a schedule, unless `default_payout_interval` says `daily`, as at Stripe.
"""

from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.stripe.clock import instant, micros
from sandbox.stripe.context import Ctx

Doc = dict[str, Any]

PLATFORM: Final = "platform"
PLATFORM_SETTINGS: Final = "emulator_platform"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
INTERVALS: Final = ("daily", "weekly", "monthly", "manual")
SEARCH_DAYS: Final = 62


def settings_of(ctx: Ctx, account: str) -> Doc:
    """`{schedule, minimum, debit_negative_balances, statement_descriptor, delay_days_override}`.

    `minimum` is cents that stay in the balance when it is paid out automatically.
    """
    kept = _keeper(ctx, account)
    extra = (kept or {}).get("_", {}).get("payouts") or {}
    own: Doc = {"minimum": None, "delay_days_override": None, "start_of_day": None, **extra}
    if account and kept:
        return {**kept["settings"]["payouts"], **own}
    platform: Doc = {
        "schedule": {"interval": "manual"},
        "debit_negative_balances": True,
        "statement_descriptor": None,
    }
    return {**platform, **own}


def _keeper(ctx: Ctx, account: str) -> Doc | None:
    """The object that keeps an account's payout settings."""
    if account:
        return ctx.store.find("account", account, "")
    return ctx.store.find(PLATFORM_SETTINGS, PLATFORM, "")


def save_settings(ctx: Ctx, account: str, settings: Doc) -> None:
    """Keep changed settings, and plan the payout that follows from them."""
    kept = _keeper(ctx, account)
    if kept is None:
        new: Doc = {"id": PLATFORM, "object": PLATFORM_SETTINGS, "created": ctx.now, "_": {}}
        kept = new
        ctx.on("").insert(kept)
    if account:
        shown = ("schedule", "debit_negative_balances", "statement_descriptor")
        kept["settings"]["payouts"] = {name: settings[name] for name in shown}
        hidden = {name: settings[name] for name in settings if name not in shown}
    else:
        hidden = settings
    kept["_"]["payouts"] = hidden
    ctx.save(kept)
    replan_sweep(ctx, account)


def plan_sweep(ctx: Ctx, account: str) -> None:
    """Put the next automatic payout on the clock, unless it stands there or none is wanted."""
    subject = account or PLATFORM
    planned = "SELECT 1 FROM due WHERE kind = 'sweep_balance' AND subject = ?"
    if ctx.store.scalar(planned, subject):
        return
    at = next_sweep(settings_of(ctx, account)["schedule"], ctx.now_us)
    if at is not None:
        ctx.store.plan("sweep_balance", subject, at)


def next_sweep(schedule: Doc, now_us: int) -> int | None:
    """The first midnight UTC of a payout day after now, in microseconds; None for manual."""
    if schedule.get("interval") not in INTERVALS[:3]:
        return None
    day = instant(now_us).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(SEARCH_DAYS):
        day += timedelta(days=1)
        if _is_payout_day(schedule, day):
            return micros(day)
    return None


def _is_payout_day(schedule: Doc, day: datetime) -> bool:
    """Banks rest on Saturdays and Sundays; days a month does not have fall on its last one."""
    if schedule["interval"] == "monthly":
        last = monthrange(day.year, day.month)[1]
        wanted = schedule.get("monthly_payout_days") or [schedule.get("monthly_anchor") or 1]
        return day.day in {min(each, last) for each in wanted}
    if day.weekday() >= len(WEEKDAYS):
        return False
    if schedule["interval"] == "daily":
        return True
    anchors = schedule.get("weekly_payout_days") or [schedule.get("weekly_anchor") or WEEKDAYS[0]]
    return WEEKDAYS[day.weekday()] in anchors


def replan_sweep(ctx: Ctx, account: str) -> None:
    """Plan the next automatic payout anew: the schedule or the account changed."""
    ctx.store.unplan("sweep_balance", account or PLATFORM)
    plan_sweep(ctx, account)
