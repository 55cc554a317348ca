"""Services: what instructors offer, and the skills they are filed under."""

from datetime import datetime

import msgspec

from domain.bookings import Modality
from domain.ids import ServiceId, UserId
from storage.query import Tx, query


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be taught here."""

    slug: str
    name: str
    category: str


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson an instructor offers, priced by the hour."""

    id: ServiceId
    skill: str
    title: str
    description: str
    hourly_rate_cents: int
    currency: str
    durations_minutes: list[int]
    modalities: list[Modality]
    levels: list[str]
    age_groups: list[str]


@query
async def skills(tx: Tx) -> list[Skill]: ...


@query
async def services_of_instructor(
    tx: Tx, *, instructor_id: UserId, currency: str
) -> list[Service]: ...


@query
async def service_for_update(
    tx: Tx, *, service_id: ServiceId, instructor_id: UserId, currency: str
) -> Service | None: ...


@query
async def insert_service(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    service_id: ServiceId,
    instructor_id: UserId,
    skill: str,
    title: str,
    description: str,
    hourly_rate_cents: int,
    durations_minutes: list[int],
    modalities: list[Modality],
    levels: list[str],
    age_groups: list[str],
    now: datetime,
) -> None: ...


@query
async def change_service(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    service_id: ServiceId,
    instructor_id: UserId,
    skill: str,
    title: str,
    description: str,
    hourly_rate_cents: int,
    durations_minutes: list[int],
    modalities: list[Modality],
    levels: list[str],
    age_groups: list[str],
) -> None: ...


@query
async def archive_service(
    tx: Tx, *, service_id: ServiceId, instructor_id: UserId, now: datetime
) -> ServiceId | None: ...
