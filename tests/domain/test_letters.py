"""Mails say the truth in plain words, to the one it concerns, in their own time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from domain.events import MAILED, Topic
from domain.letters import letter_of
from domain.money_letters import account_letter
from domain.occasions import Lesson, Letter, Occasion, Reader
from domain.settings import POLICY

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
STUDENT, INSTRUCTOR, ADMIN = UUID(int=1), UUID(int=2), UUID(int=9)
READERS = {
    STUDENT: Reader(
        user_id=STUDENT, email="s@example.com", display_name="Sol", time_zone="Europe/Berlin"
    ),
    INSTRUCTOR: Reader(
        user_id=INSTRUCTOR, email="i@example.com", display_name="Ines", time_zone="UTC"
    ),
    ADMIN: Reader(user_id=ADMIN, email="a@example.com", display_name="Ada", time_zone="UTC"),
}
LESSON = Lesson(
    booking_id=UUID(int=3),
    status="confirmed",
    outcome=None,
    payment_status="scheduled",
    start_at=START,
    end_at=START + timedelta(hours=1),
    student_id=STUDENT,
    student_name="Sol",
    instructor_id=INSTRUCTOR,
    instructor_name="Ines",
    title="Piano",
    price_cents=10_000,
    card_amount_cents=10_000,
    instructor_amount_cents=8500,
    currency="usd",
)


def write(
    topic: str,
    reader: UUID,
    *,
    payload: dict[str, str | int | None] | None = None,
    now: datetime = START - timedelta(days=5),
    **changes: object,
) -> Letter | None:
    return letter_of(
        Occasion(
            topic=topic,
            payload=payload or {},
            lesson=msgspec.structs.replace(LESSON, **changes),
            reader=READERS[reader],
            now=now,
            policy=POLICY,
        )
    )


def test_a_booking_is_told_with_its_money_and_in_the_readers_time() -> None:
    letter = write("booking.confirmed", STUDENT)
    assert letter is not None
    assert letter.subject == (
        "Your lesson is booked: Piano with Ines, Wed 10 Mar 2027, 19:00 (Europe/Berlin)"
    )
    text = letter.text("http://localhost/lessons")
    assert "Nothing is charged today" in text
    assert "$100.00" in text
    assert "free of charge until Tue 9 Mar 2027, 19:00" in text

    theirs = write("booking.confirmed", INSTRUCTOR)
    assert theirs is not None
    assert "Piano with Sol, Wed 10 Mar 2027, 18:00 (UTC)" in theirs.subject
    assert "$85.00" in theirs.text("")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("free", "Nothing was charged."),
        ("credit", "yours as credit"),
        ("charged", "is charged $100.00"),
        ("by_instructor", "Your instructor cancelled it."),
        ("payment_failed", "could not be authorised"),
    ],
)
def test_a_cancellation_tells_what_it_cost(outcome: str, words: str) -> None:
    letter = write("booking.cancelled", STUDENT, status="cancelled", outcome=outcome)
    assert letter is not None
    assert words in letter.text("")


def test_the_warning_says_card_and_until_when() -> None:
    letter = write("payment.warned", STUDENT, payment_status="card_required")
    assert letter is not None
    assert "card" in letter.subject
    assert "Wed 10 Mar 2027, 13:00" in letter.text("")


@pytest.mark.parametrize(
    ("topic", "reader", "changes"),
    [
        ("booking.confirmed", STUDENT, {"status": "cancelled"}),
        ("payment.warned", STUDENT, {"payment_status": "authorized"}),
        ("payment.warned", STUDENT, {"status": "cancelled", "payment_status": "released"}),
        ("payment.warned", INSTRUCTOR, {"payment_status": "card_required"}),
        ("payment.retry_scheduled", STUDENT, {"payment_status": "auth_retry"}),
        ("credit.issued", INSTRUCTOR, {}),
        ("booking.held", STUDENT, {}),
    ],
)
def test_nobody_hears_what_is_not_theirs_or_no_longer_so(
    topic: str, reader: UUID, changes: dict[str, str]
) -> None:
    assert write(topic, reader, **changes) is None


def test_only_the_first_decline_of_a_ladder_is_told() -> None:
    unpaid = {"payment_status": "auth_retry"}
    first = write("payment.retry_scheduled", STUDENT, payload={"is_first": 1}, **unpaid)
    assert first is not None
    assert write("payment.retry_scheduled", STUDENT, payload={"is_first": 0}, **unpaid) is None


def test_credit_is_told_with_its_end() -> None:
    payload: dict[str, str | int | None] = {
        "amount_cents": 10_000,
        "expires_at": "2028-03-09T18:00:00Z",
    }
    letter = write("credit.issued", STUDENT, payload=payload)
    assert letter is not None
    assert "Thu 9 Mar 2028" in letter.text("")


def test_names_cannot_write_html() -> None:
    letter = write("booking.confirmed", STUDENT, instructor_name="<b>Ines</b>")
    assert letter is not None
    assert "<b>" not in letter.html("http://localhost/?a&b")
    assert "&lt;b&gt;Ines" in letter.html("")


APART: frozenset[Topic] = frozenset(
    {
        "instructor.owes",
        "instructor.restricted",
        "instructor.deauthorized",
        "payout.failed",
        "payout.paid",
    }
)
"""About somebody's money or account and no lesson."""

OF_MONEY: dict[str, str | int | None] = {
    "amount_cents": 1200,
    "currency": "usd",
    "expires_at": "2028-03-09T18:00:00Z",
    "deadline_at": "2028-03-09T18:00:00Z",
    "state": "restricted_soon",
}


