"""What a cancellation is judged by."""

from datetime import datetime

import msgspec

from domain.bookings import BookingStatus, PaymentStatus
from domain.ids import BookingId, UserId
from storage.query import Tx, query


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One booking before it is cancelled. Money in minor units."""

    booking_id: BookingId
    student_id: UserId
    status: BookingStatus
    start_at: datetime
    end_at: datetime
    created_at: datetime
    sticky_lead_seconds: int | None
    was_authorized: bool
    payment_status: PaymentStatus
    card_amount_cents: int
    credit_applied_cents: int
    instructor_amount_cents: int
    is_excused: bool


@query
async def case_of_viewer(tx: Tx, *, booking_id: BookingId, viewer_id: UserId) -> Case | None: ...
