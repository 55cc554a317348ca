"""What is left of a payment when a dispute ends: its refunds, its credit, its top-up."""

import uuid
from datetime import timedelta

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.credit_journals import from_credit, revoke_journal
from domain.dispute_journals import dispute_journals
from domain.disputes import Dispute, Recovery, after_disputes, is_newer
from domain.errors import BookingState, Invalid
from domain.journals import Journal, Line
from domain.movements import DisputeSeen, DisputeStatus
from domain.payment_steps import next_step
from domain.payments import Step
from domain.refunds import Refund, RefundState, after_overlay, check_refund, is_unpaid, resting
from domain.settings import POLICY
from domain.timings import timings_for
from tests.domain.test_payments import BOOKING, END, START, facts, payment
from tests.domain.test_timings import CLOCK

TAKEN = {"payment_intent_id": "pi_1", "captured_cents": 10_000}


def refund(cents: int, state: RefundState, *, number: int = 0) -> Refund:
    return Refund(
        id=uuid.UUID(int=number),
        booking_id=BOOKING,
        amount_cents=cents,
        currency="usd",
        reverses_transfer=True,
        cause="stripe",
        reason=None,
        requested_by=None,
        state=state,
        stripe_refund_id=f"re_{number}",
        failure_reason=None,
        created_at=START,
        finished_at=None,
    )


@pytest.mark.parametrize(
    ("base", "refunds", "became"),
    [
        ("settled", (), "settled"),
        ("credited", (), "credited"),
        ("settled", ((10_000, "succeeded"),), "refunded"),
        ("settled", ((4000, "succeeded"),), "partially_refunded"),
        ("settled", ((4000, "succeeded"), (6000, "planned")), "refunding"),
        ("refunding", ((4000, "pending"),), "refunding"),
        ("refunding", ((4000, "succeeded"),), "partially_refunded"),
        ("refunding", ((4000, "failed"),), "refund_failed"),
        ("refunding", ((4000, "refused"),), "settled"),
        ("refunding", (), "settled"),
        ("refund_failed", ((4000, "refused"),), "settled"),
        ("settled", ((4000, "refused"),), "settled"),
        ("payout_pending", (), "payout_pending"),
    ],
)
def test_when_nothing_lies_over_a_payment_its_refunds_tell_what_it_is(
    base: PaymentStatus, refunds: tuple[tuple[int, RefundState], ...], became: PaymentStatus
) -> None:
    rows = [refund(cents, state, number=n) for n, (cents, state) in enumerate(refunds)]
    assert after_overlay(facts(), payment("disputed", **TAKEN), rows, base=base) == became


@pytest.mark.parametrize(
    ("own", "paid", "rests"),
    [
        ({}, {}, "settled"),
        ({"lot_left_cents": 0}, {}, "credited"),
        ({"top_up_cents": 1500, "consumed_cents": 3000}, {}, "payout_pending"),
        ({"top_up_cents": 1500, "consumed_cents": 3000}, {"top_up_id": "tr_1"}, "settled"),
        ({"top_up_cents": 0, "consumed_cents": 1000}, {}, "settled"),
    ],
)
def test_money_of_which_nothing_went_back_rests_where_it_would_have(
    own: dict[str, object], paid: dict[str, object], rests: PaymentStatus
) -> None:
    lies = payment("refunding", **TAKEN, **paid)
    assert resting(facts(**own), lies) == rests
    assert is_unpaid(facts(**own), lies) == (rests == "payout_pending")


# --- what may be refunded -------------------------------------------------------------------------


def test_a_lesson_that_credit_paid_is_refunded_whole() -> None:
    by_credit = payment("settled", payment_intent_id=None, captured_cents=0)
    check_refund(by_credit, amount_cents=3000, refunded_cents=0, consumed_cents=3000)
    for cents in (1, 2999, 3001):
        with pytest.raises(Invalid) as refusal:
            check_refund(by_credit, amount_cents=cents, refunded_cents=0, consumed_cents=3000)
        assert refusal.value.detail == "credit goes back whole: 3000 cents"
    with pytest.raises(BookingState):
        check_refund(by_credit, amount_cents=3000, refunded_cents=3000, consumed_cents=0)


def test_who_is_still_to_be_paid_cannot_keep_it_of_a_whole_refund() -> None:
    taken = payment("payout_pending", **TAKEN)
    more = {"consumed_cents": 3000, "is_top_up_owed": True, "refunded_cents": 0}
    check_refund(taken, amount_cents=9999, **more)
    with pytest.raises(BookingState):
        check_refund(taken, amount_cents=10_000, **more)


@pytest.mark.parametrize(
    ("own", "top_up", "step"),
    [
        ({}, "tr_1", "reverse_top_up"),
        ({"keeps_top_up": True}, "tr_1", "restore_credit"),
        ({}, None, "restore_credit"),
    ],
)
def test_credit_comes_back_and_the_top_up_as_it_was_wished(
    own: dict[str, object], top_up: str | None, step: str
) -> None:
    told = facts(status="completed", consumed_cents=3000, top_up_cents=1500, **own)
    given = payment("refunded", **TAKEN, top_up_id=top_up)
    assert next_step(told, given, now=END, policy=POLICY) == Step(step, "refunded")


# --- a report that nobody has decided -------------------------------------------------------------


