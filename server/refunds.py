"""Refunds, for admins."""

from typing import Annotated, cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from actors.refunds import RefundWish
from domain.bookings import Booking
from domain.errors import NotFound
from domain.ids import BookingId
from domain.refunds import Refund, RefundState
from domain.texts import Text
from server.bodies import Body
from server.guards import admin
from server.idempotency import Outcome
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.bookings import booking_of_anyone
from storage.refunds import newest_refunds


class RefundBooking(Body, frozen=True, kw_only=True):
    """How much goes back to the card, in cents, and whether the instructor's share follows.

    The last cent of the card brings the credit back that paid the rest. Where no card has paid, it
    is all of the credit: credit goes back whole or not at all.
    """

    amount_cents: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
    reason: Text
    reverse_transfer: bool = True


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """The refund, and the booking as it is now."""

    booking: Booking
    refund: Refund


class RefundList(msgspec.Struct, frozen=True, kw_only=True):
    """Refunds, newest first."""

    items: list[Refund]
    next_cursor: str | None


class After(msgspec.Struct, frozen=True):
    """Where a list of refunds goes on."""

    id: UUID


class Refunds(Controller):
    """Money given back."""

    path = "/api/admin"
    tags = ("Admin",)
    guards = (admin,)

    @post("/bookings/{booking_id:uuid}/refund", status_code=200)
    async def refund_booking(
        self, request: Request, booking_id: FromPath[BookingId], data: JSONBody[RefundBooking]
    ) -> Response[Refunded]:
        """Gives a payment back: the card first, wholly or in part; then the credit, whole."""

        async def work(refund_id: UUID) -> Outcome:
            wish = RefundWish(
                amount_cents=data.amount_cents,
                reason=data.reason,
                reverses_transfer=data.reverse_transfer,
            )
            refund = await request.parts.refunds.refund(
                booking_id, wish, refund_id=refund_id, viewer=request.viewer
            )
            booking = await booking_of_anyone(request.parts.reads, booking_id=booking_id)
            if booking is None:
                raise NotFound
            return Outcome(body=Refunded(booking=booking, refund=refund))

        return cast("Response[Refunded]", await request.parts.idempotency.once(request, work))

    @get("/refunds")
    async def list_refunds(
        self,
        request: Request,
        refund_state: Annotated[
            RefundState | None, QueryParameter(name="state", description="only these")
        ] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> RefundList:
        """Refunds of everybody; `state=failed` and `refused` wait for a person."""
        after = key_in(cursor, After)
        found = await newest_refunds(
            request.parts.reads,
            state=refund_state,
            before_id=after.id if after else None,
            limit=limit + 1,
        )
        items, last = page_of(found, limit)
        return RefundList(items=items, next_cursor=cursor_of(After(last.id)) if last else None)
