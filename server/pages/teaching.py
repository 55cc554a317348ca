"""The instructor's pages: checklist, profile, services, bookings."""

from datetime import datetime

import msgspec
from litestar import get
from litestar.response import Redirect, Template

from domain.ids import UserId
from domain.money import CURRENCY
from server.guards import known
from server.pages.frame import Frame, frame_of, show, sign_in_first
from server.pages.lesson_words import Lessons, sort_lessons
from server.pages.offers import Offer, offer_of
from server.pages.open_hours import hours_a_week
from server.requests import Request
from storage.calendars import Availability, availability_by_instructor
from storage.database import Reads
from storage.instructors import (
    Profile,
    StripeFacts,
    profile_by_instructor,
    stripe_facts_by_instructor,
)
from storage.lessons import earned_by_instructor, lessons_of_instructor
from storage.services import services_of_instructor, skills

SHOWN_MAX = 50
SOON_MAX = 5


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do before students can book."""

    key: str
    title: str
    text: str
    action: str
    href: str
    is_done: bool
    is_next: bool = False


class OfferRow(Offer, frozen=True, kw_only=True):
    """An offer with the name of its skill."""

    skill_name: str


async def instructor_of(request: Request) -> Frame | Redirect | Template:
    """The frame of a signed-in instructor; others sign in first, or learn how to begin."""
    frame = await frame_of(request)
    if frame.viewer is None:
        return sign_in_first(frame)
    if "instructor" not in frame.viewer.roles:
        return show("not_teaching", frame, {}, status=403)
    return frame


def id_of(frame: Frame) -> UserId:
    """The instructor behind a frame from `instructor_of`."""
    if frame.viewer is None:
        raise RuntimeError("an instructor's frame has a viewer")
    return frame.viewer.id


@get("/teach", include_in_schema=False, guards=[known])
async def overview(request: Request) -> Template | Redirect:
    """The checklist until students can book; then the next lessons at a glance."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    reads, me = request.parts.reads, id_of(frame)
    profile = await profile_by_instructor(reads, instructor_id=me)
    facts = await stripe_facts_by_instructor(reads, instructor_id=me)
    calendar = await availability_by_instructor(reads, instructor_id=me)
    steps, zone = _steps(profile, facts, calendar), _zone(calendar, frame)
    mine = await _lessons(reads, me, zone, frame.now)
    return show(
        "teach_overview",
        frame,
        {
            "calendar_zone": zone,
            "steps": steps,
            "done_count": sum(step.is_done for step in steps),
            "is_bookable": all(step.is_done for step in steps),
            "has_account": facts is not None and facts.stripe_account_id is not None,
            "stripe_state": None if facts is None else facts.state,
            "stripe_deadline_at": None if facts is None else facts.deadline_at,
            "is_disconnected": facts is not None and facts.deauthorized_at is not None,
            "upcoming": mine.upcoming[:SOON_MAX],
            "upcoming_count": len(mine.upcoming),
            "open_hours": hours_a_week(calendar),
            "earned_cents": await earned_by_instructor(reads, instructor_id=me),
            "currency": CURRENCY,
        },
    )


@get("/teach/bookings", include_in_schema=False, guards=[known])
async def bookings(request: Request) -> Template | Redirect:
    """Every lesson ahead, and the latest of those that are over."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    reads, me = request.parts.reads, id_of(frame)
    zone = _zone(await availability_by_instructor(reads, instructor_id=me), frame)
    mine = await _lessons(reads, me, zone, frame.now)
    return show(
        "teach_bookings",
        frame,
        {"calendar_zone": zone, "upcoming": mine.upcoming, "past": mine.past},
    )


@get("/teach/profile", include_in_schema=False, guards=[known])
async def profile(request: Request) -> Template | Redirect:
    """What students read of the instructor."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    found = await profile_by_instructor(request.parts.reads, instructor_id=id_of(frame))
    if found is None:
        return Redirect("/teach")
    is_new = not found.headline
    return show("teach_profile", frame, {"profile": found, "is_new": is_new})


@get("/teach/services", include_in_schema=False, guards=[known])
async def services(request: Request) -> Template | Redirect:
    """What the instructor offers, and the form to change it."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    reads = request.parts.reads
    every_skill = await skills(reads)
    names = {skill.slug: skill.name for skill in every_skill}
    offered = await services_of_instructor(reads, instructor_id=id_of(frame), currency=CURRENCY)
    rows = [
        OfferRow(
            **msgspec.structs.asdict(offer_of(service)),
            skill_name=names.get(service.skill, service.skill),
        )
        for service in offered
    ]
    return show("teach_services", frame, {"services": rows, "skills": every_skill})


async def _lessons(reads: Reads, me: UserId, zone: str, now: datetime) -> Lessons:
    found = await lessons_of_instructor(reads, instructor_id=me, now=now, most=SHOWN_MAX)
    return sort_lessons(found, side="instructor", zone=zone, now=now)


def _zone(calendar: Availability | None, frame: Frame) -> str:
    return calendar.rules.policy.time_zone if calendar is not None else frame.zone


def _steps(
    profile: Profile | None, facts: StripeFacts | None, calendar: Availability | None
) -> list[Step]:
    """The four steps in order; the first that is not done is the next one."""
    is_written = profile is not None and bool(profile.headline) and profile.published
    is_paid = facts is not None and facts.state in {"active", "restricted_soon"}
    is_open = calendar is not None and bool(calendar.rules.weekly or calendar.rules.exceptions)
    steps = [
        Step(
            key="profile",
            title="Write your profile",
            text="A headline and a few lines about how you teach. Show your page to students.",
            action="Edit profile" if is_written else "Write profile",
            href="/teach/profile",
            is_done=is_written,
        ),
        Step(
            key="service",
            title="Add a service",
            text="What you teach, for how long and for how much.",
            action="Services" if facts is not None and facts.has_service else "Add a service",
            href="/teach/services",
            is_done=facts is not None and facts.has_service,
        ),
        Step(
            key="availability",
            title="Open your week",
            text="The hours when students can book you.",
            action="Edit hours" if is_open else "Set hours",
            href="/teach/availability",
            is_done=is_open,
        ),
        Step(
            key="stripe",
            title="Set up payouts",
            text="Stripe checks who you are and pays you out after each lesson.",
            action="Done" if is_paid else "Set up payouts",
            href="/teach",
            is_done=is_paid,
        ),
    ]
    first_open = next((step.key for step in steps if not step.is_done), None)
    return [msgspec.structs.replace(step, is_next=step.key == first_open) for step in steps]
