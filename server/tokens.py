"""Signed tokens: access tokens, live tickets, CSRF tokens. Real time, one pinned algorithm.

Each kind has a key of its own, derived from TOKEN_SECRET, so that one can never pass for another.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import jwt
import msgspec

from domain.cancellation import Tier
from domain.errors import Invalid, TokenRefused
from domain.ids import UserId, new_id
from domain.people import Role

ALGORITHM = "HS256"
ISSUER = "instainstru"
ACCESS_LIFE = timedelta(minutes=10)
TICKET_LIFE = timedelta(seconds=30)
LEEWAY = timedelta(seconds=2)
TOKEN_LENGTH_MAX = 2048
CLAIMS = ["iss", "aud", "sub", "sid", "jti", "typ", "iat", "nbf", "exp", "roles"]

TokenKind = Literal["access", "live"]


class QuoteClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was told about cancelling a booking, and until when it holds."""

    booking_id: UUID
    viewer_id: UUID
    tier: Tier
    start_at: datetime
    valid_until: datetime


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid token says: who, in which session, with which roles, until when."""

    user_id: UserId
    session_id: UUID
    roles: frozenset[Role]
    token_id: UUID
    expires_at: float
    """Seconds since 1970, as in the token."""


class Tokens:
    """Signs and checks; knows nothing of sessions that ended (`server/auth.py` does)."""

    def __init__(self, secret: str) -> None:
        """`secret` is TOKEN_SECRET; one that changes ends every token."""
        self._keys: dict[str, bytes] = {
            purpose: hmac.digest(secret.encode(), f"instainstru/{purpose}".encode(), "sha256")
            for purpose in ("access", "live", "csrf", "quote")
        }

    def access(self, user_id: UUID, session_id: UUID, roles: list[Role], now: datetime) -> str:
        """An access token for one session."""
        return self._sign("access", user_id, session_id, roles, now, ACCESS_LIFE)

    def ticket(self, user_id: UUID, session_id: UUID, roles: list[Role], now: datetime) -> str:
        """A ticket that opens one live socket."""
        return self._sign("live", user_id, session_id, roles, now, TICKET_LIFE)

    def check(self, kind: TokenKind, token: str, now: datetime) -> Grant:
        """What a token of this kind says; `TokenRefused` for anything wrong with it."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenRefused
        try:
            claims = self._claims(kind, token)
            grant = _grant(claims)
            begins = float(claims["nbf"])
        except (jwt.InvalidTokenError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused from error
        at = now.timestamp()
        if claims["typ"] != kind or at >= grant.expires_at:
            raise TokenRefused
        if at + LEEWAY.total_seconds() < begins:
            raise TokenRefused
        return grant

    def csrf(self, session_id: UUID) -> str:
        """The form token of a cookie session; bound to it, the same as long as it lives."""
        return hmac.digest(self._keys["csrf"], session_id.bytes, hashlib.sha256).hex()

    def is_csrf(self, session_id: UUID, shown: str | None) -> bool:
        """Whether a form token belongs to the session; compared in constant time."""
        return hmac.compare_digest(self.csrf(session_id).encode(), (shown or "").encode())

    def quote(self, claims: QuoteClaims) -> str:
        """A token that only this marketplace can have written; it names booking and viewer."""
        body = msgspec.json.encode(claims)
        return f"{_text(body)}.{_text(hmac.digest(self._keys['quote'], body, 'sha256'))}"

    def check_quote(self, token: str) -> QuoteClaims:
        """What a quote token says, old or not; `Invalid` for one of somebody else's making."""
        refusal = Invalid("this is no quote of ours", pointer="/quote_token")
        try:
            body, signature = (_bytes(part) for part in token.split("."))
        except ValueError as error:
            raise refusal from error
        if not hmac.compare_digest(hmac.digest(self._keys["quote"], body, "sha256"), signature):
            raise refusal
        return msgspec.json.decode(body, type=QuoteClaims)

    def _sign(
        self,
        kind: TokenKind,
        user_id: UUID,
        session_id: UUID,
        roles: list[Role],
        now: datetime,
        life: timedelta,
    ) -> str:
        at = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": f"{ISSUER}/{kind}",
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(new_id(now)),
            "typ": kind,
            "roles": sorted(roles),
            "iat": at,
            "nbf": at,
            "exp": at + int(life.total_seconds()),
        }
        return jwt.encode(  # pyright: ignore[reportUnknownMemberType] - a key type pyjwt lacks here
            claims, self._keys[kind], algorithm=ALGORITHM, headers={"typ": kind}
        )

    def _claims(self, kind: TokenKind, token: str) -> dict[str, Any]:
        """The claims of a well-signed token; times are ours to judge, by the given clock."""
        return jwt.decode(  # pyright: ignore[reportUnknownMemberType] - a key type pyjwt lacks here
            token,
            self._keys[kind],
            algorithms=[ALGORITHM],
            audience=f"{ISSUER}/{kind}",
            issuer=ISSUER,
            options={
                "require": CLAIMS,
                "strict_aud": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _grant(claims: dict[str, Any]) -> Grant:
    return Grant(
        user_id=UserId(UUID(claims["sub"])),
        session_id=UUID(claims["sid"]),
        roles=msgspec.convert(claims["roles"], frozenset[Role]),
        token_id=UUID(claims["jti"]),
        expires_at=float(claims["exp"]),
    )
