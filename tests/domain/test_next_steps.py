"""What a payment needs next, from stored facts alone: one row for each way it can stand."""

import uuid
from datetime import timedelta

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.operations import Decline
from domain.payment_folds import after_decline, with_method
from domain.payment_steps import next_step, rung, uncollected
from domain.payments import Step
from domain.settings import POLICY
from tests.domain.test_payments import END, START, facts, payment

HOUR = timedelta(hours=1)
LATE = END + 24 * HOUR
WISH = uuid.UUID(int=9)
Facts = dict[str, object]
TRIED: Facts = {"attempt": 5}
OVERDUE: Facts = {"ended_at": LATE - timedelta(days=14)}

STEPS = [
    # money that is to go back, whatever became of the booking
    ("completed", None, "settled", {}, {"refund_id": WISH}, Step("refund", "refunding")),
    ("completed", None, "refunded", {}, {"refund_id": WISH}, None),
    ("completed", None, "dispute_lost", {}, {"recover_cents": 1}, Step("recover", "dispute_lost")),
    ("completed", None, "dispute_lost", {}, {}, None),
    ("completed", None, "settled", {}, {"recover_cents": 1}, None),
    (
        "completed",
        None,
        "refunded",
        {"top_up_id": "tr_2"},
        {"consumed_cents": 1},
        Step("reverse_top_up", "refunded"),
    ),
    ("completed", None, "refunded", {}, {"consumed_cents": 1}, Step("restore_credit", "refunded")),
    (
        "cancelled",
        "free",
        "released",
        {},
        {"reserved_cents": 1},
        Step("restore_credit", "released"),
    ),
    ("cancelled", "free", "released", {}, {}, None),
    # what is owed and on no card any more
    ("cancelled", "charged", "auth_lost", {}, {}, Step("new_cycle", "authorizing")),
    (
        "cancelled",
        "charged",
        "scheduled",
        {"payment_intent_id": None},
        {},
        Step("create_intent", "authorizing", is_on_session=False),
    ),
    (
        "cancelled",
        "charged",
        "card_required",
        {},
        {"method_state": "detached"},
        Step("give_up", "collection"),
    ),
    (
        "cancelled",
        "charged",
        "auth_lost",
        {},
        {"method_state": "new"},
        Step("new_cycle", "collection"),
    ),
    # moved, let go, and owed all the same: one attempt in a cycle of its own
    ("cancelled", "charged", "releasing", {}, {}, Step("release", "releasing")),
    ("cancelled", "charged", "released", {}, {}, Step("new_cycle", "authorizing")),
    (
        "cancelled",
        "charged",
        "released",
        {},
        {"reserved_cents": 1},
        Step("new_cycle", "authorizing"),
    ),
    (
        "cancelled",
        "charged",
        "released",
        {},
        {"method_state": "detached"},
        Step("new_cycle", "collection"),
    ),
    ("cancelled", "charged", "released", TRIED, {}, Step("new_cycle", "collection")),
    ("cancelled", "charged", "auth_lost", TRIED, {}, Step("new_cycle", "collection")),
    ("no_show", "no_show_student", "released", {}, {}, Step("new_cycle", "authorizing")),
    ("completed", None, "released", {}, {}, Step("new_cycle", "authorizing")),
    ("cancelled", "credit", "releasing", {}, {}, Step("release", "releasing")),
    ("cancelled", "credit", "released", {}, {}, Step("new_cycle", "authorizing")),
    (
        "cancelled",
        "credit",
        "released",
        {},
        {"method_state": "detached"},
        Step("give_up", "released"),
    ),
    ("cancelled", "credit", "released", TRIED, {}, None),
    ("cancelled", "credit", "released", {}, {"card_amount_cents": 0}, Step("give_up", "released")),
    ("cancelled", "free", "released", {}, {}, None),
    ("cancelled", "charged", "capturing", {}, {}, Step("capture", "capturing")),
    ("cancelled", "charged", "crediting", {}, {}, Step("capture", "capturing")),
    ("cancelled", "charged", "credit_only", {}, {}, Step("move", "payout_pending")),
    ("cancelled", "credit", "credit_only", {}, {}, Step("give_up", "released")),
    ("cancelled", "credit", "crediting", {}, {}, Step("capture_as_fee", "crediting")),
    ("cancelled", "credit", "auth_retry", {}, {}, Step("confirm_intent", "authorizing")),
    (
        "cancelled",
        "credit",
        "auth_retry",
        {},
        {"method_state": "none"},
        Step("release", "releasing"),
    ),
    ("cancelled", "charged", "refunded", {}, {}, None),
    ("cancelled", "charged", "disputed", {}, {}, None),
    # nothing is owed: nothing stays open
    ("cancelled", "free", "auth_lost", {}, {}, Step("move", "released")),
    ("cancelled", "free", "card_setup", {"payment_intent_id": None}, {}, Step("move", "released")),
    (
        "cancelled",
        "free",
        "releasing",
        {"payment_intent_id": None, "setup_intent_id": "seti_1"},
        {},
        Step("cancel_setup", "releasing"),
    ),
    (
        "cancelled",
        "free",
        "scheduled",
        {"payment_intent_id": None, "setup_intent_id": "seti_1"},
        {},
        Step("move", "released"),
    ),
    ("cancelled", "free", "credit_only", {"payment_intent_id": None}, {}, Step("move", "released")),
    ("cancelled", "free", "refunding", {}, {}, None),
    ("expired", None, "credit_only", {}, {}, Step("ask_confirm", "credit_only")),
    (
        "expired",
        "slot_lost",
        "credit_only",
        {"payment_intent_id": None},
        {},
        Step("move", "released"),
    ),
    (
        "cancelled",
        "by_instructor",
        "settled",
        {"captured_cents": 1},
        {},
        Step("plan_refund", "settled"),
    ),
    ("cancelled", "by_instructor", "settled", {}, {}, Step("move", "refunded")),
    ("cancelled", "by_instructor", "settled", {"captured_cents": 1}, {"refunded_cents": 1}, None),
    (
        "cancelled",
        "by_instructor",
        "partially_refunded",
        {"captured_cents": 2},
        {"refunded_cents": 1},
        Step("plan_refund", "partially_refunded"),
    ),
    # the lesson was given
    ("completed", None, "captured", {}, {}, Step("move", "settled")),
    ("completed", None, "captured", {}, {"top_up_cents": 1}, Step("move", "settled")),
    (
        "completed",
        None,
        "captured",
        {},
        {"top_up_cents": 1, "consumed_cents": 1},
        Step("move", "payout_pending"),
    ),
    (
        "completed",
        None,
        "payout_pending",
        {},
        {"top_up_cents": 1, "consumed_cents": 1},
        Step("top_up", "payout_pending"),
    ),
    ("completed", None, "payout_pending", {}, {"top_up_cents": 1}, Step("move", "settled")),
    # a lost dispute takes back the card's part; what credit has paid stays owed
    (
        "completed",
        None,
        "dispute_lost",
        {},
        {"top_up_cents": 1, "consumed_cents": 1},
        Step("top_up", "dispute_lost"),
    ),
    (
        "cancelled",
        "charged",
        "dispute_lost",
        {},
        {"top_up_cents": 1, "consumed_cents": 1},
        Step("top_up", "dispute_lost"),
    ),
    (
        "completed",
        None,
        "dispute_lost",
        {},
        {"top_up_cents": 1, "consumed_cents": 1, "recover_cents": 1},
        Step("recover", "dispute_lost"),
    ),
    (
        "completed",
        None,
        "dispute_lost",
        {"top_up_id": "tr_2"},
        {"top_up_cents": 1, "consumed_cents": 1},
        None,
    ),
    # a debt is given up when nothing is open any more that could still be paid
    ("cancelled", "charged", "collection", {}, OVERDUE, Step("release", "collection")),
    (
        "cancelled",
        "charged",
        "collection",
        {"payment_intent_id": None},
        OVERDUE,
        Step("move", "written_off"),
    ),
    ("cancelled", "charged", "auth_lost", TRIED, OVERDUE, Step("move", "written_off")),
    ("completed", None, "payout_pending", {"top_up_id": "tr_2"}, {}, Step("move", "settled")),
    ("completed", None, "auth_lost", {}, {}, Step("new_cycle", "authorizing")),
    ("completed", None, "authorizing", {}, {}, Step("confirm_intent", "authorizing")),
    ("completed", None, "authorized", {}, {}, Step("capture", "capturing")),
    ("requested", None, "card_setup", {}, {}, None),
]


