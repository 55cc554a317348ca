"""When instructors are paid by us, and how much of what they have."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.standard_payouts import next_payout_at, payable_cents

MONDAY = datetime(2027, 3, 8, tzinfo=UTC)
FIRST = UUID(int=0)
"""An instructor whose second is the first of all."""
WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("after", "due_at"),
    [
        (MONDAY, MONDAY + timedelta(hours=12)),
        (MONDAY + timedelta(hours=11, minutes=59), MONDAY + timedelta(hours=12)),
        (MONDAY + timedelta(hours=12), MONDAY + WEEK + timedelta(hours=12)),
        (MONDAY + timedelta(days=3), MONDAY + WEEK + timedelta(hours=12)),
        (MONDAY + timedelta(days=6, hours=23), MONDAY + WEEK + timedelta(hours=12)),
    ],
)
def test_weekly_is_monday_noon_and_past_what_was(after: datetime, due_at: datetime) -> None:
    assert next_payout_at("weekly", FIRST, after=after) == due_at


def test_daily_leaves_out_the_days_on_which_banks_rest() -> None:
    at = MONDAY
    found: list[int] = []
    for _ in range(7):
        due_at = next_payout_at("daily", FIRST, after=at)
        assert due_at is not None
        found.append(due_at.weekday())
        at = due_at
    assert found == [0, 1, 2, 3, 4, 0, 1]


def test_by_hand_is_never_due() -> None:
    assert next_payout_at("manual", FIRST, after=MONDAY) is None


def test_everybody_has_a_time_of_their_own_within_four_hours_and_keeps_it() -> None:
    instants = set[datetime]()
    for _ in range(500):
        who = uuid4()
        due_at = next_payout_at("weekly", who, after=MONDAY)
        assert due_at is not None
        assert MONDAY + timedelta(hours=12) <= due_at < MONDAY + timedelta(hours=16)
        assert next_payout_at("weekly", who, after=due_at) == due_at + WEEK
        instants.add(due_at)
    assert len(instants) > 400


@pytest.mark.parametrize(
    ("available", "pending", "frozen", "payable"),
    [
        (8500, 0, 0, 8500),
        (8500, 4000, 0, 8500),
        (8500, -1000, 0, 7500),
        (8500, 0, 8000, 500),
        (8500, 0, 10_000, 0),
        (100, 0, 0, 100),
        (99, 0, 0, 0),
        (0, 8500, 0, 0),
        (-1500, 0, 0, 0),
    ],
)
def test_what_is_pending_questioned_or_little_stays(
    available: int, pending: int, frozen: int, payable: int
) -> None:
    cents = payable_cents(available_cents=available, pending_cents=pending, frozen_cents=frozen)
    assert cents == payable
