"""Availability: when an instructor is open, and which slots that leaves."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, put
from litestar.params import FromPath, JSONBody, QueryParameter

from domain.availability import CalendarPolicy, ExceptionDay, Rule, Rules, Window
from domain.errors import Invalid, NotFound
from domain.ids import UserId
from domain.offers import default_duration, offered_slots
from domain.openings import Approval
from domain.settings import POLICY
from domain.times import Span, refuse_far_year, zone
from server.availability_window import FromAt, ToAt, asked_window
from server.bodies import Body
from server.guards import instructor
from server.requests import Request
from storage.calendars import (
    Availability,
    Calendar,
    availability_by_instructor,
    calendar_by_instructor,
)

MINUTES_PER_DAY = 1440

Opens = Annotated[str, msgspec.Meta(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Closes = Annotated[
    str, msgspec.Meta(max_length=5, pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
]
"""Five characters: `$` alone would let a line break follow."""
Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]
Buffer = Annotated[int, msgspec.Meta(ge=0, le=120, multiple_of=5)]
Notice = Annotated[int, msgspec.Meta(ge=0, le=4320)]
Horizon = Annotated[int, msgspec.Meta(ge=1, le=180)]
LessonCap = Annotated[int, msgspec.Meta(ge=1, le=96)]
MinutesCap = Annotated[int, msgspec.Meta(ge=1, le=10_080)]
Version = Annotated[int, msgspec.Meta(ge=1)]


class WeeklyOpening(Body, frozen=True, kw_only=True):
    """Open every week at these local times; closing at or before opening means the next day."""

    weekday: Weekday
    opens: Opens
    closes: Closes


class OpenWindow(Body, frozen=True, kw_only=True):
    """Open at these local times of one date."""

    opens: Opens
    closes: Closes


class Exceptional(Body, frozen=True, kw_only=True):
    """One date's own windows instead of the weekly ones; none of them closes the date."""

    date: date
    windows: Annotated[tuple[OpenWindow, ...], msgspec.Meta(max_length=24)] = ()


class PolicyBody(Body, frozen=True, kw_only=True):
    """How time may be booked. Buffers hold for every modality; notice has the platform's floor."""

    grid_minutes: Literal[5, 10, 15, 20, 30, 60] = 15
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    minimum_notice_minutes: Notice = 120
    horizon_days: Horizon = 60
    lessons_per_day_max: LessonCap | None = None
    minutes_per_week_max: MinutesCap | None = None
    tight: bool = False
    approval: Approval = "instant"


class PutAvailability(Body, frozen=True, kw_only=True):
    """The whole availability. With `if_version` it is only written over that version."""

    time_zone: Annotated[str, msgspec.Meta(max_length=64)]
    weekly: Annotated[tuple[WeeklyOpening, ...], msgspec.Meta(max_length=168)] = ()
    exceptions: Annotated[tuple[Exceptional, ...], msgspec.Meta(max_length=730)] = ()
    policy: PolicyBody = PolicyBody()
    if_version: Version | None = None


class AvailabilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The whole availability and the version to write over."""

    version: int
    time_zone: str
    weekly: list[WeeklyOpening]
    exceptions: list[Exceptional]
    policy: PolicyBody


class SlotList(msgspec.Struct, frozen=True, kw_only=True):
    """Every bookable span of one duration; `version` is where live changes go on from."""

    instructor_id: UserId
    time_zone: str
    version: int
    slots: Sequence[Span]


class AvailabilityController(Controller):
    """When instructors are open."""

    path = "/api"
    tags = ("Availability",)

    @get("/instructor/availability", guards=[instructor])
    async def show_availability(self, request: Request) -> AvailabilityAnswer:
        """The viewer's own availability."""
        found = await availability_by_instructor(
            request.parts.reads, instructor_id=request.viewer.user_id
        )
        if found is None:
            raise NotFound
        return answer_of(found)

    @put("/instructor/availability", guards=[instructor])
    async def replace_availability(
        self, request: Request, data: JSONBody[PutAvailability]
    ) -> AvailabilityAnswer:
        """Replaces the viewer's own availability; lessons booked before stay as they are."""
        rules = rules_of(data)
        changed = await request.parts.instructors.change_availability(
            request.viewer, rules, if_version=data.if_version
        )
        return answer_of(Availability(version=changed.rules_version, rules=rules))

    @get("/instructors/{instructor_id:uuid}/slots")
    async def list_slots(
        self,
        request: Request,
        instructor_id: FromPath[UserId],
        service_id: Annotated[UUID | None, QueryParameter()] = None,
        duration_minutes: Annotated[int | None, QueryParameter(ge=1, le=1440)] = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
    ) -> SlotList:
        """Every span that can be booked now; nothing of who cannot be booked."""
        now = request.parts.clock.now()
        window = asked_window(from_at, to_at, now=now)
        calendar = await calendar_by_instructor(
            request.parts.reads, instructor_id=instructor_id, now=now
        )
        if calendar is None:
            raise NotFound
        return SlotList(
            instructor_id=instructor_id,
            time_zone=calendar.rules.policy.time_zone,
            version=calendar.version,
            slots=slots_in(calendar, service_id, duration_minutes, window=window, now=now),
        )