@pytest.mark.parametrize(("booking", "outcome", "status", "own", "more", "step"), STEPS)
def test_the_next_step_follows_from_what_is_stored(
    booking: str,
    outcome: str | None,
    status: PaymentStatus,
    own: Facts,
    more: Facts,
    step: Step | None,
) -> None:
    told = facts(status=booking, outcome=outcome, **more)
    assert next_step(told, payment(status, **own), now=LATE, policy=POLICY) == step


@pytest.mark.parametrize(
    ("method", "is_on_session", "step"),
    [
        ("attached", False, Step("confirm_intent", "authorizing", is_on_session=False)),
        ("attached", True, Step("confirm_intent", "authorizing", is_on_session=True)),
        ("new", False, Step("attach_method", "authorizing", is_on_session=False)),
        ("new", True, Step("attach_method", "authorizing", is_on_session=True)),
        ("none", False, Step("move", "card_required")),
        ("detached", False, Step("move", "card_required")),
        ("none", True, None),
        ("detached", True, None),
    ],
)
def test_an_authorization_needs_intent_card_and_consent(
    method: str, is_on_session: bool, step: Step | None
) -> None:
    now = START - 8 * HOUR
    told, asked = facts(method_state=method), payment("authorizing", is_on_session=is_on_session)
    assert next_step(told, asked, now=now, policy=POLICY) == step
    bare = msgspec.structs.replace(asked, payment_intent_id=None)
    assert next_step(told, bare, now=now, policy=POLICY) == Step(
        "create_intent", "authorizing", is_on_session
    )


