"""The money of a booking: its payment, its authorizations, and who pays.

Every writer locks the booking first (`lock_money`), then reads: bookings before payments is the
house's order of locks, and a calendar turn takes the same.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.bookings import ActorKind, BookingStatus, Outcome, PaymentStatus
from domain.ids import BookingId, UserId
from domain.payments import MoneyFacts, Payment
from storage.query import Tx, query


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """The person who pays, as Stripe should know them."""

    user_id: UserId
    email: str
    display_name: str
    stripe_customer_id: str | None
    stripe_customers_lost: int
    """How many were deleted at Stripe."""


class ListedPayment(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one booking as admins see it."""

    booking_id: BookingId
    student_id: UserId
    instructor_id: UserId
    booking_status: BookingStatus
    outcome: Outcome | None
    start_at: datetime
    status: PaymentStatus
    cycle: int
    attempt: int
    price_cents: int
    credit_applied_cents: int
    card_amount_cents: int
    captured_cents: int
    currency: str
    payment_intent_id: str | None
    charge_id: str | None
    transfer_id: str | None
    decline_code: str | None
    capture_before: datetime | None
    authorized_at: datetime | None
    captured_at: datetime | None
    updated_at: datetime


class Parties(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part in a booking, and whether it still waits."""

    booking_id: BookingId
    instructor_id: UserId
    student_id: UserId
    status: BookingStatus
    hold_expires_at: datetime | None


@query
async def lock_money(tx: Tx, *, booking_id: UUID) -> UUID | None: ...


@query
async def money_facts(tx: Tx, *, booking_id: UUID) -> MoneyFacts | None: ...


@query
async def payment_by_booking(tx: Tx, *, booking_id: UUID) -> Payment | None: ...


@query
async def change_payment(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    booking_id: UUID,
    version: int,
    status: PaymentStatus,
    cycle: int,
    attempt: int,
    is_on_session: bool,
    payment_method_id: str | None,
    setup_intent_id: str | None,
    payment_intent_id: str | None,
    charge_id: str | None,
    transfer_id: str | None,
    application_fee_id: str | None,
    capture_before: datetime | None,
    authorized_at: datetime | None,
    captured_at: datetime | None,
    captured_cents: int,
    warned_at: datetime | None,
    decline_code: str | None,
    top_up_id: str | None,
    withheld_cents: int,
    to_reverse_cents: int,
    now: datetime,
) -> int: ...


@query
async def booking_of_intent(tx: Tx, *, payment_intent_id: str) -> UUID | None: ...


@query
async def booking_of_setup(tx: Tx, *, setup_intent_id: str) -> UUID | None: ...


@query
async def open_authorization(
    tx: Tx,
    *,
    booking_id: UUID,
    cycle: int,
    payment_intent_id: str,
    amount_cents: int,
    currency: str,
    authorized_at: datetime,
    capture_before: datetime | None,
) -> None: ...


@query
async def end_authorization(
    tx: Tx, *, booking_id: UUID, cycle: int, end_reason: str, now: datetime
) -> None: ...


@query
async def record_payment_event(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    event_id: UUID,
    booking_id: UUID,
    instructor_id: UUID,
    event: str,
    was: str,
    became: str,
    actor_kind: ActorKind,
    actor_id: UUID | None,
    cause: str,
    request_id: str | None,
    details: dict[str, str | int | None],
    now: datetime,
) -> None: ...


@query
async def payer_by_user(tx: Tx, *, user_id: UUID) -> Payer: ...


@query
async def keep_stripe_customer(tx: Tx, *, user_id: UUID, stripe_customer_id: str) -> str: ...


@query
async def lose_stripe_customer(tx: Tx, *, stripe_customer_id: str) -> UserId | None: ...


@query
async def newest_payments(
    tx: Tx,
    *,
    status: PaymentStatus | None,
    user_id: UUID | None,
    booking_id: UUID | None,
    before_id: UUID | None,
    most: int,
) -> list[ListedPayment]: ...


@query
async def bookings_to_authorize(tx: Tx, *, start_until: datetime, most: int) -> list[UUID]: ...


@query
async def bookings_to_retry(tx: Tx, *, quiet_since: datetime, most: int) -> list[UUID]: ...


@query
async def bookings_to_capture(
    tx: Tx,
    *,
    end_until: datetime,
    quiet_since: datetime,
    ended_since: datetime,
    last_attempt: int,
    most: int,
) -> list[UUID]: ...


@query
async def booking_parties(tx: Tx, *, booking_id: UUID) -> Parties | None: ...


@query
async def bookings_of_method(tx: Tx, *, payment_method_id: str) -> list[UUID]: ...
