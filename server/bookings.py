"""Bookings over HTTP."""

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from actors.bookings import BookLesson
from actors.payment_needs import PaymentNeed
from domain.bookings import Booking, BookingEvent
from domain.errors import NotFound
from domain.ids import BookingId
from domain.times import to_utc
from server.bodies import Body
from server.booked import Booked, booked_once
from server.guards import instructor, limited, signed_in, student
from server.limits import BOOKING
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.bookings import (
    booking_by_id,
    booking_events_by_booking,
    bookings_of_instructor,
    bookings_of_student,
)

PaymentMethodId = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class ConfirmBooking(Body, frozen=True, kw_only=True):
    """Another card, or none when the browser has saved or confirmed one."""

    payment_method_id: PaymentMethodId | None = None


class BookingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A booking; `payment` only for its student."""

    booking: Booking
    payment: PaymentNeed | None = None


class BookingList(msgspec.Struct, frozen=True, kw_only=True):
    """Bookings, newest first."""

    items: list[Booking]
    next_cursor: str | None


class BookingEventList(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a booking, in order."""

    items: list[BookingEvent]
    next_cursor: str | None = None


class After(msgspec.Struct, frozen=True):
    """Where a list of bookings goes on."""

    id: BookingId


class Bookings(Controller):
    """The agreement about one span of time, from hold to settlement."""

    path = "/api"
    tags = ("Bookings",)

    @post("/bookings", guards=[limited(BOOKING, after=student)])
    async def book_lesson(self, request: Request, data: JSONBody[BookLesson]) -> Response[Booked]:
        """Holds the slot, then secures the payment as far as it can be done now."""
        wish = msgspec.structs.replace(data, start_at=to_utc(data.start_at, pointer="/start_at"))
        return await booked_once(
            request,
            lambda booking_id: request.parts.bookings.book(
                wish, viewer=request.viewer, booking_id=booking_id
            ),
            status=201,
        )

    @post("/bookings/{booking_id:uuid}/confirm", status_code=200, guards=[signed_in])
    async def confirm_booking(
        self,
        request: Request,
        booking_id: FromPath[BookingId],
        data: JSONBody[ConfirmBooking | None] = None,
    ) -> Response[Booked]:
        """Goes on with a pending booking: another card, or what the browser has done."""
        method = data.payment_method_id if data else None
        return await booked_once(
            request,
            lambda _: request.parts.bookings.confirm(
                booking_id, payment_method_id=method, viewer=request.viewer
            ),
        )

    @get("/bookings", guards=[signed_in])
    async def list_bookings(
        self, request: Request, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> BookingList:
        """The viewer's bookings as a student, newest first."""
        after = key_in(cursor, After)
        found = await bookings_of_student(
            request.parts.reads,
            student_id=request.viewer.user_id,
            before_id=after.id if after else None,
            limit=limit + 1,
        )
        return _page(found, limit)

    @get("/instructor/bookings", guards=[instructor])
    async def list_lessons(
        self, request: Request, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> BookingList:
        """The viewer's bookings as an instructor, newest first."""
        after = key_in(cursor, After)
        found = await bookings_of_instructor(
            request.parts.reads,
            instructor_id=request.viewer.user_id,
            before_id=after.id if after else None,
            limit=limit + 1,
        )
        return _page(found, limit)

    @get("/bookings/{booking_id:uuid}", guards=[signed_in])
    async def show_booking(self, request: Request, booking_id: FromPath[BookingId]) -> BookingShown:
        """One of the viewer's bookings; its student also learns what the payment needs."""
        viewer, parts = request.viewer, request.parts
        booking = await booking_by_id(parts.reads, booking_id=booking_id, viewer_id=viewer.user_id)
        if booking is None:
            raise NotFound
        need = await parts.bookings.payment_need(booking_id, viewer)
        return BookingShown(booking=booking, payment=need)

    @get("/bookings/{booking_id:uuid}/events", guards=[signed_in])
    async def list_booking_events(
        self, request: Request, booking_id: FromPath[BookingId]
    ) -> BookingEventList:
        """What happened to one of the viewer's bookings, in order."""
        events = await booking_events_by_booking(
            request.parts.reads, booking_id=booking_id, viewer_id=request.viewer.user_id
        )
        if not events:
            raise NotFound
        return BookingEventList(items=events)


def _page(found: list[Booking], limit: int) -> BookingList:
    items, last = page_of(found, limit)
    return BookingList(items=items, next_cursor=cursor_of(After(last.id)) if last else None)
