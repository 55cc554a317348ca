"""Accounts and their sessions: who people are, and proof that it is them.

Sessions live in real time (`wall_now`). A refresh token works once; shown again it ends its whole
family, because then two people have it (RFC 9700 §4.14.2).
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
import structlog

from actors.passwords import Passwords, check_new_password
from domain.errors import Invalid, NotFound, TokenRefused, WrongCredentials
from domain.ids import LearnerId, UserId, new_id
from domain.people import EndReason, Role, SessionKind, User, Viewer
from domain.texts import Name
from domain.times import zone
from gateways.clock import Clock
from storage.accounts import (
    add_role,
    change_user,
    credentials_by_email,
    insert_learner,
    insert_user,
    replace_password_hash,
    user_by_id,
)
from storage.calendars import insert_calendar
from storage.database import Database
from storage.instructors import insert_instructor
from storage.query import Tx
from storage.sessions import (
    SessionToken,
    end_session,
    insert_session,
    insert_session_token,
    replace_session_token,
    session_token_for_update,
)

SESSION_LIFE = timedelta(days=90)
TOKEN_LIFE = timedelta(days=30)
SECRET_BYTES = 32
USER_AGENT_LENGTH_MAX = 200
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_HOST}(?:\.{_HOST})+")
"""The dot-atom form of RFC 5322 in ASCII: what every mail server takes and no header misreads."""
EMAIL_LENGTH_MAX = 254

Announce = Callable[[UUID], Awaitable[None]]
"""Tells every web process that a session is over."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who registers says about themselves."""

    email: str
    password: str
    display_name: Name
    role: Literal["student", "instructor"]
    time_zone: str


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session and its newest secret: a refresh token or a cookie's value."""

    user: User
    session_id: UUID
    secret: str


class Accounts:
    """Opens accounts and begins, renews and ends sessions."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        passwords: Passwords,
        announce: Announce,
        counts_as_verified: bool,
    ) -> None:
        """`counts_as_verified`: nobody can be asked to confirm an e-mail, as in a sandbox."""
        self._db = db
        self._clock = clock
        self._passwords = passwords
        self._announce = announce
        self._counts_as_verified = counts_as_verified

    async def register(self, account: NewAccount, kind: SessionKind, agent: str) -> SignedIn:
        """Opens an account and signs in; `EmailTaken`, `Invalid`."""
        email = checked_email(account.email)
        check_new_password(account.password, email=email)
        zone(account.time_zone)
        password_hash = await self._passwords.hash(account.password)
        now = self._clock.now()
        user_id = UserId(new_id(now))
        async with self._db.transaction() as tx:
            await insert_user(
                tx,
                user_id=user_id,
                email=email,
                password_hash=password_hash,
                display_name=account.display_name,
                time_zone=account.time_zone,
                roles=[account.role],
                email_verified_at=now if self._counts_as_verified else None,
                now=now,
            )
            user = await _existing(tx, user_id)
            await open_role(tx, user, account.role, now=now)
            signed_in = await self._begin(tx, user, kind, agent)
        log.info("account.registered", user=str(user_id), role=account.role)
        return signed_in

    async def login(self, email: str, password: str, kind: SessionKind, agent: str) -> SignedIn:
        """Signs in; `WrongCredentials` alike for a wrong password and for no such account."""
        found = await credentials_by_email(self._db.reads, email=email.strip())
        stored = found.password_hash if found else None
        is_right = await self._passwords.is_right(stored, password)
        if found is None or not is_right:
            log.info("account.sign_in_refused", user=str(found.user_id) if found else None)
            raise WrongCredentials
        if self._passwords.is_old(found.password_hash):
            await self._rehash(found.user_id, password)
        async with self._db.transaction() as tx:
            user = await _existing(tx, found.user_id)
            signed_in = await self._begin(tx, user, kind, agent)
        log.info("account.signed_in", user=str(user.id), session=str(signed_in.session_id))
        return signed_in

    async def refresh(self, secret: str) -> SignedIn:
        """A new secret for an old one, once; `TokenRefused` otherwise."""
        now = self._clock.wall_now()
        token_hash = hash_of(secret)
        async with self._db.transaction() as tx:
            token = await session_token_for_update(tx, token_hash=token_hash)
            if token is None or token.kind != "token" or _is_over(token, now):
                raise TokenRefused
            if token.replaced_at is None:
                await replace_session_token(tx, token_hash=token_hash, now=now)
                user = await _existing(tx, token.user_id)
                return await self._renew(tx, user, token.session_id, now)
            await end_session(tx, session_id=token.session_id, now=now, reason="reuse")
        log.warning("account.token_reused", user=str(token.user_id), session=str(token.session_id))
        await self._announce(token.session_id)
        raise TokenRefused

    async def logout(self, session_id: UUID, *, reason: EndReason = "logout") -> None:
        """Ends a session; every web process refuses its tokens from now on."""
        now = self._clock.wall_now()
        async with self._db.transaction() as tx:
            await end_session(tx, session_id=session_id, now=now, reason=reason)
        log.info("account.signed_out", session=str(session_id), reason=reason)
        await self._announce(session_id)

    async def add_role(self, viewer: Viewer, role: Literal["student", "instructor"]) -> User:
        """Gives the viewer one more role and what belongs to it; again changes nothing."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            user = await add_role(tx, user_id=viewer.user_id, role=role)
            await open_role(tx, user, role, now=now)
        return user

    async def change_me(
        self, viewer: Viewer, *, display_name: str | None, time_zone: str | None
    ) -> User:
        """Changes name or zone; `None` leaves as it is."""
        if time_zone is not None:
            zone(time_zone)
        async with self._db.transaction() as tx:
            return await change_user(
                tx, user_id=viewer.user_id, display_name=display_name, time_zone=time_zone
            )

    async def _rehash(self, user_id: UserId, password: str) -> None:
        password_hash = await self._passwords.hash(password)
        async with self._db.transaction() as tx:
            await replace_password_hash(tx, user_id=user_id, password_hash=password_hash)

    async def _begin(self, tx: Tx, user: User, kind: SessionKind, agent: str) -> SignedIn:
        now = self._clock.wall_now()
        session_id = new_id(now)
        await insert_session(
            tx,
            session_id=session_id,
            user_id=user.id,
            kind=kind,
            user_agent=agent[:USER_AGENT_LENGTH_MAX],
            now=now,
            expires_at=now + SESSION_LIFE,
        )
        return await self._renew(tx, user, session_id, now)

    async def _renew(self, tx: Tx, user: User, session_id: UUID, now: datetime) -> SignedIn:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        await insert_session_token(
            tx,
            token_hash=hash_of(secret),
            session_id=session_id,
            now=now,
            expires_at=now + TOKEN_LIFE,
        )
        return SignedIn(user=user, session_id=session_id, secret=secret)


