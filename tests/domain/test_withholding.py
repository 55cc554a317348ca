"""Shares that a capture could not pass on, and credit whose transfer is to be taken back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.journals import Journal, capture_journals, movement_journals
from domain.movements import (
    CreateTransfer,
    FeeRefundSeen,
    MovementsSeen,
    ReverseTopUp,
    ReverseTransfer,
)
from domain.operations import CaptureIntent, KeptAs
from domain.payment_calls import call_of, key_of, kind_of
from domain.payment_steps import next_step
from domain.payments import MoneyFacts, Payment, Step
from domain.settings import POLICY
from domain.timings import BookingClock, timings_for
from domain.withholding import RESTRICTED, share_of
from tests.domain.test_payments import AMOUNT, BOOKING, END, START, charge, facts, payment

LATER = END + POLICY.capture_after
BY_REVERSAL = msgspec.structs.replace(POLICY, is_credit_reversed=True)


def sums(journals: tuple[Journal, ...]) -> dict[str, int]:
    """Accounts by class, without those at zero; each journal sums to zero."""
    found: dict[str, int] = {}
    for journal in journals:
        assert sum(line.amount_cents for line in journal.lines) == 0
        for line in journal.lines:
            name = line.account.split(":")[0]
            found[name] = found.get(name, 0) + line.amount_cents
    return {account: cents for account, cents in found.items() if cents}


def captured(kept_as: KeptAs, fee_cents: int) -> tuple[Journal, ...]:
    taken = msgspec.structs.replace(charge(fee_cents=fee_cents), kept_as=kept_as)
    return capture_journals(facts(), taken, cycle=1, at=END)


def step(known: MoneyFacts, now: Payment, policy: object = POLICY) -> Step | None:
    return next_step(known, now, now=LATER, policy=policy)


@pytest.mark.parametrize("code", sorted(RESTRICTED))
def test_a_capture_refused_for_the_instructors_account_is_kept_by_the_platform(code: str) -> None:
    known = facts(status="completed", capture_refused=code)
    decided = step(known, payment("capturing"))
    assert decided == Step("capture_withheld", "capturing")
    assert call_of(decided, known, payment("capturing")) == CaptureIntent(
        payment_intent_id="pi_1", as_fee_cents=AMOUNT, kept_as="owed"
    )


@pytest.mark.parametrize("code", [None, "amount_too_large"])
def test_any_other_capture_is_tried_as_before(code: str | None) -> None:
    known = facts(status="completed", capture_refused=code)
    assert step(known, payment("capturing")) == Step("capture", "capturing")


@pytest.mark.parametrize(
    ("policy", "refused", "kind", "as_fee_cents"),
    [
        (POLICY, None, "capture_as_fee", AMOUNT),
        (BY_REVERSAL, None, "capture_to_reverse", None),
        (BY_REVERSAL, "transfers_not_allowed", "capture_as_fee", AMOUNT),
    ],
)
def test_the_credit_rule_says_what_it_is_by_either_variant(
    policy: object, refused: str | None, kind: str, as_fee_cents: int | None
) -> None:
    known = facts(status="cancelled", outcome="credit", capture_refused=refused)
    decided = step(known, payment("crediting"), policy)
    assert decided == Step(kind, "crediting")
    call = call_of(decided, known, payment("crediting"))
    assert isinstance(call, CaptureIntent)
    assert (call.as_fee_cents, call.kept_as) == (as_fee_cents, "credit")


def test_a_withheld_capture_owes_the_instructor_their_share() -> None:
    assert sums(captured("owed", AMOUNT)) == {
        "SP": 9680,
        "XPR": 320,
        "PAY": -8500,
        "REV": -1500,
    }


def test_a_withheld_share_without_a_fee_of_the_platform_is_owed_whole() -> None:
    known = facts(
        card_amount_cents=7000,
        destination_cents=7000,
        application_fee_cents=0,
        top_up_cents=1500,
    )
    taken = msgspec.structs.replace(
        charge(fee_cents=7000),
        captured_cents=7000,
        transfer_cents=7000,
        stripe_fee_cents=233,
        kept_as="owed",
    )
    journals = capture_journals(known, taken, cycle=1, at=END)
    assert sums(journals) == {"SP": 6767, "XPR": 233, "PAY": -7000}


def test_credit_to_be_reversed_waits_in_transit() -> None:
    assert sums(captured("credit", 1500)) == {
        "SP": 1180,
        "XPR": 320,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "CLR": AMOUNT,
        "CRA": -AMOUNT,
    }


def owing(**changes: object) -> Payment:
    return payment(
        "payout_pending", captured_cents=AMOUNT, withheld_cents=8500, transfer_id="tr_1", **changes
    )


def test_a_withheld_share_is_paid_with_the_top_up_in_one_transfer() -> None:
    known = facts(status="completed", owed_cents=8500)
    decided = step(known, msgspec.structs.replace(owing(), status="captured"))
    assert decided == Step("move", "payout_pending")
    decided = step(known, owing())
    assert decided == Step("top_up", "payout_pending")
    call = call_of(decided, known, owing())
    assert isinstance(call, CreateTransfer)
    assert call.amount_cents == 8500
    assert key_of(kind_of(call), booking_id=BOOKING, cycle=1, before=0) == f"top:{BOOKING}:1"


def test_a_refused_share_is_tried_hour_by_hour() -> None:
    known = facts(status="completed", owed_cents=8500, top_up_refused_at=LATER)
    assert step(known, owing()) is None
    hour_later = LATER + POLICY.top_up_every
    assert next_step(known, owing(), now=hour_later, policy=POLICY) is not None


def test_a_paid_share_comes_back_before_the_refund_that_takes_it() -> None:
    wanted = facts(status="completed", refund_id=BOOKING, refund_cents=4000)
    paid = owing(top_up_id="tr_2")
    decided = step(wanted, paid)
    assert decided == Step("reverse_share", "refunding")
    call = call_of(decided, wanted, msgspec.structs.replace(paid, status="refunding"))
    assert isinstance(call, ReverseTopUp)
    assert (call.transfer_id, call.amount_cents) == ("tr_2", 3400)
    back = msgspec.structs.replace(wanted, owed_cents=3400)
    assert step(back, paid) == Step("refund", "refunding")
    unreversed = msgspec.structs.replace(wanted, refund_reverses=False)
    assert step(unreversed, paid) == Step("refund", "refunding")


def test_a_refund_that_the_platform_bore_is_no_part_of_a_share() -> None:
    wanted = facts(
        status="completed",
        refund_id=BOOKING,
        refund_cents=333,
        refunded_cents=6000,
        fees_back_cents=2000,
        shares_back_cents=1700,
    )
    paid = owing(top_up_id="tr_2")
    call = call_of(Step("reverse_share", "refunding"), wanted, paid)
    assert isinstance(call, ReverseTopUp)
    assert call.amount_cents == 283


def test_an_unpaid_share_needs_nothing_before_its_refund() -> None:
    wanted = facts(status="completed", refund_id=BOOKING, refund_cents=4000, owed_cents=8500)
    assert step(wanted, owing()) == Step("refund", "refunding")


def test_a_paid_share_comes_back_before_a_lost_dispute_is_recovered() -> None:
    lost = facts(status="completed", recover_cents=AMOUNT)
    paid = msgspec.structs.replace(owing(top_up_id="tr_2"), status="dispute_lost")
    assert step(lost, paid) == Step("reverse_share", "dispute_lost")
    back = msgspec.structs.replace(lost, owed_cents=8500)
    assert step(back, paid) == Step("recover", "dispute_lost")


@given(
    parts=st.lists(st.integers(1, 5000), min_size=1, max_size=6), withheld=st.integers(1, 10_000)
)
def test_refunds_in_parts_take_the_share_and_the_fee_to_the_cent(
    parts: list[int], withheld: int
) -> None:
    cents: list[int] = []
    for part in parts:
        cents.append(min(part, AMOUNT - sum(cents)))
    cents = [each for each in (*cents, AMOUNT - sum(cents)) if each]
    seen = MovementsSeen(
        payment_intent_id="pi_1",
        refunds=(),
        reversals=(),
        fee_refunds=tuple(
            FeeRefundSeen(id=f"fr_{n}", amount_cents=each, transaction_id=f"txn_{n}")
            for n, each in enumerate(cents)
        ),
    )
    known = facts(destination_cents=withheld, application_fee_cents=AMOUNT - withheld)
    journals = movement_journals(known, seen, withheld_cents=withheld, at=END)
    back = sums(journals)
    assert back.pop("PAY") == withheld
    assert back.pop("REV", 0) == AMOUNT - withheld
    assert all(
        line.amount_cents >= 0
        for journal in journals
        for line in journal.lines
        if line.account.startswith("PAY")
    )


def test_a_share_rounds_as_the_fee_of_a_refund_does() -> None:
    assert share_of(1, captured_cents=3, withheld_cents=2) == 1
    assert share_of(50, captured_cents=4999, withheld_cents=4249) == 42
    assert share_of(0, captured_cents=AMOUNT, withheld_cents=8500) == 0
    assert share_of(AMOUNT, captured_cents=AMOUNT, withheld_cents=8500) == 8500


def credited(**changes: object) -> Payment:
    return payment(
        "credited",
        captured_cents=AMOUNT,
        to_reverse_cents=AMOUNT,
        transfer_id="tr_1",
        application_fee_id="fee_1",
        **changes,
    )


def test_the_transfer_of_what_became_credit_is_taken_back_whole() -> None:
    known = facts(status="cancelled", outcome="credit")
    decided = step(known, credited())
    assert decided == Step("reverse_credited", "credited")
    call = call_of(decided, known, credited())
    assert isinstance(call, ReverseTransfer)
    assert (call.transfer_id, call.amount_cents) == ("tr_1", AMOUNT)
    assert call.application_fee_id == "fee_1"
    assert key_of(kind_of(call), booking_id=BOOKING, cycle=1, before=0) == f"rev:{BOOKING}:1"


def test_a_transfer_taken_back_or_refused_just_now_is_left_alone() -> None:
    known = facts(status="cancelled", outcome="credit")
    done = msgspec.structs.replace(known, reversed_cents=AMOUNT)
    assert step(done, credited()) is None
    refused = msgspec.structs.replace(known, reversal_refused_at=LATER)
    assert step(refused, credited()) is None
    hour_later = LATER + POLICY.top_up_every
    again = next_step(refused, credited(), now=hour_later, policy=POLICY)
    assert again == Step("reverse_credited", "credited")


def clock(**changes: object) -> BookingClock:
    return msgspec.structs.replace(
        BookingClock(
            booking_id=BOOKING,
            status="cancelled",
            payment_status="credited",
            start_at=START,
            end_at=END,
            hold_expires_at=None,
            is_started=False,
            attempt=0,
            is_warned=False,
            outcome="credit",
        ),
        **changes,
    )


def test_an_open_reversal_keeps_a_promise_and_a_done_one_keeps_none() -> None:
    assert timings_for(clock(), now=END, policy=POLICY) == ()
    (due,) = timings_for(clock(reversal_tried_at=END), now=END, policy=POLICY)
    assert (due.kind, due.due_at) == ("settle", END + POLICY.top_up_every)


@pytest.mark.parametrize(
    ("status", "payment_status", "outcome", "kind"),
    [
        ("completed", "capturing", None, "capture"),
        ("cancelled", "crediting", "credit", "settle"),
        ("cancelled", "capturing", "charged", "settle"),
    ],
)
def test_a_capture_that_is_refused_pages_before_the_money_is_let_go(
    status: str, payment_status: str, outcome: str | None, kind: str
) -> None:
    kept_until = LATER + POLICY.capture_after * 2
    taking = clock(
        status=status,
        payment_status=payment_status,
        outcome=outcome,
        capture_before=kept_until,
    )
    dues = {due.kind: due.due_at for due in timings_for(taking, now=LATER, policy=POLICY)}
    assert set(dues) == {kind, "guard_authorization"}
    assert dues["guard_authorization"] == kept_until - POLICY.authorization_alert