def slots_in(
    calendar: Calendar,
    service_id: UUID | None,
    duration_minutes: int | None,
    *,
    window: Span,
    now: datetime,
) -> list[Span]:
    """The slots of a calendar as it is now; without a duration, those of the shortest lesson."""
    duration = duration_minutes or default_duration(calendar.services, service_id)
    if duration is None or not calendar.is_bookable:
        return []
    return offered_slots(
        calendar.rules,
        calendar.bookings,
        calendar.services,
        service_id=service_id,
        duration_minutes=duration,
        window=window,
        now=now,
        policy=POLICY,
    )


def rules_of(wanted: PutAvailability) -> Rules:
    """The domain's rules; `Invalid` for what no single field shows to be wrong."""
    zone(wanted.time_zone)
    _refuse_twice([(rule.weekday, rule.opens) for rule in wanted.weekly], "/weekly")
    _refuse_twice([day.date for day in wanted.exceptions], "/exceptions")
    for index, day in enumerate(wanted.exceptions):
        refuse_far_year(day.date, pointer=f"/exceptions/{index}/date")
    policy = wanted.policy
    if policy.minimum_notice_minutes >= policy.horizon_days * MINUTES_PER_DAY:
        raise Invalid("the notice must end before the horizon", pointer="/policy/horizon_days")
    return Rules(
        policy=CalendarPolicy(
            time_zone=wanted.time_zone,
            grid_minutes=policy.grid_minutes,
            buffer_before_minutes=policy.buffer_before_minutes,
            buffer_after_minutes=policy.buffer_after_minutes,
            minimum_notice_minutes=policy.minimum_notice_minutes,
            horizon_days=policy.horizon_days,
            lessons_per_day_max=policy.lessons_per_day_max,
            minutes_per_week_max=policy.minutes_per_week_max,
            is_tight=policy.tight,
            approval=policy.approval,
        ),
        weekly=tuple(
            Rule(
                weekday=rule.weekday,
                opens_minute=minute_of(rule.opens),
                closes_minute=minute_of(rule.closes),
            )
            for rule in sorted(wanted.weekly, key=lambda each: (each.weekday, each.opens))
        ),
        exceptions=tuple(
            ExceptionDay(exception_on=day.date, windows=_windows(day))
            for day in sorted(wanted.exceptions, key=lambda each: each.date)
        ),
    )


def answer_of(availability: Availability) -> AvailabilityAnswer:
    """The domain's rules as people write them."""
    policy = availability.rules.policy
    return AvailabilityAnswer(
        version=availability.version,
        time_zone=policy.time_zone,
        weekly=[
            WeeklyOpening(
                weekday=rule.weekday,
                opens=time_of(rule.opens_minute),
                closes=time_of(rule.closes_minute),
            )
            for rule in availability.rules.weekly
        ],
        exceptions=[
            Exceptional(
                date=day.exception_on,
                windows=tuple(
                    OpenWindow(
                        opens=time_of(window.opens_minute), closes=time_of(window.closes_minute)
                    )
                    for window in day.windows
                ),
            )
            for day in availability.rules.exceptions
        ],
        policy=_policy_body(policy),
    )


def minute_of(time: str) -> int:
    """`HH:MM` as minutes from local midnight; `24:00` is 1440."""
    return int(time[:2]) * 60 + int(time[3:])


def time_of(minute: int) -> str:
    """Minutes from local midnight as `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _windows(day: Exceptional) -> tuple[Window, ...]:
    _refuse_twice([window.opens for window in day.windows], "/exceptions")
    return tuple(
        Window(opens_minute=minute_of(window.opens), closes_minute=minute_of(window.closes))
        for window in sorted(day.windows, key=lambda each: each.opens)
    )


def _policy_body(policy: CalendarPolicy) -> PolicyBody:
    values = msgspec.structs.asdict(policy)
    del values["time_zone"]
    return PolicyBody(tight=values.pop("is_tight"), **values)


def _refuse_twice(keys: Sequence[object], pointer: str) -> None:
    if len(set(keys)) < len(keys):
        raise Invalid("two of them begin at the same time", pointer=pointer)
