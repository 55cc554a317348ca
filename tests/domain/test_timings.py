"""Which promises are live for a booking, in each of its states."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import msgspec
import pytest

from domain.bookings import BookingStatus, PaymentStatus
from domain.settings import POLICY
from domain.timings import AT_REST, BookingClock, timings_for

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
END = START + timedelta(hours=1)
NOW = START - timedelta(days=5)
HOUR = timedelta(hours=1)
CLOCK = BookingClock(
    booking_id=uuid4(),
    status="confirmed",
    payment_status="scheduled",
    start_at=START,
    end_at=END,
    hold_expires_at=None,
    is_started=False,
    attempt=0,
    is_warned=False,
)


def live(
    status: BookingStatus, payment_status: PaymentStatus, **facts: object
) -> dict[str, datetime]:
    clock = msgspec.structs.replace(CLOCK, status=status, payment_status=payment_status, **facts)
    dues = timings_for(clock, now=NOW, policy=POLICY)
    assert len({due.kind for due in dues}) == len(dues)
    return {due.kind: due.due_at for due in dues}


def test_a_hold_ends_when_it_says() -> None:
    ends_at = NOW + timedelta(minutes=5)
    assert live("pending", "card_setup", hold_expires_at=ends_at) == {"expire_hold": ends_at}


def test_a_scheduled_booking_is_authorized_a_day_ahead() -> None:
    assert live("confirmed", "scheduled") == {"authorize": START - 24 * HOUR}


@pytest.mark.parametrize("status", ["authorized", "credit_only"])
def test_secured_money_leads_to_the_lesson_and_then_to_its_end(status: PaymentStatus) -> None:
    assert live("confirmed", status) == {"start": START}
    assert live("confirmed", status, is_started=True) == {"complete": END}
    assert live("completed", status) == {"capture": END + 24 * HOUR}


@pytest.mark.parametrize(("attempt", "hours"), [(0, 24), (1, 22), (2, 20), (3, 18)])
def test_the_ladder_has_a_rung_for_each_attempt(attempt: int, hours: int) -> None:
    dues = live("confirmed", "auth_retry", attempt=attempt)
    assert dues == {
        "authorize": START - hours * HOUR,
        "warn_payment": START - 12 * HOUR,
        "cancel_unpaid": START - 6 * HOUR,
    }


def test_after_the_last_rung_there_is_only_the_warning_and_the_end() -> None:
    assert set(live("confirmed", "auth_retry", attempt=4)) == {"warn_payment", "cancel_unpaid"}
    assert set(live("confirmed", "auth_retry", attempt=4, is_warned=True)) == {"cancel_unpaid"}


@pytest.mark.parametrize("status", ["card_required", "action_required", "auth_lost"])
def test_who_must_act_is_warned_and_then_cancelled(status: PaymentStatus) -> None:
    assert live("confirmed", status) == {
        "warn_payment": START - 12 * HOUR,
        "cancel_unpaid": START - 6 * HOUR,
    }


@pytest.mark.parametrize("status", ["cancelled", "expired", "no_show"])
def test_what_is_over_is_settled_at_once_unless_it_is_at_rest(status: BookingStatus) -> None:
    for payment_status in get_args(PaymentStatus):
        expected = {} if payment_status in AT_REST else {"settle": NOW}
        assert live(status, payment_status) == expected


def test_a_request_promises_nothing() -> None:
    assert live("requested", "card_setup") == {}