@pytest.mark.parametrize(("status", "early"), [("scheduled", 24), ("auth_retry", 20)])
def test_the_ladder_is_climbed_at_its_second_and_off_session(
    status: PaymentStatus, early: int
) -> None:
    due_at = START - early * HOUR
    asked = payment(status, attempt=2, is_on_session=True)
    before = due_at - timedelta(microseconds=1)
    assert next_step(facts(), asked, now=before, policy=POLICY) is None
    step = Step("confirm_intent", "authorizing", is_on_session=False)
    assert next_step(facts(), asked, now=due_at, policy=POLICY) == step


def test_the_ladder_has_four_rungs_and_then_none_before_the_start() -> None:
    due = [rung(facts(), attempt, POLICY) for attempt in range(6)]
    assert [START - at for at in due[:4]] == [24 * HOUR, 22 * HOUR, 20 * HOUR, 18 * HOUR]
    assert due[4:] == [END, END]


@pytest.mark.parametrize("is_far", [True, False])
def test_a_pending_booking_far_ahead_only_waits_for_its_calendar(is_far: bool) -> None:
    now = START - 24 * HOUR + (timedelta() if is_far else timedelta(seconds=1))
    step = next_step(facts(status="pending"), payment("scheduled"), now=now, policy=POLICY)
    expected = Step("confirm_intent", "authorizing", is_on_session=True)
    assert step == (Step("ask_confirm", "scheduled") if is_far else expected)
    paid = payment("credit_only")
    assert next_step(facts(status="pending"), paid, now=now, policy=POLICY) == Step(
        "ask_confirm", "credit_only"
    )


@pytest.mark.parametrize(
    ("outcome", "own", "step"),
    [
        ("charged", {}, Step("give_up", "collection")),
        ("no_show_student", {}, Step("give_up", "collection")),
        ("credit", {}, Step("release", "releasing")),
        ("credit", {"payment_intent_id": None}, Step("move", "released")),
    ],
)
def test_what_could_not_be_collected_is_a_debt_or_let_go(
    outcome: str, own: Facts, step: Step
) -> None:
    told = facts(status="cancelled", outcome=outcome)
    assert uncollected(told, payment("authorizing", **own)) == step
    taken = payment("settled", **own)
    if outcome == "credit":
        assert uncollected(told, taken) == Step("give_up", "released")


@pytest.mark.parametrize(
    ("booking", "before", "kind", "after"),
    [
        ("pending", "card_setup", "soft", "card_setup"),
        ("pending", "authorizing", "authentication", "card_required"),
        ("confirmed", "authorizing", "hard", "card_required"),
        ("confirmed", "authorizing", "authentication", "action_required"),
        ("confirmed", "authorizing", "soft", "auth_retry"),
        ("completed", "authorizing", "soft", "collection"),
    ],
)
def test_a_refused_card_is_remembered_and_nobody_is_there_any_more(
    booking: str, before: PaymentStatus, kind: str, after: PaymentStatus
) -> None:
    asked = payment(before, is_on_session=True, attempt=0)
    declined = after_decline(
        facts(status=booking),
        asked,
        Decline(kind=kind, code="generic_decline"),
        now=START - 24 * HOUR,
        policy=POLICY,
    )
    assert declined == msgspec.structs.replace(
        asked,
        status=after,
        is_on_session=False,
        decline_code="generic_decline",
        attempt={"auth_retry": 1, "collection": 5}.get(after, 0),
    )


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        *(
            (each, {"status": "authorizing", "is_on_session": True})
            for each in ("auth_retry", "card_required", "action_required", "authorizing")
        ),
        ("collection", {"is_on_session": True}),
        ("card_setup", {}),
        ("scheduled", {}),
    ],
)
def test_another_card_is_tried_where_the_last_one_failed(
    status: PaymentStatus, changes: Facts
) -> None:
    before = payment(status, decline_code="stolen_card")
    expected = {"payment_method_id": "pm_2", "decline_code": None, **changes}
    assert with_method(before, "pm_2") == msgspec.structs.replace(before, **expected)


@pytest.mark.parametrize("status", ["authorized", "settled", "released", "capturing"])
def test_what_is_paid_or_over_takes_no_other_card(status: PaymentStatus) -> None:
    assert with_method(payment(status), "pm_2") == payment(status)
