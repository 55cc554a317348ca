"""One lesson: when and where, its money, what cancelling costs, and what happened so far."""

from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath
from litestar.response import Redirect, Template

from domain.bookings import Booking, BookingStatus, Outcome
from domain.ids import BookingId, UserId
from gateways.settings import Settings
from server.guards import known
from server.pages.cancelling import stages_of
from server.pages.frame import Frame, frame_of, show, sign_in_first
from server.pages.lesson_asks import missed, open_proposal
from server.pages.lesson_story import Happening, story_of
from server.pages.lesson_words import LessonView, view_of
from server.pages.missing import missing
from server.pages.moving import can_move
from server.pages.payment_words import Side
from server.requests import Request
from storage.bookings import booking_by_id, booking_events_by_booking
from storage.database import Reads
from storage.lessons import Lesson, lesson_by_id
from storage.moves import proposals_of_booking
from storage.no_shows import report_of_booking


class MoneyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bill; what is taken off is negative."""

    label: str
    cents: int


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """How the amount that concerns the viewer comes about."""

    lines: list[MoneyLine]
    total: MoneyLine
    currency: str


@get("/lessons/{booking_id:uuid}", include_in_schema=False, guards=[known])
async def lesson(request: Request, booking_id: FromPath[UUID]) -> Template | Redirect:
    """A lesson of the viewer, from the side they are on."""
    frame = await frame_of(request)
    if frame.viewer is None:
        return sign_in_first(frame)
    context = await _context(request.parts.reads, frame, BookingId(booking_id), frame.viewer.id)
    if context is None:
        return missing(frame)
    return show("lesson", frame, context | _card_form(request.parts.settings))


async def _context(
    reads: Reads, frame: Frame, booking_id: BookingId, me: UserId
) -> dict[str, object] | None:
    """What the page shows; nothing when the lesson is not the viewer's."""
    found = await lesson_by_id(reads, booking_id=booking_id, viewer_id=me)
    booking = await booking_by_id(reads, booking_id=booking_id, viewer_id=me)
    if found is None or booking is None:
        return None
    side: Side = "student" if me == found.student_id else "instructor"
    zone = frame.zone if side == "student" else found.instructor_zone
    events = await booking_events_by_booking(reads, booking_id=found.id, viewer_id=me)
    proposals = await proposals_of_booking(reads, booking_id=found.id, now=frame.now)
    report = await report_of_booking(reads, booking_id=found.id)
    view: LessonView = view_of(found, side=side, zone=zone, now=frame.now)
    story: list[Happening] = story_of(events, found, side=side)
    has_stages = view.is_student and view.can_cancel and found.status == "confirmed"
    return {
        "item": view,
        "stages": stages_of(found, now=frame.now) if has_stages else [],
        "zone": zone,
        "bill": _bill_of_student(found) if side == "student" else _bill_of_instructor(booking),
        "story": story,
        "can_move": can_move(found, now=frame.now),
        "proposal": open_proposal(proposals) if found.status == "confirmed" else None,
        "missed": missed(found, report, side=side, now=frame.now),
        "side": side,
    }


def _card_form(settings: Settings) -> dict[str, object]:
    return {
        "stripe_js": settings.stripe_js_url,
        "stripe_key": settings.stripe_publishable_key,
    }


UNPAID = frozenset({"cancelled", "expired"})
PAID_ALL_THE_SAME = frozenset({"charged", "no_show_student"})


def _is_earned(status: BookingStatus, outcome: Outcome | None) -> bool:
    """Whether the price stays with the instructor, as far as is known now."""
    if outcome is None:
        return status not in UNPAID
    return outcome in PAID_ALL_THE_SAME


def _bill_of_student(lesson: Lesson) -> Bill:
    """What the lesson has cost or will, from the card and from credit."""
    agreed = MoneyLine(label="Price agreed", cents=lesson.price_cents)
    if lesson.outcome == "credit" and lesson.payment_status in {"credited", "crediting"}:
        back = MoneyLine(label="Back as credit", cents=lesson.price_cents)
        return Bill(lines=[agreed], total=back, currency=lesson.currency)
    if lesson.outcome == "credit" or not _is_earned(lesson.status, lesson.outcome):
        charged = MoneyLine(label="Charged", cents=0)
        return Bill(lines=[agreed], total=charged, currency=lesson.currency)
    lines = [MoneyLine(label="Lesson", cents=lesson.price_cents)]
    if lesson.credit_applied_cents:
        lines.append(MoneyLine(label="Credit used", cents=-lesson.credit_applied_cents))
    if lesson.refunded_cents:
        lines.append(MoneyLine(label="Refunded", cents=-lesson.refunded_cents))
    left = lesson.card_amount_cents - lesson.refunded_cents
    total = MoneyLine(label="On your card", cents=left)
    return Bill(lines=lines, total=total, currency=lesson.currency)


def _bill_of_instructor(booking: Booking) -> Bill:
    if not _is_earned(booking.status, booking.outcome):
        agreed = MoneyLine(label="Price agreed", cents=booking.price_cents)
        nothing = MoneyLine(label="You receive", cents=0)
        return Bill(lines=[agreed], total=nothing, currency=booking.currency)
    lines = [
        MoneyLine(label="Price", cents=booking.price_cents),
        MoneyLine(label="Our fee", cents=-booking.platform_fee_cents),
    ]
    total = MoneyLine(label="You receive", cents=booking.instructor_amount_cents)
    return Bill(lines=lines, total=total, currency=booking.currency)
