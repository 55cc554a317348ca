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


class ClaimedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was free, and the booking its request is to make: the first claim's."""

    user_id: UserId
    method: str
    path: str
    key: str
    booking_id: BookingId


@query
async def claim_keys(
    tx: Tx,
    *,
    user_ids: list[UserId],
    methods: list[str],
    paths: list[str],
    keys: list[str],
    request_hashes: list[bytes],
    booking_ids: list[UUID],
    now: datetime,
    expires_at: datetime,
    stale_before: datetime,
) -> list[ClaimedKey]: ...


@query
async def key_by_request(
    tx: Tx, *, user_id: UserId, method: str, path: str, key: str
) -> KeptAnswer | None: ...


@query
async def finish_keys(
    tx: Tx,
    *,
    user_ids: list[UserId],
    methods: list[str],
    paths: list[str],
    keys: list[str],
    response_statuses: list[int],
    response_bodies: list[bytes],
    now: datetime,
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
