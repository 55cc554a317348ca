"""Instructors: their page, and what Stripe says of their account."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.bookings import Modality
from domain.ids import UserId
from domain.restrictions import Standing
from storage.query import Tx, query
from storage.services import Service


class Home(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an instructor teaches in person from, in degrees."""

    lat: float
    lon: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An instructor's page as its owner edits it."""

    id: UserId
    display_name: str
    headline: str
    bio: str
    languages: list[str]
    modalities: list[Modality]
    home: Home | None
    travel_radius_km: int | None
    published: bool


class InstructorPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page as everybody sees it; `home` is rounded to about a kilometre."""

    id: UserId
    display_name: str
    headline: str
    bio: str
    languages: list[str]
    modalities: list[Modality]
    home: Home | None
    travel_radius_km: int | None
    time_zone: str
    published: bool
    bookable: bool
    services: list[Service]


class StripeFacts(Standing, frozen=True, kw_only=True):
    """What Stripe last told, and what else it takes to be bookable."""

    stripe_account_id: str | None
    is_published: bool
    has_service: bool


class Payee(msgspec.Struct, frozen=True, kw_only=True):
    """What a Stripe account is made of."""

    id: UserId
    email: str
    display_name: str
    stripe_account_id: str | None


@query
async def insert_instructor(tx: Tx, *, instructor_id: UserId, now: datetime) -> None: ...


@query
async def profile_by_instructor(tx: Tx, *, instructor_id: UserId) -> Profile | None: ...


@query
async def change_profile(
    tx: Tx,
    *,
    instructor_id: UserId,
    headline: str,
    bio: str,
    languages: list[str],
    modalities: list[Modality],
    home_lat: float | None,
    home_lon: float | None,
    travel_radius_km: int | None,
    is_published: bool,
) -> None: ...


@query
async def page_by_instructor(
    tx: Tx, *, instructor_id: UserId, viewer_id: UserId | None, currency: str
) -> InstructorPage | None: ...


@query
async def stripe_facts_by_instructor(tx: Tx, *, instructor_id: UserId) -> StripeFacts | None: ...


@query
async def payee_for_update(tx: Tx, *, instructor_id: UserId) -> Payee | None: ...


@query
async def keep_stripe_account(tx: Tx, *, instructor_id: UserId, stripe_account_id: str) -> str: ...


@query
async def instructor_by_account(tx: Tx, *, stripe_account_id: str) -> UserId | None: ...


@query
async def waiting_accounts(tx: Tx, *, after: str, most: int) -> list[str]: ...


@query
async def record_stripe_facts(
    tx: Tx,
    *,
    instructor_id: UserId,
    has_transfers: bool,
    has_payouts: bool,
    has_submitted_details: bool,
    requirements_due: list[str],
    disabled_reason: str | None,
    deadline_at: datetime | None,
    deauthorized_at: datetime | None,
    now: datetime,
) -> None: ...


@query
async def bookings_waiting_for_account(
    tx: Tx, *, stripe_account_id: str, most: int
) -> list[UUID]: ...
