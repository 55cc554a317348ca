"""Cancelling a booking: what it would cost, and doing it at that price."""

from datetime import datetime, timedelta
from typing import Annotated, cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from domain.bookings import Booking, PaymentStatus
from domain.cancellation import Money, Quote, Quoted, Side, Terms, quote
from domain.errors import BookingState, NotFound, QuoteExpired
from domain.ids import BookingId
from domain.settings import POLICY
from domain.texts import Text
from server.bodies import Body
from server.guards import admin, limited, signed_in
from server.idempotency import Outcome
from server.limits import CANCEL
from server.requests import Request
from server.tokens import QuoteClaims
from storage.cancellation import Case, case_of_viewer

QuoteToken = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]

RESERVED: frozenset[PaymentStatus] = frozenset(
    {"authorized", "capturing", "captured", "payout_pending", "settled"}
)


class CancelBooking(Body, frozen=True, kw_only=True):
    """Why, if the viewer likes to say, and the quote they agreed to."""

    reason: Text | None = None
    quote_token: QuoteToken | None = None


class BookingOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as it is now."""

    booking: Booking


class SignedQuote(Quote, frozen=True, kw_only=True):
    """A quote, and the token that makes the marketplace stand by it."""

    quote_token: str


class Cancellation(Controller):
    """The end of a booking that somebody asks for."""

    path = "/api/bookings/{booking_id:uuid}"
    tags = ("Bookings",)

    @get("/cancellation-quote", guards=[signed_in])
    async def quote_cancellation(
        self, request: Request, booking_id: FromPath[BookingId]
    ) -> SignedQuote:
        """What cancelling would do now, honoured for a minute, and how that changes later."""
        case = await _case(request, booking_id)
        now, side = request.parts.clock.now(), _side(case, request)
        _refuse_ended(case, side, now)
        told = quote(_terms(case), _money(case), side=side, now=now, policy=POLICY)
        claims = QuoteClaims(
            booking_id=booking_id,
            viewer_id=request.viewer.user_id,
            tier=told.tier,
            start_at=case.start_at,
            valid_until=told.valid_until,
        )
        token = request.parts.auth.tokens.quote(claims)
        return SignedQuote(**msgspec.structs.asdict(told), quote_token=token)

    @post("/cancel", status_code=200, guards=[signed_in, limited(CANCEL)])
    async def cancel_booking(
        self,
        request: Request,
        booking_id: FromPath[BookingId],
        data: JSONBody[CancelBooking | None] = None,
    ) -> Response[BookingOnly]:
        """Cancels as the student or as the instructor; the rules differ."""
        wish = data or CancelBooking()

        async def work(_: UUID) -> Outcome:
            quoted = _quoted(request, booking_id, wish.quote_token) if wish.quote_token else None
            booking = await request.parts.bookings.cancel(
                booking_id, reason=wish.reason, quoted=quoted, viewer=request.viewer
            )
            return Outcome(body=BookingOnly(booking=booking))

        return cast("Response[BookingOnly]", await request.parts.idempotency.once(request, work))


class CancelForAll(Body, frozen=True, kw_only=True):
    """Why the marketplace cancels; both people are told that it did."""

    reason: Text


class AdminCancellation(Controller):
    """Cancelling in the name of the marketplace."""

    path = "/api/admin/bookings/{booking_id:uuid}"
    tags = ("Admin",)
    guards = (admin,)

    @post("/cancel", status_code=200)
    async def cancel_booking_as_admin(
        self, request: Request, booking_id: FromPath[BookingId], data: JSONBody[CancelForAll]
    ) -> Response[BookingOnly]:
        """Ends a booking as if its instructor had, without a strike: nothing is charged."""

        async def work(_: UUID) -> Outcome:
            booking = await request.parts.bookings.cancel_for_all(
                booking_id, reason=data.reason, viewer=request.viewer
            )
            return Outcome(body=BookingOnly(booking=booking))

        return cast("Response[BookingOnly]", await request.parts.idempotency.once(request, work))


async def _case(request: Request, booking_id: BookingId) -> Case:
    case = await case_of_viewer(
        request.parts.reads, booking_id=booking_id, viewer_id=request.viewer.user_id
    )
    if case is None:
        raise NotFound
    return case


def _side(case: Case, request: Request) -> Side:
    return "student" if case.student_id == request.viewer.user_id else "instructor"


def _refuse_ended(case: Case, side: Side, now: datetime) -> None:
    """Raises `BookingState` where cancelling would be refused as well."""
    if case.status not in {"pending", "confirmed", "completed"}:
        raise BookingState(f"the booking is {case.status}")
    if side == "student" and case.start_at <= now:
        raise BookingState("the lesson has begun")


def _terms(case: Case) -> Terms:
    sticky = case.sticky_lead_seconds
    return Terms(
        start_at=case.start_at,
        created_at=case.created_at,
        is_pending=case.status == "pending",
        was_authorized=case.was_authorized,
        sticky_lead=None if sticky is None else timedelta(seconds=sticky),
        is_excused=case.is_excused,
    )


def _money(case: Case) -> Money:
    return Money(
        card_cents=case.card_amount_cents,
        credit_cents=case.credit_applied_cents,
        instructor_cents=case.instructor_amount_cents,
        is_reserved=case.payment_status in RESERVED,
    )


def _quoted(request: Request, booking_id: UUID, token: str) -> Quoted:
    """What the token promises this viewer of this booking. Raises `Invalid`, `QuoteExpired`."""
    claims = request.parts.auth.tokens.check_quote(token)
    is_own = claims.booking_id == booking_id and claims.viewer_id == request.viewer.user_id
    if not is_own or request.parts.clock.now() > claims.valid_until:
        raise QuoteExpired
    return Quoted(tier=claims.tier, start_at=claims.start_at)
