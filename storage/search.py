"""Search: services of instructors who can be booked."""

from uuid import UUID

import msgspec

from domain.bookings import Modality
from domain.ids import ServiceId, UserId
from storage.query import Tx, query


class FoundService(msgspec.Struct, frozen=True, kw_only=True):
    """A service that fits, with as much of its instructor as a result shows."""

    instructor_id: UserId
    display_name: str
    headline: str
    time_zone: str
    service_id: ServiceId
    skill: str
    skill_name: str
    title: str
    hourly_rate_cents: int
    durations_minutes: list[int]
    modalities: list[Modality]
    rank: int


@query
async def bookable_services(
    tx: Tx,
    *,
    text: str | None,
    pattern: str,
    skill: str | None,
    max_hourly_rate_cents: int | None,
    modality: str | None,
    before_rank: int | None,
    after_id: UUID | None,
    most: int,
) -> list[FoundService]: ...
