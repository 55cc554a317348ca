"""Payouts of instructors, and what their own money did."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.payouts import Payout, PayoutState
from storage.query import Tx, query


class PayoutTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What an instructor has been paid out in all, in minor units."""

    paid_cents: int
    on_the_way_cents: int
    fees_cents: int
    failed: int


class MonthEarned(msgspec.Struct, frozen=True, kw_only=True):
    """One month of UTC, by the ledger; `paid_out_cents` has the fees in it."""

    month_at: datetime
    lessons: int
    earned_cents: int
    returned_cents: int
    paid_out_cents: int


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """A payout to look at again."""

    instructor_id: UUID
    stripe_account_id: str
    stripe_payout_id: str


@query
async def insert_payout(
    tx: Tx,
    *,
    payout_id: UUID,
    instructor_id: UUID,
    is_instant: bool,
    is_asked: bool,
    net_cents: int,
    currency: str,
    known: int,
    now: datetime,
) -> UUID | None: ...


@query
async def count_payouts(tx: Tx, *, instructor_id: UUID) -> int: ...


@query
async def payouts_to_revisit(
    tx: Tx, *, arrived_before: datetime, failed_since: datetime, most: int
) -> list[Unsettled]: ...


@query
async def record_payout(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    payout_id: UUID,
    instructor_id: UUID,
    state: PayoutState,
    rank: int,
    is_instant: bool,
    net_cents: int,
    fee_cents: int,
    fee_refunded_cents: int,
    currency: str,
    stripe_payout_id: str,
    arrival_at: datetime,
    failure_code: str | None,
    finished_at: datetime | None,
    now: datetime,
) -> bool: ...


@query
async def refuse_payout(tx: Tx, *, payout_id: UUID, failure_code: str, now: datetime) -> None: ...


@query
async def payout_of_instructor(
    tx: Tx, *, payout_id: UUID, instructor_id: UUID
) -> Payout | None: ...


@query
async def payouts_of_instructor(
    tx: Tx, *, instructor_id: UUID, before_id: UUID | None, most: int
) -> list[Payout]: ...


@query
async def payout_totals(tx: Tx, *, instructor_id: UUID) -> PayoutTotals: ...


@query
async def earnings_by_month(tx: Tx, *, account: str, most: int) -> list[MonthEarned]: ...
