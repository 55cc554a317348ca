"""Which promises are live for a booking, in each of its states."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import uuid4

import msgspec
import pytest

from domain.bookings import BookingStatus, PaymentStatus
from domain.settings import POLICY
from domain.timings import ASKED, AT_REST, KEPT, SECURED, UNPAID, BookingClock, Due, timings_for

ROOT = Path(__file__).parents[2]
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
    is_asked = status == "confirmed" and payment_status in UNPAID
    now = START - 24 * HOUR if is_asked else NOW
    dues = timings_for(clock, now=now, policy=POLICY)
    assert len({due.kind for due in dues}) == len(dues)
    return {due.kind: due.due_at for due in dues}


def test_a_hold_ends_when_it_says() -> None:
    ends_at = NOW + timedelta(minutes=5)
    assert live("pending", "card_setup", hold_expires_at=ends_at) == {"expire_hold": ends_at}


def test_a_scheduled_booking_is_authorized_a_day_ahead() -> None:
    assert live("confirmed", "scheduled") == {"authorize": START - 24 * HOUR}


@pytest.mark.parametrize("status", ["authorized", "credit_only", "captured"])
def test_secured_money_leads_to_the_lesson_and_then_to_its_end(status: PaymentStatus) -> None:
    assert live("confirmed", status) == {"start": START}
    assert live("confirmed", status, is_started=True) == {"complete": END}
    assert live("completed", status) == {"capture": END + 24 * HOUR}


@pytest.mark.parametrize(
    "status", ["captured", "payout_pending", "settled", "partially_refunded", "disputed"]
)
def test_a_lesson_whose_money_was_taken_too_early_is_given_all_the_same(
    status: PaymentStatus,
) -> None:
    assert live("confirmed", status) == {"start": START}
    assert live("confirmed", status, is_started=True) == {"complete": END}


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


@pytest.mark.parametrize("status", ["auth_retry", "card_required"])
def test_what_is_not_the_students_doing_is_tried_every_hour_until_the_lesson_begins(
    status: PaymentStatus,
) -> None:
    blocked_at = START - 9 * HOUR
    clock = clock_of(payment_status=status, blocked_at=blocked_at, attempt=2)
    assert timings_for(clock, now=blocked_at, policy=POLICY) == (
        Due(kind="cancel_unpaid", due_at=START),
        Due(kind="authorize", due_at=blocked_at + HOUR, attempt=2),
    )


@pytest.mark.parametrize("attempt", [0, 3])
def test_a_rung_knows_which_it_is(attempt: int) -> None:
    clock = clock_of(payment_status="auth_retry", attempt=attempt)
    dues = timings_for(clock, now=START - 24 * HOUR, policy=POLICY)
    assert [each.attempt for each in dues if each.kind == "authorize"] == [attempt]


@pytest.mark.parametrize("status", sorted(ASKED))
def test_a_bank_that_is_asked_late_has_a_quarter_of_an_hour_to_answer(
    status: PaymentStatus,
) -> None:
    near = clock_of(payment_status=status)
    quarter = timedelta(minutes=15)
    asked_at = START - 5 * HOUR
    assert dues_of(near, asked_at)["cancel_unpaid"] == asked_at + quarter
    assert "warn_payment" not in dues_of(near, asked_at)
    at_last = START - timedelta(minutes=1)
    assert dues_of(near, at_last)["cancel_unpaid"] == START
    assert dues_of(near, START + HOUR)["cancel_unpaid"] == START + HOUR
    just_late = START - 6 * HOUR
    assert dues_of(near, just_late)["cancel_unpaid"] == just_late + quarter
    on_time = START - 6 * HOUR - timedelta(seconds=1)
    assert dues_of(near, on_time)["cancel_unpaid"] == START - 6 * HOUR


def test_who_is_asked_late_is_not_warned_while_the_bank_decides() -> None:
    asked_at = START - 8 * HOUR
    quarter = timedelta(minutes=15)
    dues = dues_of(clock_of(payment_status="authorizing"), asked_at)
    assert dues == {"warn_payment": asked_at + quarter, "cancel_unpaid": START - 6 * HOUR}
    refused = dues_of(clock_of(payment_status="card_required"), asked_at)
    assert refused == {"warn_payment": START - 12 * HOUR, "cancel_unpaid": START - 6 * HOUR}


@pytest.mark.parametrize("status", ["cancelled", "expired", "no_show"])
def test_what_is_over_is_settled_at_once_unless_it_is_at_rest(status: BookingStatus) -> None:
    wanted = KEPT | {"collection", "partially_refunded"}
    for payment_status in set(get_args(PaymentStatus)):
        is_wanted = payment_status in wanted or payment_status not in AT_REST
        assert live(status, payment_status) == ({"settle": NOW} if is_wanted else {})


@pytest.mark.parametrize("outcome", ["charged", "no_show_student"])
def test_what_is_owed_is_settled_though_a_move_let_it_go(outcome: str) -> None:
    ended = {"outcome": outcome, "ended_at": END}
    at = END + 24 * HOUR if outcome == "no_show_student" else NOW
    assert live("cancelled", "released", **ended) == {"settle": at}
    assert live("cancelled", "released", **ended, attempt=5) == {"settle": at}
    assert live("cancelled", "settled", **ended) == {}
    assert live("cancelled", "collection", **ended) == {"write_off": END + timedelta(days=14)}
    assert live("cancelled", "payout_pending", **ended) == {"top_up": NOW}


def test_a_credit_is_asked_for_once_after_a_move_and_then_let_be() -> None:
    assert live("cancelled", "released", outcome="credit") == {"settle": NOW}
    assert live("cancelled", "released", outcome="credit", attempt=5) == {}
    assert live("cancelled", "released", outcome="free") == {}


@pytest.mark.parametrize(("status", "outcome"), [("completed", None), ("cancelled", "charged")])
def test_a_lost_dispute_ends_no_top_up_that_credit_owes(
    status: BookingStatus, outcome: str | None
) -> None:
    ended = {"outcome": outcome, "ended_at": END}
    assert live(status, "dispute_lost", **ended, is_top_up_owed=True) == {"top_up": NOW}
    later = {"is_top_up_owed": True, "top_up_refused_at": NOW}
    assert live(status, "dispute_lost", **ended, **later) == {"top_up": NOW + HOUR}
    assert live(status, "dispute_lost", **ended, is_top_up_owed=False) == {}
    assert live(status, "disputed", **ended, is_top_up_owed=True) == {}


def test_a_top_up_refused_and_not_owed_any_more_is_not_tried_again() -> None:
    refused = {"top_up_refused_at": NOW}
    assert live("completed", "partially_refunded", **refused, is_top_up_owed=False) == {}
    again = {"top_up": NOW + HOUR}
    assert live("completed", "partially_refunded", **refused, is_top_up_owed=True) == again


def test_a_request_promises_nothing() -> None:
    assert live("requested", "card_setup") == {}


def clock_of(**facts: object) -> BookingClock:
    return msgspec.structs.replace(CLOCK, **facts)


def dues_of(clock: BookingClock, now: datetime) -> dict[str, datetime]:
    return {due.kind: due.due_at for due in timings_for(clock, now=now, policy=POLICY)}


def test_money_is_taken_before_the_bank_lets_it_go() -> None:
    kept = clock_of(status="completed", payment_status="authorized", ended_at=END)
    before = END + 20 * HOUR
    dues = dues_of(msgspec.structs.replace(kept, capture_before=before), END)
    assert dues == {"capture": END + 18 * HOUR, "guard_authorization": END + 8 * HOUR}
    far = msgspec.structs.replace(kept, capture_before=END + 90 * HOUR)
    assert dues_of(far, END) == {"capture": END + 24 * HOUR}


def test_an_undecided_report_holds_the_capture_while_the_bank_allows() -> None:
    upheld_at = END + 25 * HOUR
    reported = clock_of(
        status="completed",
        payment_status="authorized",
        capture_before=END + 90 * HOUR,
        report_state="open",
        report_upheld_at=upheld_at,
    )
    assert dues_of(reported, END) == {
        "uphold_no_show": upheld_at,
        "capture": END + 88 * HOUR,
        "guard_authorization": END + 78 * HOUR,
    }
    contested = msgspec.structs.replace(reported, report_state="contested", capture_before=None)
    assert dues_of(contested, END) == {}


def test_an_absent_student_pays_when_the_lesson_would_have_been_paid() -> None:
    absent = clock_of(status="no_show", payment_status="authorized", outcome="no_show_student")
    assert dues_of(absent, END + HOUR) == {"settle": END + 24 * HOUR}
    assert dues_of(absent, END + 30 * HOUR) == {"settle": END + 30 * HOUR}


def test_a_debt_is_given_up_after_a_fortnight() -> None:
    owed = clock_of(status="cancelled", payment_status="collection", ended_at=START)
    expected = {"write_off": START + timedelta(days=14)}
    assert dues_of(msgspec.structs.replace(owed, outcome="charged"), START) == expected
    assert dues_of(msgspec.structs.replace(owed, status="completed"), START) == expected
    nobody = msgspec.structs.replace(owed, status="no_show", outcome="no_show_instructor")
    assert dues_of(nobody, START) == {"settle": START}


def test_a_moved_booking_asks_its_card_anew() -> None:
    failing = clock_of(payment_status="auth_retry", attempt=2)
    last = START - 6 * HOUR
    assert dues_of(failing, NOW) == {"settle": NOW, "cancel_unpaid": last}
    for status in ("releasing", "released"):
        # a release that nobody answers for is not money that is sure
        moving = clock_of(payment_status=status)
        assert dues_of(moving, NOW) == {"settle": NOW, "cancel_unpaid": last}
    kept = clock_of(
        payment_status="authorized", capture_before=END + HOUR, authorized_at=NOW - 2 * HOUR
    )
    assert dues_of(kept, NOW) == {"start": START, "settle": NOW}
    assert dues_of(kept, START - 2 * HOUR) == {"start": START, "settle": START - 2 * HOUR}
    fresh = msgspec.structs.replace(kept, authorized_at=START - 3 * HOUR)
    assert dues_of(fresh, START - 2 * HOUR) == {"start": START}


def test_the_guards_of_the_calendar_name_what_secures_a_lesson() -> None:
    statement = (ROOT / "sql/bookings/change_bookings.sql").read_text(encoding="utf-8")
    for guard in ("'secured' THEN p.status IN", "'unpaid' THEN p.status NOT IN"):
        named = statement.split(f"WHEN {guard} (")[1].split(")")[0]
        assert {each.strip(" \n'") for each in named.split(",")} == SECURED