@pytest.mark.parametrize("topic", sorted(APART | {"credit.issued", "credit.expiring"}))
def test_money_apart_from_lessons_has_letters_of_its_own(topic: Topic) -> None:
    assert account_letter(topic, OF_MONEY, READERS[INSTRUCTOR]) is not None


def test_credit_that_ends_soon_is_told_with_its_amount_and_in_the_readers_time() -> None:
    apart = account_letter("credit.expiring", OF_MONEY, READERS[STUDENT])
    assert apart is not None
    assert "$12.00" in apart.subject
    assert "Thu 9 Mar 2028, 19:00 (Europe/Berlin)" in apart.text("")
    assert write("credit.expiring", STUDENT, payload=OF_MONEY) == apart
    assert write("credit.expiring", INSTRUCTOR, payload=OF_MONEY) is None


def test_a_refund_is_told_with_its_amount_to_the_student_alone() -> None:
    payload: dict[str, str | int | None] = {"amount_cents": 10_000, "refunded_cents": 4000}
    letter = write("payment.refunded", STUDENT, payload=payload)
    assert letter is not None
    assert "$40.00" in letter.subject
    assert write("payment.refunded", INSTRUCTOR, payload=payload) is None


def test_a_failed_refund_is_told_to_admins_alone() -> None:
    letter = write("payment.refund_failed", ADMIN)
    assert letter is not None
    assert "/api/admin/refunds?state=failed" in letter.text("")
    assert write("payment.refund_failed", STUDENT) is None
    assert write("payment.refund_failed", INSTRUCTOR) is None


def test_a_dispute_is_told_to_the_instructor_with_what_is_kept_back() -> None:
    letter = write("payment.disputed", INSTRUCTOR)
    assert letter is not None
    assert "$85.00" in letter.text("")
    assert write("payment.disputed", STUDENT) is None


def test_a_restriction_is_told_by_what_it_is() -> None:
    told = {
        state: account_letter(
            "instructor.restricted", {**OF_MONEY, "state": state}, READERS[STUDENT]
        )
        for state in ("restricted_soon", "restricted", "rejected")
    }
    texts = {state: letter.text("") for state, letter in told.items() if letter is not None}
    assert "by Thu 9 Mar 2028, 19:00 (Europe/Berlin)" in texts["restricted_soon"]
    assert "students cannot book you" in texts["restricted"]
    assert "rejected" in texts["rejected"]


@pytest.mark.parametrize("topic", sorted(MAILED - APART))
def test_every_mailed_topic_has_a_letter_for_somebody(topic: str) -> None:
    states = (
        {},
        {"payment_status": "card_required"},
        {"status": "cancelled", "outcome": "free"},
        {"status": "completed"},
        {"status": "cancelled", "outcome": "charged", "payment_status": "collection"},
        {"status": "no_show", "outcome": "no_show_student"},
        {"status": "expired", "outcome": "slot_lost"},
    )
    payload: dict[str, str | int | None] = {
        "is_first": 1,
        "amount_cents": 1,
        "expires_at": "2028-03-09T18:00:00Z",
        "start_at": "2028-03-09T20:00:00Z",
        "proposed_by": "instructor",
        "absent": "student",
    }
    letters = [
        write(topic, reader, payload=payload, **state) for state in states for reader in READERS
    ]
    assert any(letter is not None for letter in letters)


def test_who_lost_a_slot_is_told_two_others() -> None:
    lost = msgspec.structs.replace(LESSON, status="expired", outcome="slot_lost")
    occasion = Occasion(
        topic="booking.slot_lost",
        payload={},
        lesson=lost,
        reader=READERS[STUDENT],
        now=START - timedelta(days=1),
        policy=POLICY,
        alternatives=(START + timedelta(hours=1), START + timedelta(hours=2)),
    )
    letter = letter_of(occasion)
    assert letter is not None
    text = letter.text("http://localhost/lessons/3")
    assert "20:00 (Europe/Berlin) and Wed 10 Mar 2027, 21:00 (Europe/Berlin)" in text
    assert "Nothing was charged" in text
    assert letter.subject.startswith("Somebody was faster")
    free = msgspec.structs.replace(occasion, alternatives=(START, START + timedelta(hours=1)))
    late = letter_of(free)
    assert late is not None
    assert late.subject.startswith("Your payment came too late")
    assert "taken already" not in late.text("http://localhost/lessons/3")
    other = msgspec.structs.replace(occasion, reader=READERS[INSTRUCTOR])
    assert letter_of(other) is None


def test_only_the_other_side_is_asked_to_move_a_lesson() -> None:
    asked: dict[str, str | int | None] = {
        "proposed_by": "instructor",
        "start_at": (START + timedelta(hours=3)).isoformat(),
        "expires_at": START.isoformat(),
    }
    letter = write("booking.move_proposed", STUDENT, payload=asked)
    assert letter is not None
    assert "cancel free of charge" in letter.text("x")
    assert write("booking.move_proposed", INSTRUCTOR, payload=asked) is None


def test_a_debt_is_told_to_both_in_their_own_words() -> None:
    owed = {"status": "cancelled", "outcome": "charged", "payment_status": "collection"}
    student = write("payment.collection_opened", STUDENT, **owed)
    instructor = write("payment.collection_opened", INSTRUCTOR, **owed)
    assert student is not None
    assert "within 14 days" in student.text("x")
    assert instructor is not None
    assert "$85.00" in instructor.text("x")
