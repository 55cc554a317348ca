"""Search, in its first form: by skill or words, only who can be booked in the asked time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from domain.bookings import Modality
from domain.ids import ServiceId, UserId
from domain.money import CURRENCY
from domain.offers import offered_slots
from domain.settings import POLICY
from domain.times import Span
from server.availability_window import FromAt, ToAt, asked_window
from server.lists import Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.calendars import calendar_by_instructor
from storage.database import Reads
from storage.search import FoundService, bookable_services

LIMIT_DEFAULT = 20
NEXT_SLOTS = 3
USUAL_MINUTES = 60
RANK_MAX = 2**31 - 1

Words = Annotated[str | None, QueryParameter(name="q", max_length=200, description="any words")]
Slug = Annotated[str | None, QueryParameter(max_length=60, description="a slug of /api/skills")]
Rate = Annotated[int | None, QueryParameter(ge=1, le=10_000_000)]
Where = Annotated[Modality | None, QueryParameter()]


class Interpreted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was understood of the search."""

    text: str | None = None
    skill: str | None = None
    max_hourly_rate_cents: int | None = None
    modality: Modality | None = None
    from_at: datetime | None = msgspec.field(name="from", default=None)
    to_at: datetime | None = msgspec.field(name="to", default=None)


class FoundInstructor(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an instructor as a result shows."""

    id: UserId
    display_name: str
    headline: str
    time_zone: str


class OfferedService(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a service as a result shows."""

    id: ServiceId
    skill: str
    skill_name: str
    title: str
    hourly_rate_cents: int
    currency: str
    durations_minutes: list[int]
    modalities: list[Modality]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A service that fits and when it can be had next."""

    instructor: FoundInstructor
    service: OfferedService
    score: int
    next_slots: Sequence[Span]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What fits, best first."""

    interpreted: Interpreted
    items: list[Result]
    next_cursor: str | None


class After(msgspec.Struct, frozen=True):
    """Where a list of results goes on."""

    rank: Annotated[int, msgspec.Meta(ge=-RANK_MAX, le=RANK_MAX)]
    service_id: ServiceId


class Search(Controller):
    """Finding somebody to learn from."""

    path = "/api"
    tags = ("Search",)

    @get("/search")
    async def search_services(
        self,
        request: Request,
        words: Words = None,
        skill: Slug = None,
        max_hourly_rate_cents: Rate = None,
        modality: Where = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Results:
        """Services of instructors who can be booked in the asked time."""
        window = asked_window(from_at, to_at, now=request.parts.clock.now())
        asked = Interpreted(
            text=words.strip().lower() or None if words else None,
            skill=skill,
            max_hourly_rate_cents=max_hourly_rate_cents,
            modality=modality,
            from_at=window.start_at,
            to_at=window.end_at,
        )
        return await found(request, asked, window, limit=limit, after=key_in(cursor, After))


async def found(
    request: Request, asked: Interpreted, window: Span, *, limit: int, after: After | None
) -> Results:
    """One page of results; those without a slot in the window are left out."""
    reads, now = request.parts.reads, request.parts.clock.now()
    rows = await bookable_services(
        reads,
        text=asked.text,
        pattern=f"%{_escaped(asked.text or '')}%",
        skill=asked.skill,
        max_hourly_rate_cents=asked.max_hourly_rate_cents,
        modality=asked.modality,
        before_rank=after.rank if after else None,
        after_id=after.service_id if after else None,
        most=limit + 1,
    )
    shown, last = page_of(rows, limit)
    slots = await asyncio.gather(*(_next_slots(reads, row, window, now) for row in shown))
    return Results(
        interpreted=asked,
        items=[_result(row, free) for row, free in zip(shown, slots, strict=True) if free],
        next_cursor=cursor_of(After(last.rank, last.service_id)) if last else None,
    )


async def _next_slots(reads: Reads, row: FoundService, window: Span, now: datetime) -> list[Span]:
    calendar = await calendar_by_instructor(reads, instructor_id=row.instructor_id, now=now)
    if calendar is None or not calendar.is_bookable:
        return []
    durations = row.durations_minutes
    slots = offered_slots(
        calendar.rules,
        calendar.bookings,
        calendar.services,
        service_id=row.service_id,
        duration_minutes=USUAL_MINUTES if USUAL_MINUTES in durations else durations[0],
        window=window,
        now=now,
        policy=POLICY,
    )
    return slots[:NEXT_SLOTS]


def _result(row: FoundService, slots: list[Span]) -> Result:
    return Result(
        instructor=FoundInstructor(
            id=row.instructor_id,
            display_name=row.display_name,
            headline=row.headline,
            time_zone=row.time_zone,
        ),
        service=OfferedService(
            id=row.service_id,
            skill=row.skill,
            skill_name=row.skill_name,
            title=row.title,
            hourly_rate_cents=row.hourly_rate_cents,
            currency=CURRENCY,
            durations_minutes=row.durations_minutes,
            modalities=row.modalities,
        ),
        score=row.rank,
        next_slots=slots,
    )


def _escaped(text: str) -> str:
    """The text with LIKE's own signs taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
