"""Rate limits that must hold over every web process (GCRA); real time."""

from datetime import datetime, timedelta

from storage.query import Tx, query


@query
async def spend_limit(
    tx: Tx, *, key: str, now: datetime, interval: timedelta, tolerance: timedelta
) -> datetime | None: ...


@query
async def limit_arrives_at(tx: Tx, *, key: str) -> datetime | None: ...


@query
async def forget_limit(tx: Tx, *, key: str) -> None: ...


@query
async def forget_old_limits(tx: Tx, *, now: datetime) -> None: ...
