"""Stripe's balance transactions beside the ledger, and what differs between the two."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.reconciliation import AccountSum, BalanceTransaction, Check, OpenIncident, Since
from storage.query import Tx, query

IncidentState = Literal["open", "closed"]


class ConnectedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An instructor's account at Stripe."""

    instructor_id: UUID
    stripe_account_id: str


class AccountToAsk(msgspec.Struct, frozen=True, kw_only=True):
    """An instructor's account at Stripe, and what is known of it without asking."""

    instructor_id: UUID
    stripe_account_id: str
    has_moved: bool
    """Since it was asked last, or something about it is open."""
    looked_at: datetime | None
    accounts: int
    """How many there are in all."""


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """What lines come to on one account."""

    account: str
    cents: int


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a check. `at`: since when the two sides can differ; `None` at any age."""

    subject: str
    account: str
    difference_cents: int
    at: datetime | None


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """When a run began, in the marketplace's time and in real time."""

    started_at: datetime
    started_wall_at: datetime


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of our books with Stripe's."""

    id: UUID
    cause: str
    started_at: datetime
    started_wall_at: datetime
    finished_at: datetime | None
    accounts: int
    unseen_accounts: list[str]
    """Whose books Stripe did not show this time: incidents of theirs stay as they were."""
    unseen_checks: list[str]
    ingested: int
    posted: int
    differences: int
    available_cents: int | None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between our books and Stripe's; closed when it is gone, and kept."""

    id: UUID
    check: Check
    subject: str
    """What differs: a balance transaction, an account, a booking or a person."""
    account: str
    difference_cents: int
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    state: IncidentState


@query
async def accounts_to_look_at(tx: Tx, *, since_id: UUID, most: int) -> list[AccountToAsk]: ...


@query
async def look_at(tx: Tx, *, account: str, now: datetime) -> None: ...


@query
async def proof(tx: Tx) -> Since | None: ...


@query
async def sums_to_prove(tx: Tx, *, since_id: UUID, until_id: UUID) -> list[Proved]: ...


@query
async def prove(
    tx: Tx,
    *,
    since_id: UUID,
    until_id: UUID,
    until_at: datetime,
    is_full: bool,
    accounts: Sequence[str],
    cents: Sequence[int],
) -> None: ...


@query
async def watermark_of(tx: Tx, *, account: str) -> datetime | None: ...


@query
async def move_watermark(tx: Tx, *, account: str, seen_until: datetime) -> None: ...


@query
async def keep_transactions(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    account: str,
    ids: Sequence[str],
    kinds: Sequence[str],
    amounts_cents: Sequence[int],
    fees_cents: Sequence[int],
    application_fees_cents: Sequence[int],
    nets_cents: Sequence[int],
    legs_cents: Sequence[int],
    are_reserves: Sequence[bool],
    currencies: Sequence[str],
    sources: Sequence[str | None],
    descriptions: Sequence[str | None],
    instants: Sequence[datetime],
    now: datetime,
) -> list[str]: ...


@query
async def transaction_by_id(
    tx: Tx, *, account: str, transaction_id: str
) -> BalanceTransaction | None: ...


@query
async def transactions_posted(tx: Tx, *, account: str, ids: Sequence[str]) -> list[str]: ...


@query
async def begin_run(
    tx: Tx, *, run_id: UUID, cause: str, now: datetime, wall_now: datetime
) -> None: ...


@query
async def finish_run(
    tx: Tx,
    *,
    run_id: UUID,
    now: datetime,
    accounts: int,
    unseen_accounts: Sequence[str],
    unseen_checks: Sequence[str],
    ingested: int,
    posted: int,
    differences: int,
    available_cents: int | None,
) -> None: ...


@query
async def run_by_id(tx: Tx, *, run_id: UUID) -> Run: ...


@query
async def latest_run(tx: Tx) -> Run | None: ...


@query
async def last_begin(tx: Tx, *, cause: str | None) -> Begin | None: ...


@query
async def legs_missing(tx: Tx, *, since_at: datetime, most: int) -> list[Mismatch]: ...


@query
async def legs_unknown(tx: Tx, *, since_id: UUID, most: int) -> list[Mismatch]: ...


@query
async def legs_differing(
    tx: Tx, *, since_id: UUID, since_at: datetime, most: int
) -> list[Mismatch]: ...


@query
async def account_sums(tx: Tx, *, since_id: UUID, young_since: datetime) -> list[AccountSum]: ...


@query
async def ingested_cents(tx: Tx) -> int: ...


@query
async def own_money_differing(tx: Tx, *, most: int) -> list[Mismatch]: ...


@query
async def transits_open(tx: Tx, *, since_id: UUID, most: int) -> list[Mismatch]: ...


@query
async def credits_differing(tx: Tx, *, most: int) -> list[Mismatch]: ...


@query
async def revenues_differing(
    tx: Tx, *, since_id: UUID, since_at: datetime, most: int
) -> list[Mismatch]: ...


@query
async def top_ups_differing(tx: Tx, *, since_id: UUID, most: int) -> list[Mismatch]: ...


@query
async def disputes_differing(tx: Tx, *, most: int) -> list[Mismatch]: ...


@query
async def expired_differing(
    tx: Tx, *, since_id: UUID, since_at: datetime, most: int
) -> list[Mismatch]: ...


@query
async def ledger_unbalanced(tx: Tx, *, since_id: UUID, most: int) -> list[Mismatch]: ...


@query
async def open_work(tx: Tx) -> int: ...


@query
async def judge_alone(tx: Tx) -> bool: ...


@query
async def open_incidents(tx: Tx) -> list[OpenIncident]: ...


@query
async def open_incident(
    tx: Tx,
    *,
    incident_id: UUID,
    check: Check,
    subject: str,
    account: str,
    difference_cents: int,
    now: datetime,
) -> None: ...


@query
async def see_incident(
    tx: Tx, *, incident_id: UUID, difference_cents: int, now: datetime
) -> None: ...


@query
async def close_incidents(tx: Tx, *, incident_ids: Sequence[UUID], now: datetime) -> None: ...


@query
async def incidents(
    tx: Tx,
    *,
    state: IncidentState | None = None,
    check: Check | None = None,
    account: str | None = None,
    subject: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    before_at: datetime | None = None,
    before_id: UUID | None = None,
    most: int = 50,
) -> list[Incident]: ...


@query
async def payouts_are_stopped(tx: Tx) -> bool: ...
