"""What an instructor has earned, what has been paid out, and getting it at once."""

from typing import Literal

import msgspec
from litestar import get
from litestar.response import Redirect, Template

from domain.money import CURRENCY
from domain.payouts import Payout, PayoutState
from server.guards import known
from server.pages.frame import Frame, show
from server.pages.teaching import id_of, instructor_of
from server.requests import Request
from storage.ledger import kept_by_account
from storage.payouts import (
    earnings_by_month,
    payout_totals,
    payouts_of_instructor,
)

MONTHS_MAX = 60
SHOWN_MAX = 20
Tone = Literal["", "accent", "success", "warning", "danger"]

STATES: dict[PayoutState, tuple[str, Tone]] = {
    "requested": ("Asked for", "accent"),
    "in_transit": ("On its way", "accent"),
    "paid": ("Arrived", "success"),
    "failed": ("Came back", "danger"),
    "canceled": ("Called off", ""),
    "refused": ("Refused", "warning"),
}


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """One payout in words."""

    payout: Payout
    text: str
    tone: Tone
    how: str


@get("/teach/earnings", include_in_schema=False, guards=[known])
async def earnings(request: Request) -> Template | Redirect:
    """The instructor's own money, by the ledger."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    reads, me = request.parts.reads, id_of(frame)
    account = f"WAL:{me}"
    found = await payouts_of_instructor(reads, instructor_id=me, before_id=None, most=SHOWN_MAX)
    return show(
        "teach_earnings",
        frame,
        {
            "months": await earnings_by_month(reads, account=account, most=MONTHS_MAX),
            "kept_cents": await kept_by_account(reads, account=account) or 0,
            "totals": await payout_totals(reads, instructor_id=me),
            "payouts": [_row(each) for each in found],
            "currency": CURRENCY,
        },
    )


def _row(payout: Payout) -> PayoutRow:
    text, tone = STATES[payout.state]
    how = "At once" if payout.is_instant else "Regular"
    return PayoutRow(payout=payout, text=text, tone=tone, how=how)
