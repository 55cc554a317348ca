"""Money after the lesson, and money that does not fit its time: debts, moves, reports, top-ups."""

from datetime import datetime, timedelta

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.payment_folds import renewed
from domain.payment_steps import next_step
from domain.payments import Step
from domain.settings import POLICY
from domain.timings import capture_at, outgrows, timings_for
from tests.domain.test_payments import END, START, facts, payment
from tests.domain.test_timings import CLOCK

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
FAR = START - timedelta(days=3)
LONG = END + timedelta(days=6)
Facts = dict[str, object]


# --- a card the network has renewed ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "attempt", "after", "next_attempt"),
    [
        ("auth_retry", 0, "auth_retry", 0),
        ("auth_retry", 1, "auth_retry", 0),
        ("auth_retry", 3, "auth_retry", 2),
        ("auth_retry", 4, "auth_retry", 3),
        ("auth_retry", 9, "auth_retry", 3),
        ("card_required", 0, "auth_retry", 0),
        ("card_required", 2, "auth_retry", 2),
        ("card_required", 4, "auth_retry", 3),
        ("authorized", 2, "authorized", 2),
        ("action_required", 2, "action_required", 2),
    ],
)
def test_a_renewed_card_goes_on_with_the_rung_that_is_due(
    status: PaymentStatus, attempt: int, after: PaymentStatus, next_attempt: int
) -> None:
    before = payment(status, attempt=attempt, decline_code="expired_card")
    is_changed = status != after or status == "auth_retry"
    code = None if is_changed else "expired_card"
    assert renewed(before, POLICY) == msgspec.structs.replace(
        before, status=after, attempt=next_attempt, decline_code=code
    )


# --- moved away from what was reserved ------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "own", "now", "step"),
    [
        ("releasing", {}, FAR, Step("release", "releasing")),
        ("released", {}, FAR, Step("new_cycle", "scheduled")),
        ("auth_retry", {}, FAR, Step("release", "releasing")),
        ("auth_retry", {"payment_intent_id": None}, FAR, Step("new_cycle", "scheduled")),
        ("card_required", {}, FAR, Step("release", "releasing")),
        ("auth_lost", {}, FAR, Step("new_cycle", "scheduled")),
        ("auth_lost", {}, START - 24 * HOUR, Step("new_cycle", "authorizing")),
        ("auth_retry", {"attempt": 3}, START - 24 * HOUR, None),
        ("authorized", {"capture_before": LONG}, FAR, None),
        ("authorized", {"capture_before": END + 2 * HOUR}, FAR, Step("release", "releasing")),
        ("authorized", {"capture_before": None}, FAR, None),
        ("scheduled", {}, FAR, None),
    ],
)
def test_a_moved_booking_lets_go_of_what_does_not_last(
    status: PaymentStatus, own: Facts, now: datetime, step: Step | None
) -> None:
    stored = payment(status, **{"authorized_at": now, **own})
    assert next_step(facts(), stored, now=now, policy=POLICY) == step


@pytest.mark.parametrize(
    ("lasts", "now", "age", "is_outgrown"),
    [
        (END + 26 * HOUR, FAR, 0 * HOUR, False),
        (END + 26 * HOUR - TICK, FAR, 0 * HOUR, True),
        (END, START - 24 * HOUR, 23 * HOUR, False),
        (END, START - 24 * HOUR, 24 * HOUR, True),
        (END, START - 24 * HOUR - TICK, 0 * HOUR, True),
        (END, START - TICK, 24 * HOUR, True),
        (END, START, 24 * HOUR, False),
        (None, FAR, 48 * HOUR, False),
    ],
)
def test_reserved_money_is_asked_for_anew_where_a_new_reserve_lasts_longer(
    lasts: datetime | None, now: datetime, age: timedelta, is_outgrown: bool
) -> None:
    found = outgrows(
        start_at=START,
        end_at=END,
        capture_before=lasts,
        authorized_at=now - age,
        now=now,
        policy=POLICY,
    )
    assert found is is_outgrown


def test_reserved_money_of_unknown_age_is_kept_on_the_last_day() -> None:
    found = outgrows(
        start_at=START,
        end_at=END,
        capture_before=END,
        authorized_at=None,
        now=START - HOUR,
        policy=POLICY,
    )
    assert found is False


