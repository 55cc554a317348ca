"""The settings a connected account is created with."""

from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.schedules import INTERVALS

Doc = dict[str, Any]

SETTINGS: Final = {
    "payouts": {
        "debit_negative_balances": "bool",
        "schedule": {
            "delay_days": "str",
            "interval": "str",
            "monthly_anchor": "int",
            "monthly_payout_days": ["int"],
            "weekly_anchor": "str",
            "weekly_payout_days": ["str"],
        },
        "statement_descriptor": "str",
    }
}
"""The settings that change something here; every other one is refused rather than forgotten."""


def account_settings(ctx: Ctx, given: Doc) -> Doc:
    """Account settings; payouts follow the schedule asked for."""
    payouts = given.get("payouts") or {}
    interval = ctx.config.default_payout_interval
    schedule = {"delay_days": 2, "interval": interval, **(payouts.get("schedule") or {})}
    days = str(schedule["delay_days"])
    if days != "minimum" and not days.isdigit():
        raise invalid(
            f"Invalid delay_days: {days}", param="settings[payouts][schedule][delay_days]"
        )
    schedule["delay_days"] = 2 if days == "minimum" else int(days)
    if schedule["interval"] not in INTERVALS:
        raise invalid(
            f"Invalid interval: {schedule['interval']}",
            param="settings[payouts][schedule][interval]",
        )
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
            "debit_negative_balances": payouts.get("debit_negative_balances") is not False,
            "schedule": schedule,
            "statement_descriptor": payouts.get("statement_descriptor"),
        },
        "sepa_debit_payments": {},
    }
