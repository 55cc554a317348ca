"""Credit lots: value a student owns until it expires."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.credits import CreditUse, SpendableLot, UseState
from domain.ids import BookingId, LotId, UserId
from domain.journals import CreditLot, LotSource
from domain.timings import TimingKind
from storage.query import Tx, query


class OpenLot(msgspec.Struct, frozen=True, kw_only=True):
    """Credit as its owner sees it."""

    id: LotId
    remaining_cents: int
    expires_at: datetime
    source: LotSource


class Lot(CreditLot, frozen=True, kw_only=True):
    """Credit as admins see it: given by whom and why, or given back from which other lot."""

    expired_at: datetime | None
    reason: str | None
    granted_by: UserId | None
    restored_from: LotId | None
    frozen_at: datetime | None
    """Since when a bank questions its payment: it cannot be spent."""
    voided_at: datetime | None
    """Since when its payment is gone for good, and with it what was unspent."""


@query
async def insert_lot(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    lot_id: UUID,
    user_id: UUID,
    source: LotSource,
    booking_id: UUID | None,
    granted_cents: int,
    remaining_cents: int,
    currency: str,
    created_at: datetime,
    expires_at: datetime,
    reason: str | None = None,
    granted_by: UUID | None = None,
) -> LotId | None: ...


@query
async def lot_for_update(tx: Tx, *, lot_id: UUID) -> CreditLot | None: ...


@query
async def empty_expired_lot(tx: Tx, *, lot_id: UUID, now: datetime) -> None: ...


@query
async def lots_of_user(tx: Tx, *, user_id: UUID, now: datetime) -> list[OpenLot]: ...


@query
async def lots_to_expire(tx: Tx, *, now: datetime, most: int) -> list[LotId]: ...


@query
async def promise_for_lot(
    tx: Tx, *, timing_id: UUID, kind: TimingKind, lot_id: UUID, due_at: datetime, now: datetime
) -> None: ...


@query
async def lots_to_spend(tx: Tx, *, user_ids: list[UserId], now: datetime) -> list[SpendableLot]: ...


@query
async def reserve_credit(
    tx: Tx,
    *,
    booking_ids: list[BookingId],
    lot_ids: list[LotId],
    amounts_cents: list[int],
    now: datetime,
) -> None: ...


@query
async def uses_to_end(tx: Tx, *, booking_id: UUID, state: UseState) -> list[CreditUse]: ...


@query
async def end_uses(
    tx: Tx, *, booking_id: UUID, was: UseState, became: UseState, now: datetime
) -> None: ...


@query
async def refill_lot(tx: Tx, *, lot_id: UUID, cents: int) -> None: ...


@query
async def continue_lot(
    tx: Tx, *, new_id: UUID, lot_id: UUID, cents: int, expires_at: datetime, now: datetime
) -> None: ...


@query
async def lots_of_cancellation(tx: Tx, *, booking_id: UUID) -> list[CreditLot]: ...


@query
async def freeze_lots(tx: Tx, *, lot_ids: list[LotId], now: datetime) -> None: ...


@query
async def release_lots(tx: Tx, *, lot_ids: list[LotId]) -> None: ...


@query
async def take_from_lot(tx: Tx, *, lot_id: UUID, cents: int) -> None: ...


@query
async def revoke_lots(tx: Tx, *, lot_ids: list[LotId], now: datetime) -> None: ...


@query
async def lot_by_id(tx: Tx, *, lot_id: UUID) -> Lot | None: ...


@query
async def newest_lots(
    tx: Tx, *, user_id: UUID | None, before_id: UUID, limit: int
) -> list[Lot]: ...
