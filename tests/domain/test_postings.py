"""What is posted, line by line: payouts, credit, losses. Keys make posting twice harmless."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.credit_journals import grant_journal, reserve_journal
from domain.dispute_journals import absorbed_journal
from domain.ids import BookingId, LotId, UserId
from domain.journals import CreditLot, Journal, Line, lot_of_cancellation, share_absorbed_journal
from domain.movements import FeeRefundSeen, PayoutSeen
from domain.operations import ChargeSeen
from domain.payment_steps import is_blocked
from domain.payments import Step
from domain.payout_journals import payout_journals
from domain.settings import POLICY
from tests.domain.test_payments import facts, payment

AT = datetime(2027, 3, 10, 18, tzinfo=UTC)
WHO = UUID(int=7)
PUPIL = UUID(int=8)
LOT = LotId(UUID(int=9))
FACTS = facts()
TAKEN = ChargeSeen(
    id="ch_1", is_good=True, authorized_at=AT, capture_before=None, captured_cents=7000
)
PAYOUT = PayoutSeen(
    id="po_1",
    status="paid",
    amount_cents=8330,
    fee_cents=170,
    is_instant=True,
    arrival_at=AT,
    failure_code=None,
    transaction_id="txn_out",
    failure_transaction_id=None,
    application_fee_id="fee_1",
    fee_transaction_id="txn_fee",
)


def posted(**more: object) -> tuple[Journal, ...]:
    """The journals of the payout, with some of it changed."""
    seen = msgspec.structs.replace(PAYOUT, **more)
    return payout_journals(seen, instructor_id=WHO, account="acct_1", at=AT)


def journal(kind: str, source: str, *lines: Line) -> Journal:
    """A journal of the instructor's, as expected."""
    found = [
        Journal(
            kind=each,
            dedupe_key=f"{each}:{source}",
            booking_id=None,
            user_ids=(WHO,),
            effective_at=AT,
            source=source,
            lines=lines,
        )
        for each in ("payout", "payout_cost", "payout_returned", "payout_fee_refunded")
        if each == kind
    ]
    return found[0]


def line(account: str, cents: int, transaction: str | None = None) -> Line:
    """One posting."""
    return Line(account=account, amount_cents=cents, balance_transaction_id=transaction)


NET = (line("SC:acct_1", -8330, "txn_out"), line(f"WAL:{WHO}", 8330))
FEE = (
    line("SC:acct_1", -170),
    line("SP", 170, "txn_fee"),
    line(f"WAL:{WHO}", 170),
    line("IPF", -170),
)


def test_a_payout_takes_its_net_and_its_fee_from_the_instructor() -> None:
    assert posted() == (journal("payout", "po_1", *NET, *FEE),)


def test_a_payout_without_a_fee_takes_what_arrives() -> None:
    assert posted(fee_cents=0) == (journal("payout", "po_1", *NET),)


def test_a_payout_that_has_not_moved_posts_nothing() -> None:
    assert posted(transaction_id=None) == ()


def test_what_stripe_bills_for_a_payout_is_an_expense() -> None:
    cost = journal("payout_cost", "po_1", line("SP", -83, "txn_cost"), line("XIP", 83))
    assert posted(cost_cents=83, cost_transaction_id="txn_cost")[1:] == (cost,)


def test_a_returned_payout_is_owed_again_and_its_fee_where_stripe_gave_it_back() -> None:
    back = journal(
        "payout_returned", "po_1", line("SC:acct_1", 8330, "txn_back"), line(f"WAL:{WHO}", -8330)
    )
    fee = journal(
        "payout_fee_refunded",
        "fr_1",
        line("SC:acct_1", 170),
        line("SP", -170, "txn_fee_back"),
        line(f"WAL:{WHO}", -170),
        line("IPF", 170),
    )
    refund = FeeRefundSeen(id="fr_1", amount_cents=170, transaction_id="txn_fee_back")
    found = posted(failure_transaction_id="txn_back", fee_refunds=(refund,))
    assert found == (journal("payout", "po_1", *NET, *FEE), back, fee)
    assert all(sum(each.amount_cents for each in one.lines) == 0 for one in found)


