"""What a capture posts, and what goes back: keys, people, accounts and Stripe's transactions."""

from datetime import UTC, datetime

import msgspec
import pytest

from domain.journals import Journal, JournalKind, Line, capture_journals, movement_journals
from domain.movements import FeeRefundSeen, MovementsSeen, RefundSeen, ReversalSeen
from domain.operations import ChargeSeen
from tests.domain.test_payments import facts

AT = datetime(2027, 3, 10, 18, tzinfo=UTC)
FACTS = facts()
STUDENT, INSTRUCTOR, BOOKING = FACTS.student_id, FACTS.instructor_id, FACTS.booking_id
CRA, WAL, PAY, CLR = f"CRA:{STUDENT}", f"WAL:{INSTRUCTOR}", f"PAY:{INSTRUCTOR}", f"CLR:{BOOKING}"
SC = "SC:acct_1"
TAKEN = ChargeSeen(
    id="ch_1",
    is_good=True,
    authorized_at=AT,
    captured_at=AT,
    captured_cents=10_000,
    stripe_fee_cents=320,
    balance_transaction_id="txn_charge",
    transfer_id="tr_1",
    transfer_cents=10_000,
    transfer_transaction_id="txn_transfer",
    destination_transaction_id="txn_payment",
    application_fee_id="fee_1",
    application_fee_cents=1500,
    application_fee_transaction_id="txn_fee",
)
Posted = tuple[tuple[str, int, str | None], ...]

CHARGE: Posted = (("SP", 9680, "txn_charge"), ("XPR", 320, None), (CLR, -10_000, None))
TRANSFER: Posted = (
    ("SP", -10_000, "txn_transfer"),
    (SC, 10_000, "txn_payment"),
    (CLR, 10_000, None),
    (WAL, -10_000, None),
)


def fee(cents: int, *earned: tuple[str, int, None]) -> Posted:
    """What the platform takes of the instructor's, and what that is."""
    return ((SC, -cents, None), ("SP", cents, "txn_fee"), (WAL, cents, None), *earned)


def journal(kind: JournalKind, lines: Posted, *, key: str, source: str) -> Journal:
    return Journal(
        kind=kind,
        dedupe_key=key,
        booking_id=BOOKING,
        user_ids=(STUDENT, INSTRUCTOR),
        effective_at=AT,
        source=source,
        lines=tuple(
            Line(account=account, amount_cents=cents, balance_transaction_id=transaction)
            for account, cents, transaction in lines
        ),
    )


@pytest.mark.parametrize(
    ("changes", "kind", "lines"),
    [
        ({}, "application_fee", fee(1500, ("REV", -1500, None))),
        ({"application_fee_cents": 10_000}, "credit_rule", fee(10_000, (CRA, -10_000, None))),
        (
            {"application_fee_cents": 10_000, "kept_as": "owed"},
            "share_withheld",
            fee(10_000, (PAY, -8500, None), ("REV", -1500, None)),
        ),
    ],
)
def test_a_capture_is_a_charge_a_transfer_and_a_fee(
    changes: dict[str, object], kind: JournalKind, lines: Posted
) -> None:
    seen = msgspec.structs.replace(TAKEN, **changes)
    wanted: list[tuple[JournalKind, Posted]] = [
        ("charge", CHARGE), ("transfer", TRANSFER), (kind, lines),
    ]  # fmt: skip
    assert capture_journals(FACTS, seen, cycle=2, at=AT) == tuple(
        journal(each, posted, key=f"{BOOKING}:2:{each}", source="ch_1") for each, posted in wanted
    )


def test_credit_that_a_transfer_still_holds_waits_in_transit() -> None:
    seen = msgspec.structs.replace(TAKEN, application_fee_cents=0, kept_as="credit")
    found = capture_journals(FACTS, seen, cycle=1, at=AT)
    assert [each.kind for each in found] == ["charge", "transfer", "credit_rule"]
    lines: Posted = ((CLR, 10_000, None), (CRA, -10_000, None))
    key = f"{BOOKING}:1:credit_rule"
    assert found[2] == journal("credit_rule", lines, key=key, source="ch_1")


