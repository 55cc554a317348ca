"""Who asks: Bearer tokens, cookie sessions, live tickets; and which sessions are over.

A Bearer header wins over a cookie. A checked token is remembered until it expires, because checking
it again on every request would cost as much as routing does. A session that ends is told to every
web process over the bus, and the lately ended ones are read again every few seconds in case a
message was lost.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import structlog
from litestar.datastructures import Cookie

from actors.accounts import TOKEN_LIFE, hash_of
from domain.errors import CsrfTokenMissing, DomainError, Forbidden, NotSignedIn, TokenRefused
from domain.ids import UserId
from domain.people import Role, Viewer
from gateways.clock import Clock
from gateways.settings import Settings
from server.tokens import ACCESS_LIFE, Grant, Tokens
from storage.database import Reads
from storage.sessions import LiveSession, live_session_by_cookie, sessions_ended_since

SESSION_ENDED = "sessions.ended"
REMEMBERED_MAX = 20_000
COOKIE_REMEMBERED_SECONDS = 15
RELOAD_SECONDS = 10
ENDED_MARGIN = timedelta(minutes=1)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER = "bearer "

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Headers(Protocol):
    """What is read of a request's headers."""

    def get(self, key: str, /) -> str | None:
        """One header by its name in any case."""
        ...


class Subscribe(Protocol):
    """The bus, as far as sessions need it."""

    async def __call__(
        self, subject: str, heard: Callable[[str, bytes], Awaitable[None]], /
    ) -> object:
        """Calls back with each message's subject and payload."""
        ...


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody recognised, before the request's id is known."""

    user_id: UserId
    session_id: UUID
    roles: frozenset[Role]
    until: float
    """Seconds since 1970: how long this may be believed without looking again."""


