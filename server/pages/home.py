"""The home page: search by skill, with the next free times of everybody found."""

from collections import Counter
from datetime import datetime, timedelta

import msgspec
from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from domain.bookings import Modality
from domain.ids import ServiceId, UserId
from domain.money import CURRENCY
from domain.times import Span
from server.guards import known
from server.pages.frame import frame_of, show
from server.pages.free_times import free_starts
from server.requests import Request
from storage.calendars import Calendar, calendar_by_instructor
from storage.database import Reads
from storage.search import FoundService, bookable_services
from storage.services import Skill, skills

FOUND_MAX = 200
CHIPS_MAX = 12
WANTED_LENGTH_MAX = 80
SHOWN_MAX = 24
TIMES_MAX = 3
AHEAD = (timedelta(days=3), timedelta(days=14))
"""How far to look for the next times: most people have some soon, and near ones are found fast."""
APART = timedelta(hours=2)
"""Suggested times stand at least this far apart: three in a row would be one suggestion."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One instructor with the service that fits best and their next free times."""

    id: UserId
    service_id: ServiceId
    display_name: str
    headline: str
    skill_slug: str
    service_title: str
    modalities: list[Modality]
    hourly_rate_cents: int
    currency: str
    minutes: int
    next_starts: list[datetime]


@get("/", include_in_schema=False, guards=[known])
async def home(request: Request, skill: FromQuery[str] = "") -> Template:
    """Everybody who can be booked, or those who teach a skill; soonest first."""
    reads, frame = request.parts.reads, await frame_of(request)
    every_skill, found = await skills(reads), await _found(reads)
    wanted = skill.strip()[:WANTED_LENGTH_MAX]
    chosen = _skill_called(wanted, every_skill)
    fitting = [one for one in found if not wanted or (chosen and one.skill == chosen.slug)]
    context = {
        "skills": every_skill,
        "chips": _taught(every_skill, found),
        "skill": chosen,
        "query": wanted,
        "results": await _results(reads, fitting, frame.now),
    }
    return show("home", frame, context)


async def _found(reads: Reads) -> list[FoundService]:
    return await bookable_services(
        reads,
        text=None,
        pattern="%",
        skill=None,
        max_hourly_rate_cents=None,
        modality=None,
        before_rank=None,
        after_id=None,
        most=FOUND_MAX,
    )


def _taught(every: list[Skill], found: list[FoundService]) -> list[Skill]:
    """The skills most often taught here; every skill while nobody teaches."""
    times = Counter(service.skill for service in found)
    taught = sorted((one for one in every if one.slug in times), key=lambda one: -times[one.slug])
    return (taught or every)[:CHIPS_MAX]


def _skill_called(text: str, every: list[Skill]) -> Skill | None:
    """The skill a person means: its slug, its name, or the only name that begins so."""
    key = text.casefold()
    if not key:
        return None
    exact = [one for one in every if key in (one.slug, one.name.casefold())]
    begun = [one for one in every if one.name.casefold().startswith(key)]
    return next(iter(exact or begun), None)


async def _results(reads: Reads, found: list[FoundService], now: datetime) -> list[Result]:
    """One result an instructor, those with a free time soonest first."""
    first_of = {service.instructor_id: service for service in reversed(found)}
    results = [
        await _result(reads, service, now) for service in list(first_of.values())[:SHOWN_MAX]
    ]
    free = [result for result in results if result.next_starts]
    return sorted(free, key=lambda result: result.next_starts[0])


async def _result(reads: Reads, service: FoundService, now: datetime) -> Result:
    minutes = 60 if 60 in service.durations_minutes else service.durations_minutes[0]
    calendar = await calendar_by_instructor(reads, instructor_id=service.instructor_id, now=now)
    return Result(
        id=service.instructor_id,
        service_id=service.service_id,
        display_name=service.display_name,
        headline=service.headline,
        skill_slug=service.skill,
        service_title=service.title,
        modalities=service.modalities,
        hourly_rate_cents=service.hourly_rate_cents,
        currency=CURRENCY,
        minutes=minutes,
        next_starts=_next_starts(calendar, service, minutes, now) if calendar else [],
    )


def _next_starts(
    calendar: Calendar, service: FoundService, minutes: int, now: datetime
) -> list[datetime]:
    """The next few times, well apart; fewer when two weeks hold no more."""
    chosen: list[datetime] = []
    for ahead in AHEAD:
        window = Span(now, now + ahead)
        starts = free_starts(
            calendar, service_id=service.service_id, minutes=minutes, window=window, now=now
        )
        chosen = _spread(starts)
        if len(chosen) == TIMES_MAX:
            break
    return chosen


def _spread(starts: list[datetime]) -> list[datetime]:
    """The first times that stand well apart."""
    chosen: list[datetime] = []
    for start in starts:
        if not chosen or start - chosen[-1] >= APART:
            chosen.append(start)
        if len(chosen) == TIMES_MAX:
            break
    return chosen