# --- what goes back -------------------------------------------------------------------------------

REFUND = RefundSeen(
    id="re_1",
    payment_intent_id="pi_1",
    amount_cents=4000,
    status="succeeded",
    reason=None,
    failure_reason=None,
    transaction_id="txn_refund",
    failure_transaction_id=None,
)
REVERSAL = ReversalSeen(
    id="trr_1",
    transfer_id="tr_1",
    amount_cents=3000,
    transaction_id="txn_back",
    destination_transaction_id="txn_taken",
    refund_id="re_1",
)
FEE_BACK = FeeRefundSeen(id="fr_1", amount_cents=600, transaction_id="txn_fee_back")


def moved(
    *refunds: RefundSeen,
    reversals: tuple[ReversalSeen, ...] = (),
    fees: tuple[FeeRefundSeen, ...] = (),
) -> tuple[Journal, ...]:
    seen = MovementsSeen(
        payment_intent_id="pi_1", refunds=refunds, reversals=reversals, fee_refunds=fees
    )
    return movement_journals(FACTS, seen, at=AT)


def back(kind: JournalKind, source: str, *lines: tuple[str, int, str | None]) -> Journal:
    return journal(kind, lines, key=f"{kind}:{source}", source=source)


GIVEN = back("refund", "re_1", ("SP", -4000, "txn_refund"), (CLR, 4000, None))


def absorbed(cents: int) -> Journal:
    return back("refund_absorbed", "re_1", (CLR, -cents, None), ("XGW", cents, None))


def test_a_refund_takes_back_transfer_and_fee_and_the_rest_is_our_loss() -> None:
    assert moved(REFUND, reversals=(REVERSAL,), fees=(FEE_BACK,)) == (
        GIVEN,
        absorbed(1000),
        back(
            "transfer_reversed",
            "trr_1",
            ("SP", 3000, "txn_back"),
            (SC, -3000, "txn_taken"),
            (WAL, 3000, None),
            (CLR, -3000, None),
        ),
        back(
            "application_fee_refunded",
            "fr_1",
            ("SP", -600, "txn_fee_back"),
            (SC, 600, None),
            ("REV", 600, None),
            (WAL, -600, None),
        ),
    )


def test_what_another_reversal_brings_back_is_none_of_this_refund() -> None:
    other = msgspec.structs.replace(REVERSAL, refund_id="re_2")
    assert moved(REFUND, reversals=(other,))[1] == absorbed(4000)


def test_a_refund_that_comes_back_whole_costs_nothing() -> None:
    whole = msgspec.structs.replace(REVERSAL, amount_cents=4000)
    found = moved(REFUND, reversals=(whole,))
    assert [each.kind for each in found] == ["refund", "transfer_reversed"]


def test_what_is_borne_is_what_was_decided_where_it_was_decided() -> None:
    decided = msgspec.structs.replace(REFUND, absorbed_cents=250)
    assert moved(decided) == (GIVEN, absorbed(250))
    assert moved(msgspec.structs.replace(REFUND, absorbed_cents=0)) == (GIVEN,)


def test_a_refund_that_the_bank_sends_back_is_ours_again() -> None:
    failed = msgspec.structs.replace(
        REFUND, status="failed", failure_transaction_id="txn_failed", absorbed_cents=0
    )
    came = back("refund_failed", "re_1", ("SP", 4000, "txn_failed"), (CLR, -4000, None))
    assert moved(failed) == (GIVEN, came)


def test_what_has_not_moved_yet_posts_nothing() -> None:
    waiting = msgspec.structs.replace(REFUND, transaction_id=None)
    unmoved = msgspec.structs.replace(REVERSAL, transaction_id=None)
    unpaid = msgspec.structs.replace(FEE_BACK, transaction_id=None)
    assert moved(waiting, reversals=(unmoved,), fees=(unpaid,)) == ()
