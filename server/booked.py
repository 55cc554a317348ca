"""The answer of everything that books or pays for a booking, the same under one idempotency key."""

from collections.abc import Awaitable, Callable
from typing import cast
from uuid import UUID

import msgspec
from litestar import Response

from actors.bookings import BookingAnswer
from actors.payment_needs import PaymentNeed
from domain.bookings import Booking
from server.idempotency import Outcome
from server.requests import Request

Ask = Callable[[UUID], Awaitable[BookingAnswer]]


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and what its payment still needs from its student."""

    booking: Booking
    payment: PaymentNeed


async def booked_once(request: Request, ask: Ask, *, status: int = 200) -> Response[Booked]:
    """Asks, once for each idempotency key; `status` unless the booking was there before."""

    async def work(booking_id: UUID) -> Outcome:
        answer = await ask(booking_id)
        body = Booked(booking=answer.booking, payment=answer.payment)
        return Outcome(body=body, status=200 if answer.is_repeat else status)

    async def restore(stored: bytes) -> Booked:
        return await _with_secret(request, msgspec.json.decode(stored, type=Booked))

    answer = await request.parts.idempotency.once(
        request, work, strip=_without_secret, restore=restore
    )
    return cast("Response[Booked]", answer)


def _without_secret(body: msgspec.Struct) -> msgspec.Struct:
    """What may be stored: a secret of Stripe's may not."""
    payment = PaymentNeed(action=cast("Booked", body).payment.action)
    return msgspec.structs.replace(body, payment=payment)


async def _with_secret(request: Request, booked: Booked) -> Booked:
    """The stored answer with its secret read anew, as long as the need is still the same."""
    if booked.payment.action == "none":
        return booked
    need = await request.parts.bookings.payment_need(booked.booking.id, request.viewer)
    if need is None or need.action != booked.payment.action:
        return booked
    return msgspec.structs.replace(booked, payment=need)
