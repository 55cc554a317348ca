"""What a cancellation costs, at and around every edge."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from domain.cancellation import OUTCOME_OF_TIER, Terms, is_undo, tier
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
