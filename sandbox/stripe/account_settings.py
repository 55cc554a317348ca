"""The settings a connected account is created with."""

from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.schedules import INTERVALS

Doc = dict[str, Any]

FALSE: Final = (False, "false")


def account_settings(ctx: Ctx, given: Doc) -> Doc:
    """Account settings; payouts follow the schedule asked for."""
    payouts = given.get("payouts") or {}
    interval = ctx.config.default_payout_interval
    schedule = {"delay_days": 2, "interval": interval, **(payouts.get("schedule") or {})}
    schedule["delay_days"] = (
        2 if schedule["delay_days"] == "minimum" else int(schedule["delay_days"])
    )
    if schedule["interval"] not in INTERVALS:
        raise invalid(
            f"Invalid interval: {schedule['interval']}",
            param="settings[payouts][schedule][interval]",
        )
    if "monthly_anchor" in schedule:
        schedule["monthly_anchor"] = int(schedule["monthly_anchor"])
    if isinstance(schedule.get("monthly_payout_days"), dict):
        days = schedule["monthly_payout_days"].values()
        schedule["monthly_payout_days"] = [int(day) for day in days]
    if isinstance(schedule.get("weekly_payout_days"), dict):
        schedule["weekly_payout_days"] = list(schedule["weekly_payout_days"].values())
    descriptor = {
        "statement_descriptor": None,
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    }
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": descriptor,
        "payouts": {
            "debit_negative_balances": payouts.get("debit_negative_balances") not in FALSE,
            "schedule": schedule,
            "statement_descriptor": payouts.get("statement_descriptor"),
        },
        "sepa_debit_payments": {},
    }
