"""Saved cards: what people recognise them by. The cards themselves are at Stripe."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import UserId
from domain.operations import MethodSeen
from storage.query import Tx, query


class SavedMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A card as its owner sees it."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    created_at: datetime


class LatestMethod(msgspec.Struct, frozen=True, kw_only=True):
    """The card a user saved last."""

    user_id: UserId
    id: str


class KnownMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A card of somebody's. `is_refused`: not tried by itself until it is chosen again."""

    id: str
    is_refused: bool


@query
async def keep_method(
    tx: Tx,
    *,
    payment_method_id: str,
    user_id: UUID,
    brand: str,
    last4: str,
    exp_month: int,
    exp_year: int,
    fingerprint: str | None,
    now: datetime,
) -> None: ...


async def keep_seen(tx: Tx, method: MethodSeen, *, user_id: UUID, now: datetime) -> None:
    """`keep_method` for a card as fetched."""
    await keep_method(
        tx,
        payment_method_id=method.id,
        user_id=user_id,
        brand=method.brand,
        last4=method.last4,
        exp_month=method.exp_month,
        exp_year=method.exp_year,
        fingerprint=method.fingerprint,
        now=now,
    )


@query
async def methods_of_user(tx: Tx, *, user_id: UUID) -> list[SavedMethod]: ...


@query
async def method_of_user(
    tx: Tx, *, payment_method_id: str, user_id: UUID
) -> KnownMethod | None: ...


@query
async def latest_methods_of_users(tx: Tx, *, user_ids: list[UserId]) -> list[LatestMethod]: ...


@query
async def refuse_card(tx: Tx, *, payment_method_id: str, user_id: UUID, now: datetime) -> None: ...


@query
async def accept_card(tx: Tx, *, payment_method_id: str) -> None: ...


@query
async def forget_method(tx: Tx, *, payment_method_id: str, now: datetime) -> None: ...


@query
async def forget_methods(tx: Tx, *, user_id: UUID, now: datetime) -> None: ...


@query
async def user_of_stripe_customer(tx: Tx, *, stripe_customer_id: str) -> UserId | None: ...
