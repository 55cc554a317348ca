"""Payouts: what instructors earn, and getting it at once."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from domain.errors import PayoutUnavailable
from domain.money import CURRENCY
from domain.payouts import Payout
from server.bodies import Body
from server.guards import instructor, limited
from server.idempotency import Outcome
from server.limits import PAYOUT
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.payouts import (
    MonthEarned,
    PayoutTotals,
    earnings_by_month,
    payout_totals,
    payouts_of_instructor,
)

MONTHS_MAX = 60


class AskPayout(Body, frozen=True, kw_only=True):
    """How much leaves the balance, fee included, in cents; everything without it."""

    amount_cents: Annotated[int, msgspec.Meta(ge=50, le=100_000_000)] | None = None


class PayoutQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves the balance, what it costs and what arrives at one bank."""

    destination: str
    amount_cents: int
    fee_cents: int
    net_cents: int
    currency: str


class PayoutQuotes(msgspec.Struct, frozen=True, kw_only=True):
    """What can be had at once; `reason` says why nothing can."""

    quotes: list[PayoutQuote]
    reason: str | None


class PayoutMade(msgspec.Struct, frozen=True, kw_only=True):
    """An instant payout under way; the amount is net and fee together."""

    payout_id: UUID
    amount_cents: int
    fee_cents: int
    net_cents: int
    arrival_at: datetime


class PayoutPage(msgspec.Struct, frozen=True, kw_only=True):
    """Payouts, newest first, with what they come to in all."""

    items: list[Payout]
    totals: PayoutTotals
    next_cursor: str | None


class Earnings(msgspec.Struct, frozen=True, kw_only=True):
    """What the instructor's own money did, month by month in UTC, newest first."""

    currency: str
    items: list[MonthEarned]
    next_cursor: str | None = None


class After(msgspec.Struct, frozen=True):
    """Where a list of payouts goes on."""

    id: UUID


class Payouts(Controller):
    """An instructor's money."""

    path = "/api"
    tags = ("Payments",)
    guards = (instructor,)

    @get("/payments/instant-payout")
    async def quote_payout(self, request: Request) -> PayoutQuotes:
        """What the viewer can be paid at once, and its price, as Stripe tells it now."""
        offer = await request.parts.payouts.offer(request.viewer)
        quotes = [
            PayoutQuote(
                destination=each.destination,
                amount_cents=each.gross_cents,
                fee_cents=each.gross_cents - each.net_cents,
                net_cents=each.net_cents,
                currency=each.currency,
            )
            for each in offer.quotes
        ]
        return PayoutQuotes(quotes=quotes, reason=offer.reason)

    @post("/payments/instant-payout", status_code=200, guards=[limited(PAYOUT)])
    async def pay_out(
        self, request: Request, data: JSONBody[AskPayout | None] = None
    ) -> Response[PayoutMade]:
        """Pays the viewer out at once."""
        amount = data.amount_cents if data else None

        async def work(payout_id: UUID) -> Outcome:
            made = await request.parts.payouts.pay_out(
                amount, payout_id=payout_id, viewer=request.viewer
            )
            return Outcome(body=_made(made))

        return cast("Response[PayoutMade]", await request.parts.idempotency.once(request, work))

    @get("/instructor/analytics/payouts")
    async def list_payouts(
        self, request: Request, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> PayoutPage:
        """The viewer's payouts."""
        after = key_in(cursor, After)
        reads, viewer_id = request.parts.reads, request.viewer.user_id
        found = await payouts_of_instructor(
            reads,
            instructor_id=viewer_id,
            before_id=after.id if after else None,
            most=limit + 1,
        )
        totals = await payout_totals(reads, instructor_id=viewer_id)
        items, last = page_of(found, limit)
        next_cursor = cursor_of(After(last.id)) if last else None
        return PayoutPage(items=items, totals=totals, next_cursor=next_cursor)

    @get("/instructor/analytics/earnings")
    async def list_earnings(self, request: Request) -> Earnings:
        """The viewer's earnings by month, as the ledger has them."""
        account = f"WAL:{request.viewer.user_id}"
        months = await earnings_by_month(request.parts.reads, account=account, most=MONTHS_MAX)
        return Earnings(currency=CURRENCY, items=months)


def _made(payout: Payout) -> PayoutMade:
    if payout.arrival_at is None:
        raise PayoutUnavailable
    return PayoutMade(
        payout_id=payout.id,
        amount_cents=payout.net_cents + payout.fee_cents,
        fee_cents=payout.fee_cents,
        net_cents=payout.net_cents,
        arrival_at=payout.arrival_at,
    )
