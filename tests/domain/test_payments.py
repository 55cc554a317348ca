"""A payment's next step from stored facts alone, and the fold of observations in any order."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bookings import PaymentStatus
from domain.ids import BookingId, UserId
from domain.journals import Journal, capture_journals
from domain.operations import ChargeSeen, Decline, DeclineKind, IntentSeen, decline_kind
from domain.payment_folds import after_decline, fold
from domain.payment_steps import next_step
from domain.payments import (
    ASKING,
    OPEN_AUTHORIZATION,
    MoneyFacts,
    Payment,
    Step,
)
from domain.settings import POLICY

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
END = START + timedelta(hours=1)
FAR = START - timedelta(days=5)
AMOUNT = 10_000
BOOKING = BookingId(uuid.UUID(int=1))
Facts = dict[str, object]


def facts(**changes: object) -> MoneyFacts:
    return msgspec.structs.replace(
        MoneyFacts(
            booking_id=BOOKING,
            instructor_id=UserId(uuid.UUID(int=2)),
            student_id=UserId(uuid.UUID(int=3)),
            status="confirmed",
            outcome=None,
            start_at=START,
            end_at=END,
            hold_expires_at=None,
            started_at=None,
            currency="usd",
            policy_version=1,
            instructor_amount_cents=8500,
            card_amount_cents=AMOUNT,
            destination_cents=8500,
            application_fee_cents=1500,
            top_up_cents=0,
            stripe_account_id="acct_1",
            stripe_customer_id="cus_1",
            method_state="attached",
        ),
        **changes,
    )


def payment(status: PaymentStatus, **changes: object) -> Payment:
    return msgspec.structs.replace(
        Payment(
            booking_id=BOOKING,
            version=1,
            status=status,
            cycle=1,
            attempt=0,
            is_on_session=False,
            payment_method_id="pm_1",
            setup_intent_id=None,
            payment_intent_id="pi_1",
            charge_id=None,
            transfer_id=None,
            application_fee_id=None,
            capture_before=None,
            authorized_at=None,
            captured_at=None,
            captured_cents=0,
            warned_at=None,
            decline_code=None,
        ),
        **changes,
    )


def charge(*, fee_cents: int = 1500, is_booked: bool = True) -> ChargeSeen:
    taken = ChargeSeen(
        id="ch_1",
        is_good=True,
        authorized_at=START - timedelta(hours=24),
        capture_before=START + timedelta(days=3),
    )
    if not is_booked:
        return taken
    return msgspec.structs.replace(
        taken,
        captured_at=END + timedelta(hours=24),
        captured_cents=AMOUNT,
        stripe_fee_cents=320,
        balance_transaction_id="txn_1",
        transfer_id="tr_1",
        transfer_cents=AMOUNT,
        transfer_transaction_id="txn_2",
        destination_transaction_id="txn_3",
        application_fee_id="fee_1",
        application_fee_cents=fee_cents,
        application_fee_transaction_id="txn_4",
    )


def seen(status: str, **changes: object) -> IntentSeen:
    return IntentSeen(id="pi_1", status=status, amount_cents=AMOUNT, **changes)


def folded(now: Payment, look: IntentSeen) -> Payment:
    """A payment of 100 dollars after a look at its intent."""
    return fold(now, look, amount_cents=AMOUNT, destination_cents=8500)


ASKED = (
    seen("requires_payment_method"),
    seen("requires_confirmation"),
    seen("requires_action"),
)
RESERVED = seen("requires_capture", capturable_cents=AMOUNT, charge=charge(is_booked=False))
LAPSED = seen("canceled", charge=charge(is_booked=False))
TAKEN = seen("succeeded", received_cents=AMOUNT, charge=charge())
UNBOOKED = seen("succeeded", received_cents=AMOUNT, charge=charge(is_booked=False))
CREDITED = seen("succeeded", received_cents=AMOUNT, charge=charge(fee_cents=AMOUNT))

LIVES = (
    (*ASKED, RESERVED, UNBOOKED, TAKEN),
    (*ASKED, RESERVED, LAPSED),
    (*ASKED, RESERVED, UNBOOKED, CREDITED),
    (*ASKED, seen("canceled")),
)
STATUSES = sorted(
    ASKING | OPEN_AUTHORIZATION | {"releasing", "released", "auth_lost", "captured", "collection"}
)


@given(
    st.sampled_from(LIVES).flatmap(lambda life: st.lists(st.sampled_from(life), max_size=8)),
    st.sampled_from(STATUSES),
    st.randoms(use_true_random=False),
)
def test_any_order_and_repetition_of_observations_ends_the_same(
    observations: list[IntentSeen], status: PaymentStatus, random: Random
) -> None:
    orders = [observations, observations * 2, random.sample(observations, len(observations))]
    ends = set()
    for order in orders:
        now = payment(status)
        for each in order:
            now = folded(now, each)
        ends.add(
            (now.status, now.charge_id, now.authorized_at, now.captured_at, now.captured_cents)
        )
    assert len(ends) == 1


@given(st.permutations([RESERVED, TAKEN, ASKED[0], seen("canceled"), TAKEN]))
def test_even_impossible_histories_have_one_end(observations: list[IntentSeen]) -> None:
    now = payment("authorizing")
    for each in observations:
        now = folded(now, each)
    assert now.status == "captured"


def test_an_observation_of_an_earlier_cycle_changes_nothing() -> None:
    now = payment("authorizing", payment_intent_id="pi_2", cycle=2)
    assert folded(now, RESERVED) == now


@pytest.mark.parametrize(
    ("status", "stored", "now", "step"),
    [
        ("scheduled", {"payment_intent_id": None}, START - timedelta(hours=24, seconds=1), None),
        (
            "scheduled",
            {"payment_intent_id": None},
            START - timedelta(hours=24),
            Step("create_intent", "authorizing"),
        ),
        ("authorizing", {}, START - timedelta(hours=24), Step("confirm_intent", "authorizing")),
        ("auth_retry", {"attempt": 1}, START - timedelta(hours=22, seconds=1), None),
        (
            "auth_retry",
            {"attempt": 1},
            START - timedelta(hours=22),
            Step("confirm_intent", "authorizing"),
        ),
        ("card_required", {}, START - timedelta(hours=7), None),
        ("action_required", {}, START - timedelta(hours=7), None),
        ("authorized", {}, END, None),
        ("auth_lost", {}, START - timedelta(hours=3), Step("new_cycle", "authorizing")),
    ],
)
def test_a_confirmed_booking_is_authorised_by_the_ladder(
    status: PaymentStatus, stored: Facts, now: datetime, step: Step | None
) -> None:
    assert next_step(facts(), payment(status, **stored), now=now, policy=POLICY) == step


@pytest.mark.parametrize(
    ("status", "stored", "people", "now", "step"),
    [
        ("card_setup", {}, {"method_state": "none"}, FAR, Step("create_setup", "card_setup")),
        (
            "card_setup",
            {"setup_intent_id": "seti_1"},
            {"method_state": "none"},
            FAR,
            None,
        ),
        ("card_setup", {}, {"method_state": "new"}, FAR, Step("attach_method", "card_setup")),
        ("card_setup", {}, {}, FAR, Step("move", "scheduled")),
        ("scheduled", {}, {}, FAR, Step("ask_confirm", "scheduled")),
        (
            "scheduled",
            {"payment_intent_id": None},
            {},
            START - timedelta(hours=6),
            Step("create_intent", "authorizing", True),
        ),
        (
            "authorizing",
            {},
            {"method_state": "new"},
            START - timedelta(hours=6),
            Step("attach_method", "authorizing", True),
        ),
        (
            "authorizing",
            {},
            {},
            START - timedelta(hours=6),
            Step("confirm_intent", "authorizing", True),
        ),
        ("authorizing", {}, {"method_state": "none"}, START - timedelta(hours=6), None),
        ("authorized", {}, {}, START - timedelta(hours=6), Step("ask_confirm", "authorized")),
    ],
)
def test_a_pending_booking_is_paid_for_face_to_face(
    status: PaymentStatus, stored: Facts, people: Facts, now: datetime, step: Step | None
) -> None:
    pending = facts(status="pending", **people)
    assert next_step(pending, payment(status, **stored), now=now, policy=POLICY) == step


@pytest.mark.parametrize(
    ("booking", "outcome", "status", "stored", "step"),
    [
        ("cancelled", "credit", "authorized", {}, Step("capture_as_fee", "crediting")),
        ("cancelled", "charged", "authorized", {}, Step("capture", "capturing")),
        ("cancelled", "charged", "auth_retry", {}, Step("confirm_intent", "authorizing")),
        ("cancelled", "charged", "captured", {}, Step("move", "settled")),
        ("cancelled", "free", "authorized", {}, Step("release", "releasing")),
        ("cancelled", "free", "scheduled", {"payment_intent_id": None}, Step("move", "released")),
        ("cancelled", "by_instructor", "authorized", {}, Step("release", "releasing")),
        ("cancelled", "payment_failed", "card_required", {}, Step("release", "releasing")),
        ("expired", None, "authorized", {}, Step("ask_confirm", "authorized")),
        ("expired", "slot_lost", "authorized", {}, Step("release", "releasing")),
        (
            "expired",
            None,
            "card_setup",
            {"payment_intent_id": None, "setup_intent_id": "seti_1"},
            Step("cancel_setup", "releasing"),
        ),
        ("cancelled", "credit", "credited", {}, None),
        ("cancelled", "free", "captured", {"captured_cents": 1}, Step("plan_refund", "captured")),
        ("cancelled", "free", "refunded", {}, None),
    ],
)
def test_an_ended_booking_leaves_no_money_at_large(
    booking: str, outcome: str | None, status: PaymentStatus, stored: Facts, step: Step | None
) -> None:
    ended = facts(status=booking, outcome=outcome)
    now = START - timedelta(hours=10)
    assert next_step(ended, payment(status, **stored), now=now, policy=POLICY) == step


def test_a_charged_cancellation_without_a_card_is_to_be_collected() -> None:
    ended = facts(status="cancelled", outcome="charged", method_state="none")
    step = next_step(ended, payment("card_required"), now=START, policy=POLICY)
    assert step == Step("give_up", "collection")


@pytest.mark.parametrize(("hours", "step"), [(23, None), (24, Step("capture", "capturing"))])
def test_a_taught_lesson_is_captured_a_day_after_its_end(hours: int, step: Step | None) -> None:
    now = END + timedelta(hours=hours)
    taught = facts(status="completed")
    assert next_step(taught, payment("authorized"), now=now, policy=POLICY) == step


SOFT = Decline(kind="soft", code="insufficient_funds")


@pytest.mark.parametrize(
    ("hours", "attempt", "status", "next_attempt"),
    [
        (24, 0, "auth_retry", 1),
        (22, 1, "auth_retry", 2),
        (20, 2, "auth_retry", 3),
        (18, 3, "card_required", 4),
        (19, 1, "auth_retry", 3),
        (15, 0, "card_required", 4),
    ],
)
def test_a_soft_decline_waits_for_the_next_rung_ahead(
    hours: int, attempt: int, status: PaymentStatus, next_attempt: int
) -> None:
    now = START - timedelta(hours=hours)
    before = payment("authorizing", attempt=attempt)
    after = after_decline(facts(), before, SOFT, now=now, policy=POLICY)
    assert (after.status, after.attempt) == (status, next_attempt)
    assert after.decline_code == "insufficient_funds"


@pytest.mark.parametrize(
    ("booking", "outcome", "kind", "status"),
    [
        ("confirmed", None, "hard", "card_required"),
        ("confirmed", None, "authentication", "action_required"),
        ("pending", None, "soft", "card_required"),
        ("cancelled", "charged", "soft", "collection"),
        ("cancelled", "credit", "soft", "releasing"),
    ],
)
def test_other_declines_need_somebody(
    booking: str, outcome: str | None, kind: DeclineKind, status: PaymentStatus
) -> None:
    decline = Decline(kind=kind, code="whatever")
    people = facts(status=booking, outcome=outcome)
    now = START - timedelta(hours=10)
    after = after_decline(people, payment("authorizing"), decline, now=now, policy=POLICY)
    assert after.status == status


@pytest.mark.parametrize(
    ("code", "decline_code", "advice", "kind"),
    [
        ("card_declined", "insufficient_funds", None, "soft"),
        ("card_declined", "generic_decline", None, "soft"),
        ("card_declined", "generic_decline", "do_not_try_again", "hard"),
        ("card_declined", "stolen_card", None, "hard"),
        ("expired_card", None, "confirm_card_data", "hard"),
        ("authentication_required", "authentication_required", None, "authentication"),
        ("card_declined", "authentication_required", None, "authentication"),
    ],
)
def test_declines_are_told_apart(
    code: str, decline_code: str | None, advice: str | None, kind: DeclineKind
) -> None:
    assert decline_kind(code, decline_code, advice) == kind


def totals(journals: tuple[Journal, ...]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in itertools.chain.from_iterable(each.lines for each in journals):
        name = line.account.split(":")[0]
        sums[name] = sums.get(name, 0) + line.amount_cents
    return {name: cents for name, cents in sums.items() if cents}


def test_a_capture_is_posted_to_the_cent() -> None:
    journals = capture_journals(facts(), charge(), cycle=1, at=END)
    assert totals(journals) == {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
    assert all(sum(line.amount_cents for line in each.lines) == 0 for each in journals)
    assert [each.kind for each in journals] == ["charge", "transfer", "application_fee"]


def test_the_credit_rule_owes_the_student_what_it_took() -> None:
    journals = capture_journals(facts(), charge(fee_cents=AMOUNT), cycle=1, at=END)
    assert totals(journals) == {"SP": 9680, "CRA": -10_000, "XPR": 320}
    assert [each.kind for each in journals] == ["charge", "transfer", "credit_rule"]
