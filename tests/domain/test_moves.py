"""Who may move a lesson alone, how far, and what sticks to it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.cancellation import Side
from domain.errors import ConsentNeeded, SlotNotOffered
from domain.moves import History, Moved, after_move, expiry_of
from domain.settings import POLICY

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRESH = History(
    start_at=START, original_start_at=None, moves=0, late_moves=0, sticky_lead_seconds=None
)


def moved(
    history: History = FRESH,
    *,
    ahead: timedelta,
    by: Side = "student",
    has_consent: bool = False,
    to: datetime = START + 5 * HOUR,
) -> object:
    now = history.start_at - ahead
    return after_move(history, by=by, to=to, has_consent=has_consent, now=now, policy=POLICY)


def after(moves: int, late_moves: int, sticky: int | None) -> Moved:
    return Moved(moves=moves, late_moves=late_moves, sticky_lead_seconds=sticky)


def test_a_day_ahead_is_early_and_a_second_less_is_late() -> None:
    assert moved(ahead=24 * HOUR) == after(1, 0, None)
    late = 24 * HOUR - timedelta(seconds=1)
    assert moved(ahead=late) == after(0, 1, 86_399)


def test_twelve_hours_ahead_one_moves_alone_and_a_second_less_one_asks() -> None:
    assert moved(ahead=12 * HOUR) == after(0, 1, 43_200)
    asked = moved(ahead=12 * HOUR - timedelta(seconds=1))
    assert isinstance(asked, ConsentNeeded)


@pytest.mark.parametrize(("moves", "late", "ahead"), [(2, 0, 30), (0, 1, 20)])
def test_who_has_moved_often_enough_asks(moves: int, late: int, ahead: int) -> None:
    used = History(
        start_at=START,
        original_start_at=None,
        moves=moves,
        late_moves=late,
        sticky_lead_seconds=None,
    )
    assert isinstance(moved(used, ahead=ahead * HOUR), ConsentNeeded)
    assert isinstance(moved(used, ahead=ahead * HOUR, has_consent=True), Moved)


def test_the_worst_lead_sticks() -> None:
    before = History(
        start_at=START, original_start_at=None, moves=0, late_moves=0, sticky_lead_seconds=50_000
    )
    assert moved(before, ahead=20 * HOUR) == after(0, 1, 50_000)
    assert moved(before, ahead=30 * HOUR) == after(1, 0, 50_000)
    assert moved(before, ahead=10 * HOUR, has_consent=True) == after(0, 0, 36_000)


def test_an_instructor_always_asks_and_nothing_sticks_to_the_student() -> None:
    assert isinstance(moved(ahead=50 * HOUR, by="instructor"), ConsentNeeded)
    agreed = moved(ahead=5 * HOUR, by="instructor", has_consent=True)
    assert agreed == after(0, 0, None)


def test_thirty_days_count_from_the_first_time() -> None:
    first = START - timedelta(days=20)
    history = History(
        start_at=START, original_start_at=first, moves=1, late_moves=0, sticky_lead_seconds=None
    )
    last = first + timedelta(days=30)
    assert isinstance(moved(history, ahead=48 * HOUR, to=last), Moved)
    too_far = moved(history, ahead=48 * HOUR, to=last + HOUR)
    assert isinstance(too_far, SlotNotOffered)


def test_a_proposal_ends_after_a_day_or_at_the_start() -> None:
    assert expiry_of(START, now=START - 30 * HOUR, policy=POLICY) == START - 6 * HOUR
    assert expiry_of(START, now=START - 3 * HOUR, policy=POLICY) == START
