"""Accounts and the learners they book for."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import LearnerId, UserId
from domain.people import Learner, Role, User
from storage.query import Tx, query


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in is checked against; never leaves the accounts actor."""

    user_id: UserId
    password_hash: str


@query
async def insert_user(
    tx: Tx,
    *,
    user_id: UserId,
    email: str,
    password_hash: str,
    display_name: str,
    time_zone: str,
    roles: list[Role],
    email_verified_at: datetime | None,
    now: datetime,
) -> None: ...


@query
async def user_by_id(tx: Tx, *, user_id: UserId) -> User | None: ...


@query
async def credentials_by_email(tx: Tx, *, email: str) -> Credentials | None: ...


@query
async def roles_by_user(tx: Tx, *, user_id: UserId) -> frozenset[Role] | None: ...


@query
async def add_role(tx: Tx, *, user_id: UserId, role: Role) -> User: ...


@query
async def change_user(
    tx: Tx, *, user_id: UserId, display_name: str | None, time_zone: str | None
) -> User: ...


@query
async def replace_password_hash(tx: Tx, *, user_id: UserId, password_hash: str) -> None: ...


@query
async def insert_learner(
    tx: Tx, *, learner_id: LearnerId, student_id: UserId, display_name: str, now: datetime
) -> None: ...


@query
async def learners_of_student(tx: Tx, *, student_id: UserId) -> list[Learner]: ...


@query
async def admins(tx: Tx) -> list[UUID]: ...