@pytest.mark.parametrize("state", ["open", "contested"])
def test_nothing_is_topped_up_while_a_report_is_undecided(state: str) -> None:
    told = facts(status="completed", consumed_cents=3000, top_up_cents=1500, report_state=state)
    owing, later = payment("payout_pending", **TAKEN), END + timedelta(days=5)
    assert next_step(told, owing, now=later, policy=POLICY) is None
    decided = msgspec.structs.replace(told, report_state="rejected")
    step = next_step(decided, owing, now=later, policy=POLICY)
    assert step == Step("top_up", "payout_pending")
    clock = msgspec.structs.replace(
        CLOCK, status="completed", payment_status="payout_pending", report_state=state
    )
    kinds = {each.kind for each in timings_for(clock, now=later, policy=POLICY)}
    assert "top_up" not in kinds


def test_a_part_of_a_charge_that_became_credit_is_not_followed_by_the_rest() -> None:
    told = facts(status="cancelled", outcome="credit", lot_left_cents=6000, refunded_cents=4000)
    partly = payment("partially_refunded", **TAKEN)
    assert next_step(told, partly, now=END, policy=POLICY) is None


# --- appeals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "is_taken"),
    [
        ("lost", "appeal_needs_response", True),
        ("appeal_needs_response", "appeal_under_review", True),
        ("appeal_under_review", "appeal_needs_response", False),
        ("appeal_under_review", "won", True),
        ("appeal_under_review", "lost", True),
        ("appeal_under_review", "under_review", False),
        ("appeal_under_review", "prevented", False),
        ("won", "warning_closed", False),
    ],
)
def test_an_appeal_comes_after_a_loss_and_before_its_own_end(
    before: DisputeStatus, after: DisputeStatus, is_taken: bool
) -> None:
    assert is_newer(before, after) is is_taken


def dispute(status: DisputeStatus, recovery: Recovery) -> Dispute:
    return Dispute(
        id="du_1",
        booking_id=BOOKING,
        status=status,
        reason="fraudulent",
        amount_cents=10_000,
        currency="usd",
        previous_status="settled",
        recovery=recovery,
        evidence_count=0,
        evidence_due_at=None,
        created_at=START,
        closed_at=None,
    )


@pytest.mark.parametrize(
    ("now", "status", "recovery", "became"),
    [
        ("dispute_lost", "appeal_under_review", "done", "disputed"),
        ("disputed", "won", "done", "dispute_lost"),
        ("disputed", "won", "none", "settled"),
        ("disputed", "won", "absorbed", "settled"),
        ("dispute_lost", "won", "none", "settled"),
    ],
)
def test_what_was_taken_back_from_the_instructor_outlives_an_appeal(
    now: PaymentStatus, status: DisputeStatus, recovery: Recovery, became: PaymentStatus
) -> None:
    assert after_disputes(payment(now, **TAKEN), [dispute(status, recovery)]) == became


@pytest.mark.parametrize(
    ("was_lost", "bearer"),
    [("none", "DSP"), ("wanted", f"CLR:{BOOKING}"), ("done", "XLS"), ("absorbed", "XLS")],
)
def test_what_a_won_appeal_brings_goes_to_who_had_to_do_without(
    was_lost: Recovery, bearer: str
) -> None:
    seen = DisputeSeen(
        id="du_1",
        payment_intent_id="pi_1",
        status="won",
        reason="fraudulent",
        amount_cents=10_000,
        reinstated_cents=10_000,
        reinstatement_transaction_id="txn_1",
    )
    (won,) = dispute_journals(facts(), seen, "none", at=END, was_lost=was_lost)
    assert [(each.account, each.amount_cents) for each in won.lines] == [
        ("SP", 10_000),
        (bearer, -10_000),
    ]


# --- credit whose payment goes back ---------------------------------------------------------------


def moved(kind: str, *lines: tuple[str, int]) -> Journal:
    return Journal(
        kind=kind,
        dedupe_key=kind,
        booking_id=BOOKING,
        user_ids=(),
        effective_at=END,
        source=kind,
        lines=tuple(Line(account=account, amount_cents=cents) for account, cents in lines),
    )


def test_what_goes_back_comes_out_of_credit_as_far_as_it_is_unspent() -> None:
    student = uuid.UUID(int=3)
    given = [
        moved("refund_absorbed", ("CLR", -3000), ("XGW", 3000)),
        moved("application_fee_refunded", ("SP", -4000), ("REV", 4000)),
        moved("transfer_reversed", ("SP", 9), ("REV", -9)),
    ]
    changed, taken, whole = from_credit(given, student_id=student, left_cents=5000, is_all_fee=True)
    assert (taken, whole) == (5000, 7000)
    lines = [[(each.account, each.amount_cents) for each in one.lines] for one in changed]
    assert lines == [
        [("CLR", -3000), (f"CRA:{student}", 3000)],
        [("SP", -4000), (f"CRA:{student}", 2000), ("XLS", 2000)],
        [("SP", 9), ("REV", -9)],
    ]
    # where the fee was earned before it was taken back, it is revenue that goes back
    kept, taken, whole = from_credit(given, student_id=student, left_cents=0, is_all_fee=False)
    assert (kept[1], taken, whole) == (given[1], 0, 3000)
    assert kept[0].lines[1] == Line(account="XLS", amount_cents=3000)


def test_void_credit_is_a_loss_that_is_smaller() -> None:
    lot, student = uuid.UUID(int=8), uuid.UUID(int=3)
    journal = revoke_journal(lot, student, 700, booking_id=BOOKING, source="du_1", at=END)
    assert journal.dedupe_key == f"credit_voided:{lot}:du_1"
    assert [(each.account, each.amount_cents) for each in journal.lines] == [
        (f"CRA:{student}", 700),
        ("XLS", -700),
    ]
