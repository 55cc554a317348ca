"""Which lots pay, what happens to them after, and that every journal of credit sums to zero."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.credit_journals import (
    consume_journal,
    refund_journal,
    restore_journal,
    top_up_back_journal,
    top_up_journal,
)
from domain.credits import Purses, SpendableLot, end_of_restored, told_next_at
from domain.ids import LotId, UserId
from domain.journals import CreditLot, LotSource, expiry_journal
from domain.movements import ReversalSeen, TransferSeen
from domain.payment_steps import next_step
from domain.payments import StepKind
from domain.pricing import split
from domain.settings import POLICY
from domain.timings import BookingClock, timings_for
from tests.domain.test_payments import BOOKING, END, START, facts, payment

NOW = datetime(2027, 3, 1, tzinfo=UTC)
SOL = UserId(uuid.UUID(int=3))
DUE = END + POLICY.capture_after
HOUR = timedelta(hours=1)


def lot(number: int, cents: int, *, days: int) -> SpendableLot:
    return SpendableLot(
        id=LotId(uuid.UUID(int=number)),
        user_id=SOL,
        remaining_cents=cents,
        expires_at=NOW + timedelta(days=days),
    )


def test_what_ends_first_pays_first_and_the_last_lot_is_split() -> None:
    purses = Purses([lot(1, 8000, days=300), lot(2, 4000, days=60)])
    assert purses.cents_of(SOL) == 12_000
    assert [(part.lot_id.int, part.cents) for part in purses.take(SOL, 10_000)] == [
        (2, 4000),
        (1, 6000),
    ]
    assert purses.cents_of(SOL) == 2000
    assert [(part.lot_id.int, part.cents) for part in purses.take(SOL, 500)] == [(1, 500)]


def test_a_stranger_has_nothing_to_spend() -> None:
    purses = Purses([lot(1, 8000, days=300)])
    assert purses.take(UserId(uuid.UUID(int=9)), 100) == ()


@given(st.lists(st.integers(1, 5000), max_size=6), st.lists(st.integers(0, 9000), max_size=6))
def test_no_cent_is_spent_twice(lots: list[int], wishes: list[int]) -> None:
    purses = Purses([lot(n, cents, days=n % 3) for n, cents in enumerate(lots, 1)])
    taken = 0
    for wish in wishes:
        parts = purses.take(SOL, wish)
        assert all(part.cents > 0 for part in parts)
        taken += sum(part.cents for part in parts)
    assert taken == min(sum(lots), sum(wishes))
    assert purses.cents_of(SOL) == sum(lots) - taken


def test_credit_given_back_keeps_its_end_unless_that_is_too_soon() -> None:
    month = timedelta(days=30)
    assert end_of_restored(NOW + month, now=NOW, life=month) is None
    late = end_of_restored(NOW + month - HOUR, now=NOW, life=month)
    assert late == NOW + month
    assert end_of_restored(NOW - month, now=NOW, life=month) == NOW + month


@pytest.mark.parametrize("credit", [0, 1000, 1500, 3000, 9950, 10_000])
def test_every_journal_of_a_credit_sums_to_zero_and_undoes_what_it_should(credit: int) -> None:
    parts = split(10_000, credit_cents=credit, fee_bps=1500)
    of = facts(top_up_cents=parts.top_up_cents)
    cents = parts.credit_applied_cents
    used = consume_journal(of, cents, at=NOW)
    freed = restore_journal(of, cents, at=NOW)
    back = refund_journal(of, cents, absorbed_cents=0, at=NOW)
    kept = refund_journal(of, cents, absorbed_cents=parts.top_up_cents, at=NOW)
    for journal in (used, freed, back, kept):
        assert sum(line.amount_cents for line in journal.lines) == 0
        assert all(line.amount_cents for line in journal.lines)
    revenue = sum(line.amount_cents for line in used.lines if line.account == "REV")
    assert parts.application_fee_cents - revenue == parts.platform_fee_cents


def test_a_top_up_and_its_way_back_cancel_out() -> None:
    there = top_up_journal(
        facts(top_up_cents=1500),
        TransferSeen(
            id="tr_1",
            amount_cents=1500,
            reversed_cents=0,
            destination_account="acct_1",
            transaction_id="txn_1",
            destination_transaction_id="txn_2",
        ),
        at=NOW,
    )
    back = top_up_back_journal(
        facts(top_up_cents=1500),
        ReversalSeen(
            id="trr_1",
            transfer_id="tr_1",
            amount_cents=1500,
            transaction_id="txn_3",
            destination_transaction_id="txn_4",
            refund_id=None,
        ),
        at=NOW,
    )
    sums = {line.account: line.amount_cents for line in there.lines}
    for line in back.lines:
        sums[line.account] += line.amount_cents
    assert set(sums.values()) == {0}


@pytest.mark.parametrize(
    ("status", "outcome", "paid", "known", "wanted"),
    [
        ("completed", None, "captured", {}, ("move", "payout_pending")),
        ("completed", None, "payout_pending", {}, ("top_up", "payout_pending")),
        ("cancelled", "charged", "payout_pending", {}, ("top_up", "payout_pending")),
        ("completed", None, "partially_refunded", {}, ("top_up", "partially_refunded")),
        ("cancelled", "by_instructor", "payout_pending", {}, ("plan_refund", "payout_pending")),
        ("completed", None, "payout_pending", {"top_up_refused_at": DUE}, None),
        (
            "completed",
            None,
            "payout_pending",
            {"top_up_refused_at": DUE - HOUR},
            ("top_up", "payout_pending"),
        ),
        ("cancelled", "free", "credit_only", {}, ("move", "released")),
        ("cancelled", "by_instructor", "credit_only", {}, ("move", "released")),
        ("cancelled", "charged", "credit_only", {}, ("move", "payout_pending")),
        ("completed", None, "credit_only", {}, ("move", "payout_pending")),
        ("completed", None, "refunded", {}, ("restore_credit", "refunded")),
        ("completed", None, "refunded", {"consumed_cents": 0}, None),
        ("cancelled", "free", "released", {"reserved_cents": 1}, ("restore_credit", "released")),
    ],
)
def test_what_a_lesson_paid_with_credit_needs(
    status: BookingStatus,
    outcome: Outcome | None,
    paid: PaymentStatus,
    known: dict[str, object],
    wanted: tuple[StepKind, PaymentStatus] | None,
) -> None:
    given_facts = facts(
        **{
            "status": status,
            "outcome": outcome,
            "top_up_cents": 1500,
            "consumed_cents": 3000,
            **known,
        }
    )
    captured = 0 if paid in {"credit_only", "released"} else 7000
    of = payment(paid, captured_cents=captured)
    if not captured:
        of = msgspec.structs.replace(of, payment_intent_id=None)
    step = next_step(given_facts, of, now=DUE, policy=POLICY)
    assert (None if step is None else (step.kind, step.status)) == wanted


def test_a_top_up_that_was_paid_is_settled_or_taken_back_and_never_paid_again() -> None:
    of = facts(status="completed", top_up_cents=1500, consumed_cents=3000)
    topped_up = msgspec.structs.replace(payment("payout_pending"), top_up_id="tr_1")
    step = next_step(of, topped_up, now=DUE, policy=POLICY)
    assert step is not None
    assert (step.kind, step.status) == ("move", "settled")
    refunded = msgspec.structs.replace(topped_up, status="refunded")
    step = next_step(of, refunded, now=DUE, policy=POLICY)
    assert step is not None
    assert step.kind == "reverse_top_up"


def test_a_refused_top_up_is_due_again_an_hour_later() -> None:
    clock = BookingClock(
        booking_id=BOOKING,
        status="completed",
        payment_status="payout_pending",
        start_at=START,
        end_at=END,
        hold_expires_at=None,
        is_started=True,
        attempt=0,
        is_warned=False,
        top_up_refused_at=DUE,
    )
    (due,) = timings_for(clock, now=DUE, policy=POLICY)
    assert (due.kind, due.due_at) == ("top_up", DUE + HOUR)


@pytest.mark.parametrize(
    ("source", "is_income", "account"),
    [
        ("cancellation", False, "CRX"),
        ("cancellation", True, "BRK"),
        ("goodwill", False, "XGW"),
        ("goodwill", True, "XGW"),
    ],
)
def test_paid_credit_that_ends_is_held_unless_it_may_be_earned(
    source: LotSource, account: str, *, is_income: bool
) -> None:
    lot = CreditLot(
        id=LotId(uuid.UUID(int=1)),
        user_id=UserId(uuid.UUID(int=2)),
        source=source,
        booking_id=None,
        granted_cents=500,
        remaining_cents=300,
        currency="usd",
        created_at=START,
        expires_at=END,
    )
    lines = expiry_journal(lot, at=END, is_income=is_income).lines
    assert {line.account: line.amount_cents for line in lines} == {
        f"CRA:{lot.user_id}": 300,
        account: -300,
    }


def test_the_end_of_credit_is_told_thirty_and_seven_days_before() -> None:
    ends = datetime(2028, 3, 31, tzinfo=UTC)
    before = POLICY.credit_told_before

    def told_after(now: datetime) -> datetime | None:
        return told_next_at(ends, now=now, before=before)

    assert told_after(datetime(2027, 3, 31, tzinfo=UTC)) == ends - timedelta(days=30)
    # given back with thirty days to live: the first word would be about what was just said
    assert told_after(ends - timedelta(days=30)) == ends - timedelta(days=7)
    assert told_after(ends - timedelta(days=7)) is None
