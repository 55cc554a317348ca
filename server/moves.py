"""Moving lessons over HTTP, and the proposals for it."""

from typing import cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from actors.moves import MoveWish
from domain.bookings import Booking
from domain.errors import NotFound
from domain.ids import BookingId
from domain.moves import Proposal
from domain.texts import Text
from domain.times import Instant, to_utc
from server.bodies import Body
from server.guards import limited, signed_in
from server.idempotency import Outcome
from server.limits import BOOKING
from server.requests import Request
from storage.bookings import booking_by_id
from storage.moves import proposals_of_booking


class RescheduleLesson(Body, frozen=True, kw_only=True):
    """The new start; the lesson stays as long as it is."""

    start_at: Instant
    reason: Text | None = None


class BookingMoved(msgspec.Struct, frozen=True, kw_only=True):
    """The booking as it is now."""

    booking: Booking


class Rescheduled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The booking as it is now (200), or what the other side is asked first (202)."""

    booking: Booking | None = None
    proposal: Proposal | None = None


class ProposalList(msgspec.Struct, frozen=True, kw_only=True):
    """All proposals for one booking, newest first."""

    items: list[Proposal]
    next_cursor: str | None = None


class Moves(Controller):
    """Another time for a lesson there is."""

    path = "/api/bookings/{booking_id:uuid}"
    tags = ("Bookings",)

    @post("/reschedule", status_code=200, guards=[limited(BOOKING, after=signed_in)])
    async def reschedule_lesson(
        self, request: Request, booking_id: FromPath[BookingId], data: JSONBody[RescheduleLesson]
    ) -> Response[Rescheduled]:
        """Moves the lesson, or answers 202 with the proposal that the other side must accept."""
        start_at = to_utc(data.start_at, pointer="/start_at")
        wish = MoveWish(start_at=start_at, reason=data.reason)

        async def work(proposal_id: UUID) -> Outcome:
            done = await request.parts.moves.reschedule(
                booking_id, wish, proposal_id=proposal_id, viewer=request.viewer
            )
            if isinstance(done, Proposal):
                return Outcome(body=Rescheduled(proposal=done), status=202)
            return Outcome(body=Rescheduled(booking=done))

        answer = await request.parts.idempotency.once(request, work)
        return cast("Response[Rescheduled]", answer)

    @get("/proposals", guards=[signed_in])
    async def list_proposals(
        self, request: Request, booking_id: FromPath[BookingId]
    ) -> ProposalList:
        """Every proposal to move one of the viewer's bookings."""
        parts, viewer_id = request.parts, request.viewer.user_id
        if await booking_by_id(parts.reads, booking_id=booking_id, viewer_id=viewer_id) is None:
            raise NotFound
        now = parts.clock.now()
        found = await proposals_of_booking(parts.reads, booking_id=booking_id, now=now)
        return ProposalList(items=found)

    @post("/proposals/{proposal_id:uuid}/accept", status_code=200, guards=[signed_in])
    async def accept_proposal(
        self, request: Request, booking_id: FromPath[BookingId], proposal_id: FromPath[UUID]
    ) -> Response[BookingMoved]:
        """Agrees: the lesson moves now, if the time is still free."""

        async def work(_: UUID) -> Outcome:
            booking = await request.parts.moves.accept(
                booking_id, proposal_id, viewer=request.viewer
            )
            return Outcome(body=BookingMoved(booking=booking))

        return cast("Response[BookingMoved]", await request.parts.idempotency.once(request, work))

    @post("/proposals/{proposal_id:uuid}/decline", status_code=200, guards=[signed_in])
    async def decline_proposal(
        self, request: Request, booking_id: FromPath[BookingId], proposal_id: FromPath[UUID]
    ) -> BookingMoved:
        """Says no, or takes an own proposal back."""
        booking = await request.parts.moves.decline(booking_id, proposal_id, viewer=request.viewer)
        return BookingMoved(booking=booking)
