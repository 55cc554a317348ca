"""Sessions and the secrets that prove them; times here are real time, never the marketplace's."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import UserId
from domain.people import EndReason, Role, SessionKind
from storage.query import Tx, query


class SessionToken(msgspec.Struct, frozen=True, kw_only=True):
    """A secret somebody showed, with its session. `replaced_at` set: it was used before."""

    session_id: UUID
    user_id: UserId
    kind: SessionKind
    expires_at: datetime
    replaced_at: datetime | None
    ended_at: datetime | None


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """Who sits behind a cookie."""

    session_id: UUID
    user_id: UserId
    roles: frozenset[Role]
    expires_at: datetime


class EndedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session whose access tokens are void."""

    session_id: UUID
    ended_at: datetime


@query
async def insert_session(
    tx: Tx,
    *,
    session_id: UUID,
    user_id: UserId,
    kind: SessionKind,
    user_agent: str,
    now: datetime,
    expires_at: datetime,
) -> None: ...


@query
async def insert_session_token(
    tx: Tx, *, token_hash: bytes, session_id: UUID, now: datetime, expires_at: datetime
) -> None: ...


@query
async def session_token_for_update(tx: Tx, *, token_hash: bytes) -> SessionToken | None: ...


@query
async def replace_session_token(tx: Tx, *, token_hash: bytes, now: datetime) -> None: ...


@query
async def end_session(tx: Tx, *, session_id: UUID, now: datetime, reason: EndReason) -> None: ...


@query
async def live_session_by_cookie(
    tx: Tx, *, token_hash: bytes, now: datetime
) -> LiveSession | None: ...


@query
async def sessions_ended_since(tx: Tx, *, since: datetime) -> list[EndedSession]: ...
