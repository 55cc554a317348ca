"""Credit lots: value a student owns until it expires."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import LotId
from domain.journals import CreditLot, LotSource
from storage.query import Tx, query


class OpenLot(msgspec.Struct, frozen=True, kw_only=True):
    """Credit as its owner sees it."""

    id: LotId
    remaining_cents: int
    expires_at: datetime
    source: LotSource


@query
async def insert_lot(
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
async def promise_expiry(
    tx: Tx, *, timing_id: UUID, lot_id: UUID, due_at: datetime, now: datetime
) -> None: ...
