"""Idempotency keys: the first answer, kept for whoever asks again; real time."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import BookingId, UserId
from storage.query import Tx, query


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; without a status its request is still under way."""

    request_hash: bytes
    response_status: int | None
    response_body: bytes | None


@query
async def claim_key(
    tx: Tx,
    *,
    user_id: UserId,
    method: str,
    path: str,
    key: str,
    request_hash: bytes,
    booking_id: UUID,
    now: datetime,
    expires_at: datetime,
    stale_before: datetime,
) -> BookingId | None: ...


@query
async def key_by_request(
    tx: Tx, *, user_id: UserId, method: str, path: str, key: str
) -> KeptAnswer | None: ...


@query
async def finish_key(
    tx: Tx,
    *,
    user_id: UserId,
    method: str,
    path: str,
    key: str,
    now: datetime,
    response_status: int,
    response_body: bytes,
) -> None: ...


@query
async def free_key(tx: Tx, *, user_id: UserId, method: str, path: str, key: str) -> None: ...


@query
async def abandon_key(tx: Tx, *, user_id: UserId, method: str, path: str, key: str) -> None: ...


@query
async def renew_keys(
    tx: Tx,
    *,
    user_ids: list[UserId],
    methods: list[str],
    paths: list[str],
    keys: list[str],
    now: datetime,
) -> None: ...


@query
async def forget_old_keys(tx: Tx, *, now: datetime) -> None: ...