def test_goodwill_is_an_expense_and_a_liability() -> None:
    lot = CreditLot(
        id=LOT,
        user_id=UserId(PUPIL),
        source="goodwill",
        booking_id=None,
        granted_cents=3000,
        remaining_cents=1000,
        currency="usd",
        created_at=AT,
        expires_at=AT + timedelta(days=365),
    )
    assert grant_journal(lot, at=AT) == Journal(
        kind="credit_granted",
        dedupe_key=f"credit_granted:{LOT}",
        booking_id=None,
        user_ids=(PUPIL,),
        effective_at=AT,
        source=str(LOT),
        lines=(line("XGW", 3000), line(f"CRA:{PUPIL}", -3000)),
    )


def test_reserved_credit_goes_from_one_liability_to_another() -> None:
    booking = BookingId(UUID(int=3))
    assert reserve_journal(booking, PUPIL, WHO, 700, at=AT) == Journal(
        kind="credit_reserved",
        dedupe_key=f"credit_reserved:{booking}",
        booking_id=booking,
        user_ids=(PUPIL, WHO),
        effective_at=AT,
        source=str(booking),
        lines=(line(f"CRA:{PUPIL}", 700), line(f"CRR:{PUPIL}", -700)),
    )


def test_what_a_lost_dispute_leaves_in_transit_is_a_loss() -> None:
    booking = FACTS.booking_id
    assert absorbed_journal(FACTS, 8500, at=AT) == Journal(
        kind="dispute_absorbed",
        dedupe_key=f"dispute_absorbed:{booking}",
        booking_id=booking,
        user_ids=(FACTS.student_id, FACTS.instructor_id),
        effective_at=AT,
        source=str(booking),
        lines=(line(f"CLR:{booking}", -8500), line("XLS", 8500)),
    )


@pytest.mark.parametrize("cents", [1, 4250])
def test_a_paid_share_that_does_not_come_back_is_our_loss(cents: int) -> None:
    assert share_absorbed_journal(FACTS, cents, source="re_1", at=AT) == Journal(
        kind="share_absorbed",
        dedupe_key="share_absorbed:re_1",
        booking_id=FACTS.booking_id,
        user_ids=(FACTS.student_id, FACTS.instructor_id),
        effective_at=AT,
        source="re_1",
        lines=(line("XGW", cents), line(f"PAY:{FACTS.instructor_id}", -cents)),
    )


def test_what_the_credit_rule_took_is_credit_for_its_whole_life() -> None:
    life = timedelta(days=365)
    made = lot_of_cancellation(FACTS, TAKEN, lot_id=LOT, at=AT, life=life)
    assert made == CreditLot(
        id=LOT,
        user_id=FACTS.student_id,
        source="cancellation",
        booking_id=FACTS.booking_id,
        granted_cents=7000,
        remaining_cents=7000,
        currency="usd",
        created_at=AT,
        expires_at=AT + life,
    )


ASK = Step("confirm_intent", "authorizing")
REFUSED_AT = AT
EVERY = POLICY.blocked_every
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("step", "status", "refused_at", "now", "expected"),
    [
        (ASK, "authorizing", REFUSED_AT, AT + EVERY - TICK, True),
        (ASK, "authorizing", REFUSED_AT, AT + EVERY, False),
        (Step("create_intent", "authorizing"), "authorizing", REFUSED_AT, AT, True),
        (Step("release", "releasing"), "authorizing", REFUSED_AT, AT, False),
        (Step("confirm_intent", "authorizing", True), "authorizing", REFUSED_AT, AT, False),
        (ASK, "auth_retry", REFUSED_AT, AT, False),
        (ASK, "authorizing", None, AT, False),
    ],
)
def test_a_card_waits_where_stripe_has_refused_for_another_reason(
    step: Step, status: PaymentStatus, refused_at: datetime | None, now: datetime, expected: bool
) -> None:
    found = is_blocked(facts(blocked_at=refused_at), payment(status), step, now=now, policy=POLICY)
    assert found is expected
