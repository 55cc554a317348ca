"""An instructor's page: who they are, what they teach, and the times that are free, live."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from domain.bookings import Booking, Modality
from domain.ids import BookingId, UserId
from domain.money import CURRENCY
from domain.pricing import price_of, split
from domain.settings import POLICY
from gateways.settings import Settings
from server.guards import known
from server.pages.frame import Frame, frame_of, show
from server.pages.free_times import WEEKS_MAX, Window, first_shown, starts_of_week
from server.pages.missing import missing
from server.pages.offers import Offer, offer_of
from server.pages.weeks import start_of_date, week_of
from server.requests import Request
from storage.bookings import booking_by_id
from storage.calendars import Calendar, calendar_by_instructor
from storage.credits import lots_of_user
from storage.database import Reads
from storage.instructors import InstructorPage, page_by_instructor
from storage.payment_methods import SavedMethod, methods_of_user

MODALITIES: tuple[Modality, ...] = ("online", "in_person")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the address names: service, length, week, a time, a booking to go on with."""

    service: UUID | None
    minutes: int | None
    week: int
    start: datetime | None
    booking: UUID | None

    def bounded(self) -> "Asked":
        """The same within what is shown: no week beyond the last, no time without a zone."""
        return msgspec.structs.replace(
            self,
            week=min(max(self.week, 0), WEEKS_MAX),
            start=self.start if self.start is not None and self.start.tzinfo else None,
        )


class StripeKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser needs for the card form; both are public."""

    js_url: str
    publishable_key: str


class TermsInMinutes(msgspec.Struct, frozen=True, kw_only=True):
    """The payment clock, for sentences that the browser writes."""

    authorize_lead_minutes: int
    free_lead_minutes: int
    credit_lead_minutes: int
    capture_after_minutes: int
    undo_within_minutes: int
    undo_lead_minutes: int


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60


TERMS = TermsInMinutes(
    authorize_lead_minutes=_minutes(POLICY.authorize_before),
    free_lead_minutes=_minutes(POLICY.free_until),
    credit_lead_minutes=_minutes(POLICY.credit_until),
    capture_after_minutes=_minutes(POLICY.capture_after),
    undo_within_minutes=_minutes(POLICY.undo_within),
    undo_lead_minutes=_minutes(POLICY.undo_lead),
)


CLOSED: dict[str, object] = {"service": None, "is_bookable": False}


@get("/instructors/{instructor_id:uuid}", include_in_schema=False, guards=[known])
async def instructor(
    request: Request,
    instructor_id: FromPath[UUID],
    service: FromQuery[UUID | None] = None,
    minutes: FromQuery[int | None] = None,
    week: FromQuery[int] = 0,
    start: FromQuery[datetime | None] = None,
    booking: FromQuery[UUID | None] = None,
) -> Template:
    """The page of one instructor; a time that the address names is chosen already."""
    frame, reads = await frame_of(request), request.parts.reads
    person = await page_by_instructor(
        reads,
        instructor_id=UserId(instructor_id),
        viewer_id=frame.viewer.id if frame.viewer else None,
        currency=CURRENCY,
    )
    if person is None:
        return missing(frame)
    calendar = await calendar_by_instructor(reads, instructor_id=person.id, now=frame.now)
    if calendar is None or not person.bookable:
        return show("instructor", frame, CLOSED | {"instructor": person})
    asked = Asked(service=service, minutes=minutes, week=week, start=start, booking=booking)
    context = await _booking_context(reads, frame, person, calendar, asked.bounded())
    return show("instructor", frame, context | _stripe_keys(request.parts.settings))


def _modalities(offers: list[Offer]) -> list[Modality]:
    """Where the lessons take place that can be booked, whatever the profile says."""
    return [each for each in MODALITIES if any(each in offer.modalities for offer in offers)]


def _stripe_keys(settings: Settings) -> dict[str, object]:
    keys = StripeKeys(
        js_url=settings.stripe_js_url, publishable_key=settings.stripe_publishable_key
    )
    return {"stripe": keys}


async def _booking_context(
    reads: Reads, frame: Frame, person: InstructorPage, calendar: Calendar, asked: Asked
) -> dict[str, object]:
    offers = [offer_of(service) for service in person.services]
    pending = await _own_hold(reads, frame, person, asked)
    offer = _chosen(offers, pending.service_id if pending else asked.service)
    minutes = _length(offer, pending, asked)
    first = first_shown(frame, week=asked.week, start=asked.start)
    starts = starts_of_week(
        calendar, service_id=offer.id, minutes=minutes, first=first, frame=frame
    )
    picked = asked.start if asked.start in starts else None
    week = week_of(starts, first=first, zone=frame.zone, picked=picked)
    price, credit = price_of(offer.hourly_rate_cents, minutes), await _credit(reads, frame)
    return {
        "instructor": person,
        "is_bookable": True,
        "is_own": frame.viewer is not None and frame.viewer.id == person.id,
        "services": offers,
        "modalities": _modalities(offers),
        "service": offer,
        "minutes": minutes,
        "price_cents": price,
        "credit_cents": credit,
        "credit_used_cents": split(
            price, credit_cents=min(credit, price), fee_bps=POLICY.fee_bps
        ).credit_applied_cents,
        "currency": offer.currency,
        "week": asked.week,
        "days": week.days,
        "part_labels": week.labels,
        "window": Window(from_at=start_of_date(first, frame.zone)),
        "version": calendar.version,
        "picked": picked,
        "lost": asked.start is not None and picked is None and pending is None,
        "booking": pending,
        "card": await _card(reads, frame),
        "policy": TERMS,
    }


async def _own_hold(
    reads: Reads, frame: Frame, person: InstructorPage, asked: Asked
) -> Booking | None:
    """The viewer's pending booking with this instructor that the address names."""
    if asked.booking is None or frame.viewer is None:
        return None
    found = await booking_by_id(
        reads, booking_id=BookingId(asked.booking), viewer_id=frame.viewer.id
    )
    is_open = found is not None and found.status == "pending" and found.instructor_id == person.id
    return found if is_open else None


async def _card(reads: Reads, frame: Frame) -> SavedMethod | None:
    if frame.viewer is None:
        return None
    return next(iter(await methods_of_user(reads, user_id=frame.viewer.id)), None)


async def _credit(reads: Reads, frame: Frame) -> int:
    """What the viewer's credit can pay now."""
    if frame.viewer is None:
        return 0
    lots = await lots_of_user(reads, user_id=frame.viewer.id, now=frame.now)
    return sum(lot.remaining_cents for lot in lots)


def _chosen(offers: list[Offer], wanted: UUID | None) -> Offer:
    return next((offer for offer in offers if offer.id == wanted), offers[0])


def _length(offer: Offer, pending: Booking | None, asked: Asked) -> int:
    wanted = _minutes(pending.end_at - pending.start_at) if pending else asked.minutes
    if wanted in offer.durations_minutes:
        return wanted
    return 60 if 60 in offer.durations_minutes else offer.durations_minutes[0]
