"""What somebody should look at about students: kept once for a booking, and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import BookingId
from storage.query import Tx, query

FlagKind = Literal["late_without_authorization"]
"""A cancellation 12 to 24 hours ahead, free because no card was ever authorised."""


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about one student, with what they have collected so far."""

    id: UUID
    user_id: UUID
    display_name: str
    kind: FlagKind
    booking_id: BookingId
    at: datetime
    flags_of_user: int


@query
async def insert_flags(
    tx: Tx,
    *,
    ids: Sequence[UUID],
    user_ids: Sequence[UUID],
    kinds: Sequence[FlagKind],
    booking_ids: Sequence[UUID],
    now: datetime,
) -> None: ...


@query
async def newest_flags(
    tx: Tx,
    *,
    kind: FlagKind | None,
    user_id: UUID | None,
    before_at: datetime | None,
    before_id: UUID | None,
    most: int,
) -> list[Flag]: ...
