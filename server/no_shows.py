"""Reports that somebody did not come, over HTTP."""

from typing import cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, post
from litestar.params import FromPath, JSONBody

from domain.bookings import Booking
from domain.cancellation import Side
from domain.ids import BookingId
from server.bodies import Body
from server.guards import admin, signed_in
from server.idempotency import Outcome
from server.requests import Request


class ReportNoShow(Body, frozen=True, kw_only=True):
    """Who did not come."""

    who: Side


class ResolveNoShow(Body, frozen=True, kw_only=True):
    """Whether the report holds."""

    upheld: bool


class LessonReported(msgspec.Struct, frozen=True, kw_only=True):
    """The booking as it is now."""

    booking: Booking


class NoShows(Controller):
    """What the two people of a lesson say about each other's coming."""

    path = "/api/bookings/{booking_id:uuid}/no-show"
    tags = ("Bookings",)

    @post(status_code=200, guards=[signed_in])
    async def report_no_show(
        self, request: Request, booking_id: FromPath[BookingId], data: JSONBody[ReportNoShow]
    ) -> Response[LessonReported]:
        """Says that the other side did not come; it holds after a day unless they contest it."""

        async def work(_: UUID) -> Outcome:
            booking = await request.parts.no_shows.report(
                booking_id, data.who, viewer=request.viewer
            )
            return Outcome(body=LessonReported(booking=booking))

        return cast("Response[LessonReported]", await request.parts.idempotency.once(request, work))

    @post("/contest", status_code=200, guards=[signed_in])
    async def contest_no_show(
        self, request: Request, booking_id: FromPath[BookingId]
    ) -> LessonReported:
        """Says that one did come: a person decides."""
        booking = await request.parts.no_shows.contest(booking_id, viewer=request.viewer)
        return LessonReported(booking=booking)


class NoShowDecisions(Controller):
    """The word of the marketplace on what people report."""

    path = "/api/admin/bookings/{booking_id:uuid}/no-show"
    tags = ("Admin",)
    guards = (admin,)

    @post("/resolve", status_code=200)
    async def resolve_no_show(
        self, request: Request, booking_id: FromPath[BookingId], data: JSONBody[ResolveNoShow]
    ) -> Response[LessonReported]:
        """Upholds or rejects a report; the money follows."""

        async def work(_: UUID) -> Outcome:
            booking = await request.parts.no_shows.resolve(
                booking_id, is_upheld=data.upheld, viewer=request.viewer
            )
            return Outcome(body=LessonReported(booking=booking))

        return cast("Response[LessonReported]", await request.parts.idempotency.once(request, work))
