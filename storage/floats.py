"""What the platform's own balance at Stripe keeps when it is paid out, day by day."""

from datetime import date, datetime

import msgspec

from storage.query import Tx, query


class Float(msgspec.Struct, frozen=True, kw_only=True):
    """The float of one day (UTC), in minor units."""

    on_date: date
    minimum_cents: int
    is_set: bool


@query
async def float_of_day(tx: Tx, *, on_date: date) -> Float | None: ...


@query
async def plan_float(tx: Tx, *, on_date: date, now: datetime) -> None: ...


@query
async def note_float(tx: Tx, *, on_date: date, now: datetime) -> None: ...