# --- when it is taken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lasts", "is_reported", "at"),
    [
        (None, False, END + 24 * HOUR),
        (None, True, None),
        (LONG, False, END + 24 * HOUR),
        (END + 20 * HOUR, False, END + 20 * HOUR - POLICY.authorization_margin),
        (END + HOUR, False, END),
        (LONG, True, LONG - POLICY.authorization_margin),
        (END, True, END),
    ],
)
def test_money_is_taken_a_day_after_the_lesson_or_before_the_bank_lets_go(
    lasts: datetime | None, is_reported: bool, at: datetime | None
) -> None:
    assert capture_at(END, lasts, is_reported=is_reported, policy=POLICY) == at


@pytest.mark.parametrize(
    ("status", "own", "more", "now", "step"),
    [
        ("authorized", {}, {}, END + 24 * HOUR - TICK, None),
        ("authorized", {}, {}, END + 24 * HOUR, Step("capture", "capturing")),
        ("authorized", {}, {"report_state": "open"}, END + 48 * HOUR, None),
        ("authorized", {}, {"report_state": "contested"}, END + 48 * HOUR, None),
        (
            "authorized",
            {},
            {"report_state": "rejected"},
            END + 24 * HOUR,
            Step("capture", "capturing"),
        ),
        (
            "authorized",
            {"capture_before": END + 5 * HOUR},
            {"report_state": "open"},
            END + 5 * HOUR - POLICY.authorization_margin,
            Step("capture", "capturing"),
        ),
        (
            "capturing",
            {"capture_before": END + 5 * HOUR},
            {},
            END + 5 * HOUR - POLICY.authorization_margin,
            Step("capture", "capturing"),
        ),
        ("auth_lost", {"capture_before": END}, {}, END + 24 * HOUR - TICK, None),
    ],
)
def test_a_taught_lesson_is_taken_when_nothing_is_undecided(
    status: PaymentStatus, own: Facts, more: Facts, now: datetime, step: Step | None
) -> None:
    told = facts(status="completed", **more)
    assert next_step(told, payment(status, **own), now=now, policy=POLICY) == step


@pytest.mark.parametrize(
    ("now", "status", "step"),
    [
        (END + 24 * HOUR - TICK, "authorized", None),
        (END + 24 * HOUR, "authorized", Step("capture", "capturing")),
        (END, "captured", Step("move", "settled")),
        (END, "settled", None),
        (END + 24 * HOUR, "refunding", None),
        (END, "credit_only", None),
        (END + 24 * HOUR, "credit_only", Step("move", "payout_pending")),
    ],
)
def test_an_absent_student_pays_when_they_would_have_paid_anyway(
    now: datetime, status: PaymentStatus, step: Step | None
) -> None:
    told = facts(status="no_show", outcome="no_show_student")
    assert next_step(told, payment(status), now=now, policy=POLICY) == step


# --- what was not collected -----------------------------------------------------------------------

OVER = END + POLICY.collect_within


@pytest.mark.parametrize("booking", ["completed", "cancelled"])
@pytest.mark.parametrize(
    ("own", "more", "now", "step"),
    [
        ({}, {"ended_at": END}, OVER - TICK, None),
        ({}, {"ended_at": END}, OVER, Step("release", "collection")),
        ({"payment_intent_id": None}, {"ended_at": END}, OVER, Step("move", "written_off")),
        ({}, {"ended_at": None}, OVER, None),
        (
            {"is_on_session": True},
            {"ended_at": END},
            END,
            Step("confirm_intent", "collection", is_on_session=True),
        ),
        (
            {"is_on_session": True, "payment_intent_id": None},
            {"ended_at": END},
            END,
            Step("create_intent", "collection", is_on_session=True),
        ),
        ({"is_on_session": True}, {"ended_at": END, "method_state": "none"}, END, None),
    ],
)
def test_a_debt_is_paid_with_a_card_or_given_up(
    booking: str, own: Facts, more: Facts, now: datetime, step: Step | None
) -> None:
    told = facts(status=booking, outcome="charged" if booking == "cancelled" else None, **more)
    assert next_step(told, payment("collection", **own), now=now, policy=POLICY) == step


