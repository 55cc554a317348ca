"""Credit spent on lessons: which lots pay, oldest expiry first, and what becomes of it after."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import LotId, UserId

UseState = Literal["reserved", "consumed", "restored"]


class SpendableLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that can pay now; the transaction has its lock."""

    id: LotId
    user_id: UserId
    remaining_cents: int
    expires_at: datetime


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one lot pays of one booking."""

    lot_id: LotId
    cents: int


class CreditUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a lot pays of a booking, with what giving it back needs to know of the lot."""

    lot_id: LotId
    cents: int
    expires_at: datetime
    is_voided: bool = False
    """Whether its payment is gone: what is given back to it is void as well."""


class Purses:
    """The credit of several students while one batch of bookings is decided, one after another."""

    def __init__(self, lots: Iterable[SpendableLot]) -> None:
        """Of each student, the lot that ends first pays first; then the older."""
        self._lots: dict[UUID, list[tuple[LotId, int]]] = {}
        for lot in sorted(lots, key=lambda each: (each.expires_at, each.id)):
            self._lots.setdefault(lot.user_id, []).append((lot.id, lot.remaining_cents))

    def cents_of(self, student_id: UUID) -> int:
        """What a student could still spend."""
        return sum(cents for _, cents in self._lots.get(student_id, ()))

    def take(self, student_id: UUID, cents: int) -> tuple[Part, ...]:
        """Takes credit that is there, splitting the last lot it needs."""
        parts: list[Part] = []
        kept: list[tuple[LotId, int]] = []
        for lot_id, there in self._lots.get(student_id, ()):
            used = min(there, cents)
            cents -= used
            if used:
                parts.append(Part(lot_id=lot_id, cents=used))
            if there > used:
                kept.append((lot_id, there - used))
        self._lots[student_id] = kept
        return tuple(parts)


def end_of_restored(expires_at: datetime, *, now: datetime, life: timedelta) -> datetime | None:
    """When credit given back ends: with its lot (None), or later where that is too soon.

    It keeps its lot's end, and is good for `life` from now in any case.
    """
    floor = now + life
    return None if expires_at >= floor else floor


def told_next_at(
    expires_at: datetime, *, now: datetime, before: Iterable[timedelta]
) -> datetime | None:
    """When the owner of a lot hears of its end next; `None` when all has been said."""
    ahead = [expires_at - each for each in before if expires_at - each > now]
    return min(ahead, default=None)
