"""Money as its owner sees it: saved cards and credit."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from domain.bookings import PaymentStatus
from domain.ids import BookingId
from domain.money import CURRENCY
from server.bodies import Body
from server.booked import Booked, booked_once
from server.filters import Id
from server.guards import admin, limited, signed_in
from server.limits import BOOKING, SETUP_INTENT
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.credits import OpenLot, lots_of_user
from storage.payment_methods import SavedMethod
from storage.payments import ListedPayment, newest_payments

PaymentMethodId = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class UpdateMethod(Body, frozen=True, kw_only=True):
    """Which booking goes on which card."""

    booking_id: BookingId
    payment_method_id: PaymentMethodId


class SetupSecret(msgspec.Struct, frozen=True, kw_only=True):
    """With this the viewer's browser saves a card at Stripe."""

    client_secret: str


class MethodList(msgspec.Struct, frozen=True, kw_only=True):
    """Saved cards, newest first: what people recognise them by."""

    items: list[SavedMethod]
    next_cursor: str | None = None


class CreditBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Credit that can be spent, by lots; those that end first come first."""

    balance_cents: int
    currency: str
    lots: list[OpenLot]


class Payments(Controller):
    """Cards and credit."""

    path = "/api/payments"
    tags = ("Payments",)

    @post("/setup-intent", status_code=200, guards=[signed_in, limited(SETUP_INTENT)])
    async def start_setup(self, request: Request) -> SetupSecret:
        """Lets the viewer's browser save a card; nothing is charged."""
        return SetupSecret(client_secret=await request.parts.cards.setup_intent(request.viewer))

    @get("/methods", guards=[signed_in])
    async def list_methods(self, request: Request) -> MethodList:
        """The viewer's saved cards."""
        return MethodList(items=await request.parts.cards.methods(request.viewer))

    @delete("/methods/{method_id:str}", guards=[signed_in])
    async def forget_method(self, request: Request, method_id: FromPath[str]) -> None:
        """Forgets one of the viewer's cards, here and at Stripe."""
        await request.parts.cards.detach_method(method_id, request.viewer)

    @post("/update-method", status_code=200, guards=[signed_in, limited(BOOKING)])
    async def update_method(
        self, request: Request, data: JSONBody[UpdateMethod]
    ) -> Response[Booked]:
        """Puts a booking on another card; where the last one failed it is tried at once."""
        return await booked_once(
            request,
            lambda _: request.parts.bookings.update_method(
                data.booking_id, payment_method_id=data.payment_method_id, viewer=request.viewer
            ),
        )

    @get("/credits/balance", guards=[signed_in])
    async def show_credits(self, request: Request) -> CreditBalance:
        """The viewer's credit."""
        parts = request.parts
        lots = await lots_of_user(
            parts.reads, user_id=request.viewer.user_id, now=parts.clock.now()
        )
        balance = sum(lot.remaining_cents for lot in lots)
        return CreditBalance(balance_cents=balance, currency=CURRENCY, lots=lots)


class PaymentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Payments, those of the latest bookings first."""

    items: list[ListedPayment]
    next_cursor: str | None


class AfterPayment(msgspec.Struct, frozen=True):
    """Where a list of payments goes on."""

    id: UUID


class EveryPayment(Controller):
    """The money of every booking, for admins."""

    path = "/api/admin/payments"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_payments(
        self,
        request: Request,
        in_status: Annotated[PaymentStatus | None, QueryParameter(name="status")] = None,
        user_id: Id = None,
        booking_id: Id = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> PaymentPage:
        """Payments by status, by student or instructor, and by booking."""
        after = key_in(cursor, AfterPayment)
        found = await newest_payments(
            request.parts.reads,
            status=in_status,
            user_id=user_id,
            booking_id=booking_id,
            before_id=after.id if after else None,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        next_cursor = cursor_of(AfterPayment(last.booking_id)) if last else None
        return PaymentPage(items=items, next_cursor=next_cursor)
