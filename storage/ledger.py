"""The ledger: journals that are only ever added to, and what accounts hold."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import EntryId
from storage.query import Tx, query


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One posting, debit positive."""

    account: str
    amount_cents: int
    currency: str
    balance_transaction_id: str | None


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One journal; its lines sum to zero."""

    id: EntryId
    at: datetime
    kind: str
    booking_id: UUID | None
    source: str
    lines: list[LedgerLine]


class AccountBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds, debit positive."""

    account: str
    balance_cents: int


@query
async def post_journals(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    ids: Sequence[UUID],
    kinds: Sequence[str],
    dedupe_keys: Sequence[str],
    booking_ids: Sequence[UUID | None],
    instants: Sequence[datetime],
    sources: Sequence[str],
    user_ids: Sequence[UUID],
    entry_ids: Sequence[UUID],
    lines: Sequence[int],
    accounts: Sequence[str],
    amounts_cents: Sequence[int],
    balance_transaction_ids: Sequence[str | None],
    currency: str,
) -> None: ...


@query
async def keys_posted(tx: Tx, *, booking_id: UUID, dedupe_keys: Sequence[str]) -> list[str]: ...


@query
async def entries_of_booking(
    tx: Tx,
    *,
    booking_id: UUID,
    user_id: UUID | None,
    from_at: datetime | None,
    to_at: datetime | None,
    before_at: datetime | None,
    before_id: UUID | None,
    most: int,
) -> list[LedgerEntry]: ...


@query
async def entries_of_user(
    tx: Tx,
    *,
    user_id: UUID,
    from_at: datetime | None,
    to_at: datetime | None,
    before_at: datetime | None,
    before_id: UUID | None,
    most: int,
) -> list[LedgerEntry]: ...


@query
async def entries_of_time(
    tx: Tx,
    *,
    from_at: datetime | None,
    to_at: datetime | None,
    before_at: datetime | None,
    before_id: UUID | None,
    most: int,
) -> list[LedgerEntry]: ...


@query
async def kept_by_account(tx: Tx, *, account: str) -> int | None: ...


async def ledger_entries(
    tx: Tx,
    *,
    booking_id: UUID | None = None,
    user_id: UUID | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    before_at: datetime | None = None,
    before_id: UUID | None = None,
    most: int = 50,
) -> list[LedgerEntry]:
    """The journal, newest first, of a booking, a person or a stretch of time; each by its index."""
    if booking_id is not None:
        return await entries_of_booking(
            tx,
            booking_id=booking_id,
            user_id=user_id,
            from_at=from_at,
            to_at=to_at,
            before_at=before_at,
            before_id=before_id,
            most=most,
        )
    if user_id is not None:
        return await entries_of_user(
            tx,
            user_id=user_id,
            from_at=from_at,
            to_at=to_at,
            before_at=before_at,
            before_id=before_id,
            most=most,
        )
    return await entries_of_time(
        tx,
        from_at=from_at,
        to_at=to_at,
        before_at=before_at,
        before_id=before_id,
        most=most,
    )


@query
async def ledger_totals(tx: Tx) -> list[AccountBalance]: ...