@pytest.mark.parametrize(
    ("refused", "now", "step"),
    [
        (None, END, Step("top_up", "payout_pending")),
        (END, END + POLICY.top_up_every - TICK, None),
        (END, END + POLICY.top_up_every, Step("top_up", "payout_pending")),
    ],
)
@pytest.mark.parametrize(("booking", "outcome"), [("completed", None), ("cancelled", "charged")])
def test_a_refused_top_up_is_tried_again_after_a_while(
    booking: str,
    outcome: str | None,
    refused: datetime | None,
    now: datetime,
    step: Step | None,
) -> None:
    told = facts(
        status=booking,
        outcome=outcome,
        top_up_cents=1,
        consumed_cents=1,
        top_up_refused_at=refused,
    )
    assert next_step(told, payment("payout_pending"), now=now, policy=POLICY) == step
    none = msgspec.structs.replace(told, consumed_cents=0)
    settled = Step("move", "settled")
    assert next_step(none, payment("payout_pending"), now=now, policy=POLICY) == settled


# --- promises -------------------------------------------------------------------------------------


def due(**own: object) -> dict[str, datetime]:
    now = own.pop("now", FAR)
    clock = msgspec.structs.replace(CLOCK, **own)
    return {each.kind: each.due_at for each in timings_for(clock, now=now, policy=POLICY)}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (
            {"status": "completed", "payment_status": "collection", "ended_at": END},
            {"write_off": OVER},
        ),
        (
            {
                "status": "cancelled",
                "outcome": "charged",
                "payment_status": "collection",
                "ended_at": END,
            },
            {"write_off": OVER},
        ),
        ({"status": "completed", "payment_status": "payout_pending"}, {"top_up": FAR}),
        (
            {
                "status": "completed",
                "payment_status": "payout_pending",
                "top_up_refused_at": END,
            },
            {"top_up": END + POLICY.top_up_every},
        ),
        (
            {"status": "completed", "payment_status": "authorized", "report_state": "upheld"},
            {"uphold_no_show": FAR, "capture": END + 24 * HOUR},
        ),
        (
            {
                "status": "completed",
                "payment_status": "authorized",
                "report_state": "open",
                "report_upheld_at": LONG,
            },
            {"uphold_no_show": LONG},
        ),
        (
            {
                "status": "confirmed",
                "payment_status": "authorized",
                "report_state": "open",
                "report_upheld_at": LONG,
            },
            {"uphold_no_show": LONG, "start": START},
        ),
        ({"status": "completed", "payment_status": "settled"}, {}),
        ({"status": "completed", "payment_status": "captured"}, {"capture": END + 24 * HOUR}),
        ({"status": "completed", "payment_status": "scheduled"}, {"capture": END + 24 * HOUR}),
        (
            {
                "status": "completed",
                "payment_status": "authorized",
                "report_state": "open",
                "capture_before": LONG,
            },
            {
                "capture": LONG - POLICY.authorization_margin,
                "guard_authorization": LONG - POLICY.authorization_alert,
            },
        ),
        (
            {"status": "completed", "payment_status": "authorized", "capture_before": LONG},
            {"capture": END + 24 * HOUR},
        ),
        (
            {
                "status": "completed",
                "payment_status": "capturing",
                "report_state": "open",
                "capture_before": LONG,
                "now": LONG - POLICY.authorization_alert,
            },
            {"capture": LONG - POLICY.authorization_margin},
        ),
        (
            {
                "status": "no_show",
                "outcome": "no_show_student",
                "payment_status": "authorized",
            },
            {"settle": END + 24 * HOUR},
        ),
        (
            {
                "status": "no_show",
                "outcome": "no_show_student",
                "payment_status": "authorized",
                "capture_before": END + 5 * HOUR,
            },
            {"settle": END + 5 * HOUR - POLICY.authorization_margin},
        ),
        (
            {
                "status": "no_show",
                "outcome": "no_show_instructor",
                "payment_status": "authorized",
            },
            {"settle": FAR},
        ),
        (
            {"status": "pending", "payment_status": "scheduled", "hold_expires_at": END},
            {"expire_hold": END, "confirm": FAR},
        ),
        ({"status": "pending", "payment_status": "card_setup"}, {"expire_hold": FAR}),
        ({"status": "requested", "payment_status": "authorized"}, {}),
    ],
)
def test_what_is_promised_after_the_lesson(own: Facts, expected: dict[str, datetime]) -> None:
    assert due(**dict(own)) == expected