class Auth:
    """Recognises people and remembers who is signed out."""

    def __init__(self, *, settings: Settings, clock: Clock, reads: Reads, tokens: Tokens) -> None:
        """Starts empty; `watching` loads the sessions that ended lately."""
        self.tokens = tokens
        self._clock = clock
        self._reads = reads
        self._public_origin = _origin(settings.public_url)
        self._is_secure = settings.is_secure
        self._known: OrderedDict[str | bytes, Identity] = OrderedDict()
        self._ended: dict[UUID, float] = {}
        self.cookie_name = "__Host-session" if settings.is_secure else "session"

    async def identify(
        self, headers: Headers, cookies: dict[str, str], *, request_id: str, method: str
    ) -> Viewer | None:
        """The viewer of a request; `None` without any proof of identity.

        Raises `TokenRefused` for a proof that is not good any more and `CsrfTokenMissing` for a
        cookie that comes with a write but without its form token.
        """
        header = headers.get("authorization")
        if header is not None:
            identity = self._by_bearer(header)
        elif (secret := cookies.get(self.cookie_name)) is not None:
            identity = await self._by_cookie(secret)
            is_write = method not in SAFE_METHODS
            if is_write and not self.tokens.is_csrf(
                identity.session_id, headers.get("x-csrf-token")
            ):
                raise CsrfTokenMissing
        else:
            return None
        return _viewer(identity, request_id)

    async def authenticate_socket(
        self,
        headers: Headers,
        cookies: dict[str, str],
        *,
        ticket: str | None,
        request_id: str,
        redeem: Callable[[Grant], Awaitable[None]],
    ) -> Viewer | None:
        """The viewer of a socket: Bearer, `?ticket=` (once, see `redeem`), or cookie with Origin.

        `None` for an anonymous socket. Raises `TokenRefused`, or `Forbidden` for a foreign Origin.
        """
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin):
            raise Forbidden("this page belongs to another site")
        if ticket is not None:
            grant = self.tokens.check("live", ticket, self._clock.wall_now())
            self._refuse_ended(grant.session_id)
            await redeem(grant)
            return _viewer(_identity(grant), request_id)
        if (header := headers.get("authorization")) is not None:
            return _viewer(self._by_bearer(header), request_id)
        secret = cookies.get(self.cookie_name)
        if secret is None or origin is None:
            return None
        return _viewer(await self._by_cookie(secret), request_id)

    def cookie(self, secret: str) -> Cookie:
        """The cookie that carries a session's secret."""
        return Cookie(
            key=self.cookie_name,
            value=secret,
            path="/",
            httponly=True,
            secure=self._is_secure,
            samesite="lax",
            max_age=int(TOKEN_LIFE.total_seconds()),
        )

    def no_cookie(self) -> Cookie:
        """Takes the cookie away."""
        return Cookie(
            key=self.cookie_name,
            value="",
            path="/",
            httponly=True,
            secure=self._is_secure,
            samesite="lax",
            max_age=0,
        )

    def end(self, session_id: UUID) -> None:
        """Believes nothing of this session any more."""
        horizon = self._clock.wall_now() + ACCESS_LIFE + ENDED_MARGIN
        self._ended[session_id] = horizon.timestamp()

    def forget_roles(self, session_id: UUID) -> None:
        """Looks at the roles of a cookie session again, because they have just changed."""
        for key, identity in list(self._known.items()):
            if identity.session_id == session_id and isinstance(key, bytes):
                del self._known[key]

    @asynccontextmanager
    async def watching(self, subscribe: Subscribe) -> AsyncGenerator[None]:
        """Keeps the list of ended sessions while the block runs."""
        await subscribe(SESSION_ENDED, self._heard)
        await self.reload()
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def reload(self) -> None:
        """Reads the sessions that ended while their access tokens may still live."""
        now = self._clock.wall_now()
        for ended in await sessions_ended_since(
            self._reads, since=now - ACCESS_LIFE - ENDED_MARGIN
        ):
            self.end(ended.session_id)
        at = now.timestamp()
        for session_id in [each for each, until in self._ended.items() if until < at]:
            del self._ended[session_id]

    async def _heard(self, _: str, payload: bytes) -> None:
        with suppress(ValueError):
            self.end(UUID(payload.decode("ascii")))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.reload()
            except DomainError as error:
                log.warning("sessions.reload_failed", code=error.code)

    def _by_bearer(self, header: str) -> Identity:
        if header[: len(BEARER)].lower() != BEARER:
            raise TokenRefused("send Authorization: Bearer and a token")
        token = header[len(BEARER) :].strip()
        known = self._remembered(token)
        if known is None:
            grant = self.tokens.check("access", token, self._clock.wall_now())
            known = self._remember(token, _identity(grant))
        self._refuse_ended(known.session_id)
        return known

    async def _by_cookie(self, secret: str) -> Identity:
        token_hash = hash_of(secret)
        known = self._remembered(token_hash)
        if known is None:
            now = self._clock.wall_now()
            found = await live_session_by_cookie(self._reads, token_hash=token_hash, now=now)
            if found is None:
                raise TokenRefused("the session is over; sign in again")
            until = now.timestamp() + COOKIE_REMEMBERED_SECONDS
            known = self._remember(token_hash, _of_session(found, until))
        self._refuse_ended(known.session_id)
        return known

    def _remembered(self, key: str | bytes) -> Identity | None:
        known = self._known.get(key)
        if known is not None and known.until <= self._clock.wall_now().timestamp():
            del self._known[key]
            return None
        return known

    def _remember(self, key: str | bytes, identity: Identity) -> Identity:
        self._known[key] = identity
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return identity

    def _refuse_ended(self, session_id: UUID) -> None:
        if session_id in self._ended:
            raise TokenRefused("the session is over; sign in again")

    def _is_own(self, origin: str) -> bool:
        return _origin(origin) == self._public_origin


def required(viewer: Viewer | None) -> Viewer:
    """The viewer, or `NotSignedIn`."""
    if viewer is None:
        raise NotSignedIn
    return viewer


def _identity(grant: Grant) -> Identity:
    return Identity(
        user_id=grant.user_id,
        session_id=grant.session_id,
        roles=grant.roles,
        until=grant.expires_at,
    )


def _of_session(session: LiveSession, until: float) -> Identity:
    return Identity(
        user_id=session.user_id,
        session_id=session.session_id,
        roles=session.roles,
        until=min(until, session.expires_at.timestamp()),
    )


def _viewer(identity: Identity, request_id: str) -> Viewer:
    return Viewer(
        user_id=identity.user_id,
        roles=identity.roles,
        session_id=identity.session_id,
        request_id=request_id,
    )


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, the two names of the loopback being one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme, "127.0.0.1" if host == "localhost" else host, parts.port