async def open_role(tx: Tx, user: User, role: Role, *, now: datetime) -> None:
    """What belongs to a role: a student learns too, an instructor has a calendar."""
    if role == "student":
        await insert_learner(
            tx,
            learner_id=LearnerId(user.id),
            student_id=user.id,
            display_name=user.display_name,
            now=now,
        )
    elif role == "instructor":
        await insert_instructor(tx, instructor_id=user.id, now=now)
        await insert_calendar(tx, instructor_id=user.id, time_zone=user.time_zone)


async def ensure_admin(
    db: Database, *, email: str, password: str, display_name: str, now: datetime
) -> UserId:
    """The admin of this e-mail, opened when there is none; the password of an old one stays."""
    found = await credentials_by_email(db.reads, email=email)
    if found is not None:
        return found.user_id
    passwords = Passwords()
    password_hash = await passwords.hash(password)
    passwords.close()
    user_id = UserId(new_id(now))
    async with db.transaction() as tx:
        await insert_user(
            tx,
            user_id=user_id,
            email=checked_email(email),
            password_hash=password_hash,
            display_name=display_name,
            time_zone="UTC",
            roles=["admin"],
            email_verified_at=now,
            now=now,
        )
    return user_id


def checked_email(email: str) -> str:
    """The address without spaces around it; `Invalid` when it cannot be one."""
    trimmed = email.strip()
    if len(trimmed) > EMAIL_LENGTH_MAX or not EMAIL.fullmatch(trimmed):
        raise Invalid("this is not an e-mail address", pointer="/email")
    return trimmed


def hash_of(secret: str) -> bytes:
    """What is stored of a secret; it has 256 random bits, so one fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def _is_over(token: SessionToken, now: datetime) -> bool:
    return token.ended_at is not None or token.expires_at <= now


async def _existing(tx: Tx, user_id: UserId) -> User:
    user = await user_by_id(tx, user_id=user_id)
    if user is None:
        raise NotFound
    return user
