"""What a cancellation costs, at and around every edge."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cancellation import OUTCOME_OF_TIER, Money, Quote, Side, Terms, is_undo, quote, tier
from domain.settings import POLICY

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TERMS = Terms(
    start_at=START,
    created_at=START - timedelta(days=5),
    is_pending=False,
    was_authorized=True,
)


def judged(ahead: timedelta, **facts: object) -> str:
    return tier(msgspec.structs.replace(TERMS, **facts), now=START - ahead, policy=POLICY)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (48 * HOUR, "free"),
        (24 * HOUR, "free"),
        (24 * HOUR - SECOND, "credit"),
        (12 * HOUR, "credit"),
        (12 * HOUR - SECOND, "full"),
        (0 * HOUR, "full"),
        (-HOUR, "full"),
    ],
)
def test_the_tier_follows_the_lead(ahead: timedelta, expected: str) -> None:
    assert judged(ahead) == expected


@pytest.mark.parametrize(
    ("ahead", "expected"), [(24 * HOUR, "free"), (13 * HOUR, "free"), (10 * HOUR, "full")]
)
def test_without_any_authorization_there_is_no_credit_tier(ahead: timedelta, expected: str) -> None:
    assert judged(ahead, was_authorized=False) == expected


@pytest.mark.parametrize("ahead", [48 * HOUR, 18 * HOUR, HOUR])
def test_what_is_still_pending_is_free(ahead: timedelta) -> None:
    assert judged(ahead, is_pending=True) == "free"


@pytest.mark.parametrize(
    ("sticky", "ahead", "expected"),
    [
        (13 * HOUR, 48 * HOUR, "credit"),
        (30 * HOUR, 48 * HOUR, "free"),
        (30 * HOUR, 13 * HOUR, "credit"),
        (11 * HOUR, 48 * HOUR, "full"),
    ],
)
def test_the_worst_lead_of_earlier_moves_sticks(
    sticky: timedelta, ahead: timedelta, expected: str
) -> None:
    assert judged(ahead, sticky_lead=sticky) == expected


@pytest.mark.parametrize(
    ("age", "ahead", "expected"),
    [
        (timedelta(minutes=5), 3 * HOUR, "free"),
        (timedelta(minutes=5) + SECOND, 3 * HOUR, "full"),
        (timedelta(minutes=1), 2 * HOUR, "full"),
        (timedelta(minutes=1), 2 * HOUR + SECOND, "free"),
        (timedelta(minutes=1), 14 * HOUR, "free"),
    ],
)
def test_a_booking_made_just_now_can_be_taken_back(
    age: timedelta, ahead: timedelta, expected: str
) -> None:
    now = START - ahead
    terms = msgspec.structs.replace(TERMS, created_at=now - age)
    assert tier(terms, now=now, policy=POLICY) == expected
    assert is_undo(terms, now=now, policy=POLICY) == (expected == "free")


def test_each_tier_has_its_outcome() -> None:
    assert OUTCOME_OF_TIER == {"free": "free", "credit": "credit", "full": "charged"}


MONEY = Money(card_cents=7000, credit_cents=3000, instructor_cents=8500, is_reserved=False)


def told(
    ahead: timedelta, *, side: Side = "student", reserved: bool = False, **facts: object
) -> Quote:
    terms = msgspec.structs.replace(TERMS, **facts)
    money = msgspec.structs.replace(MONEY, is_reserved=reserved)
    return quote(terms, money, side=side, now=START - ahead, policy=POLICY)


def test_a_free_cancellation_gives_credit_and_reserve_back() -> None:
    early = told(48 * HOUR)
    assert (early.tier, early.charged_cents, early.credit_cents) == ("free", 0, 3000)
    assert early.card_release_cents == 0
    assert told(48 * HOUR, reserved=True).card_release_cents == 7000


def test_the_middle_tier_turns_the_card_part_into_credit() -> None:
    middle = told(13 * HOUR, reserved=True)
    assert (middle.tier, middle.charged_cents, middle.credit_cents) == ("credit", 7000, 10_000)
    assert (middle.card_release_cents, middle.instructor_receives_cents) == (0, 0)


def test_a_late_cancellation_pays_the_instructor() -> None:
    late = told(HOUR, reserved=True)
    assert (late.tier, late.charged_cents, late.credit_cents) == ("full", 7000, 0)
    assert late.instructor_receives_cents == 8500


def test_the_instructors_own_quote_costs_the_student_nothing() -> None:
    own = told(HOUR, side="instructor", reserved=True)
    assert (own.tier, own.charged_cents, own.credit_cents) == ("free", 0, 3000)
    assert (own.card_release_cents, own.instructor_receives_cents, own.tiers) == (7000, 0, ())


def test_a_quote_tells_when_it_becomes_dearer_even_before_the_card_was_asked() -> None:
    ahead = told(48 * HOUR, was_authorized=False).tiers
    assert [(one.tier, START - one.until_at) for one in ahead] == [
        ("free", 24 * HOUR),
        ("credit", 12 * HOUR),
        ("full", 0 * HOUR),
    ]
    assert ahead[0].from_at == START - 48 * HOUR
    assert [one.from_at for one in ahead[1:]] == [one.until_at for one in ahead[:-1]]


def test_a_card_that_failed_leaves_no_credit_to_come() -> None:
    tiers = told(20 * HOUR, was_authorized=False).tiers
    assert [one.tier for one in tiers] == ["free", "full"]


def test_an_undo_is_free_for_its_minutes_and_then_dear() -> None:
    fresh = told(5 * HOUR, created_at=START - 5 * HOUR)
    assert fresh.tier == "free"
    assert [(one.tier, one.until_at - one.from_at) for one in fresh.tiers] == [
        ("free", POLICY.undo_within),
        ("full", 5 * HOUR - POLICY.undo_within),
    ]


@given(ahead=st.integers(1, 5 * 86_400), age=st.integers(0, 3 * 86_400))
def test_each_tier_of_a_quote_is_what_a_cancellation_inside_it_costs(ahead: int, age: int) -> None:
    now = START - timedelta(seconds=ahead)
    terms = msgspec.structs.replace(TERMS, created_at=now - timedelta(seconds=age))
    tiers = quote(terms, MONEY, side="student", now=now, policy=POLICY).tiers
    assert tiers[0].from_at == now
    assert tiers[-1].until_at == START
    for one in tiers:
        assert tier(terms, now=one.until_at, policy=POLICY) == one.tier
        inside = one.from_at + (one.until_at - one.from_at) // 2 + timedelta(microseconds=1)
        assert tier(terms, now=min(inside, one.until_at), policy=POLICY) == one.tier
