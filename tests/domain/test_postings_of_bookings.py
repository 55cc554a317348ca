"""What a booking's credit and disputes post, line by line, with the keys that post it once."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.credit_journals import (
    consume_journal,
    refund_journal,
    restore_journal,
    revoke_journal,
    top_up_back_journal,
    top_up_journal,
)
from domain.dispute_journals import dispute_journals
from domain.disputes import Recovery
from domain.ids import LotId, UserId
from domain.journals import CreditLot, Journal, JournalKind, Line, LotSource, expiry_journal
from domain.movements import DisputeSeen, ReversalSeen, TransferSeen
from domain.payments import Payment, Step, moved
from domain.settings import POLICY
from tests.domain.test_payments import facts, payment

AT = datetime(2027, 3, 10, 18, tzinfo=UTC)
FACTS = facts(top_up_cents=1500)
STUDENT, INSTRUCTOR, BOOKING = FACTS.student_id, FACTS.instructor_id, FACTS.booking_id
CRA, CRR = f"CRA:{STUDENT}", f"CRR:{STUDENT}"
PAY, WAL, CLR = f"PAY:{INSTRUCTOR}", f"WAL:{INSTRUCTOR}", f"CLR:{BOOKING}"


def journal(kind: JournalKind, lines: dict[str, int], source: str = "", **ids: str) -> Journal:
    """The booking's journal as expected; `ids` are the transactions of SP and SC."""
    source = source or str(BOOKING)
    return Journal(
        kind=kind,
        dedupe_key=f"{kind}:{source}",
        booking_id=BOOKING,
        user_ids=(STUDENT, INSTRUCTOR),
        effective_at=AT,
        source=source,
        lines=tuple(
            Line(account=account, amount_cents=cents, balance_transaction_id=ids.get(account[:2]))
            for account, cents in lines.items()
        ),
    )


def test_used_credit_owes_the_top_up_and_earns_the_rest() -> None:
    expected = journal("credit_consumed", {CRR: 3000, PAY: -1500, "REV": -1500})
    assert consume_journal(FACTS, 3000, at=AT) == expected


def test_credit_that_pays_no_more_than_the_fee_owes_nobody() -> None:
    expected = journal("credit_consumed", {CRR: 700, "REV": -700})
    assert consume_journal(facts(), 700, at=AT) == expected


def test_credit_not_needed_is_free_again() -> None:
    expected = journal("credit_restored", {CRR: 3000, CRA: -3000})
    assert restore_journal(FACTS, 3000, at=AT) == expected


@pytest.mark.parametrize(
    ("absorbed", "lines"),
    [
        (0, {PAY: 1500, "REV": 1500, CRA: -3000}),
        (1500, {"XGW": 1500, "REV": 1500, CRA: -3000}),
        (500, {PAY: 1000, "XGW": 500, "REV": 1500, CRA: -3000}),
    ],
)
def test_used_credit_given_back_takes_the_top_up_or_is_our_loss(
    absorbed: int, lines: dict[str, int]
) -> None:
    found = refund_journal(FACTS, 3000, absorbed_cents=absorbed, at=AT)
    assert found == journal("credit_refunded", lines)


def test_credit_whose_payment_is_gone_is_void() -> None:
    lot = UUID(int=9)
    found = revoke_journal(lot, STUDENT, 400, booking_id=BOOKING, source="du_1", at=AT)
    assert found == msgspec.structs.replace(
        journal("credit_voided", {CRA: 400, "XLS": -400}, "du_1"),
        dedupe_key=f"credit_voided:{lot}:du_1",
        user_ids=(STUDENT,),
    )


def test_a_top_up_is_paid_from_our_balance_and_comes_back_there() -> None:
    sent = TransferSeen(
        id="tr_1",
        amount_cents=1500,
        reversed_cents=0,
        destination_account="acct_1",
        transaction_id="txn_1",
        destination_transaction_id="txn_2",
    )
    back = ReversalSeen(
        id="trr_1",
        transfer_id="tr_1",
        amount_cents=1500,
        transaction_id="txn_3",
        destination_transaction_id="txn_4",
        refund_id=None,
    )
    paid = {"SP": -1500, "SC:acct_1": 1500, PAY: 1500, WAL: -1500}
    undone = {account: -cents for account, cents in paid.items()}
    assert top_up_journal(FACTS, sent, at=AT) == journal(
        "top_up", paid, "tr_1", SP="txn_1", SC="txn_2"
    )
    assert top_up_back_journal(FACTS, back, at=AT) == journal(
        "top_up_reversed", undone, "trr_1", SP="txn_3", SC="txn_4"
    )


OPENED = DisputeSeen(
    id="du_1",
    payment_intent_id="pi_1",
    status="needs_response",
    reason="fraudulent",
    amount_cents=10_000,
    withdrawn_cents=10_000,
    withdrawal_transaction_id="txn_1",
    withdrawal_fee_cents=1500,
)
TAKEN = journal("dispute_opened", {"SP": -11_500, "XDF": 1500, "DSP": 10_000}, "du_1", SP="txn_1")


def disputed(
    recovery: Recovery = "none", was_lost: Recovery = "none", **more: object
) -> tuple[Journal, ...]:
    """What a look at the dispute posts."""
    seen = msgspec.structs.replace(OPENED, **more)
    return dispute_journals(FACTS, seen, recovery, at=AT, was_lost=was_lost)


def test_a_chargeback_takes_amount_and_fee_at_once() -> None:
    assert disputed() == (TAKEN,)


def test_an_inquiry_moves_nothing() -> None:
    none = {"withdrawn_cents": 0, "withdrawal_transaction_id": None, "withdrawal_fee_cents": 0}
    assert disputed(status="warning_needs_response", **none) == ()
    assert disputed(status="lost", **none) == ()


@pytest.mark.parametrize(
    ("recovery", "bearer"), [("wanted", CLR), ("done", CLR), ("absorbed", "XLS")]
)
def test_a_lost_one_lies_in_transit_or_with_us(recovery: Recovery, bearer: str) -> None:
    lost = journal("dispute_lost", {"DSP": -10_000, bearer: 10_000}, "du_1")
    assert disputed(recovery, status="lost") == (TAKEN, lost)


@pytest.mark.parametrize(
    ("was_lost", "bearer"),
    [("none", "DSP"), ("wanted", CLR), ("done", "XLS"), ("absorbed", "XLS")],
)
def test_what_comes_back_is_theirs_who_had_to_do_without_it(
    was_lost: Recovery, bearer: str
) -> None:
    won = {"reinstated_cents": 10_000, "reinstatement_transaction_id": "txn_2"}
    back = journal("dispute_won", {"SP": 10_000, bearer: -10_000}, "du_1", SP="txn_2")
    assert disputed(was_lost=was_lost, status="won", **won) == (TAKEN, back)


def test_a_fee_of_the_way_back_is_an_expense() -> None:
    won = {
        "reinstated_cents": 10_000,
        "reinstatement_transaction_id": "txn_2",
        "reinstatement_fee_cents": 25,
    }
    lines = {"SP": 9975, "XDF": 25, "DSP": -10_000}
    assert disputed(status="won", **won)[1:] == (journal("dispute_won", lines, "du_1", SP="txn_2"),)


@pytest.mark.parametrize(
    ("source", "is_income", "held"),
    [
        ("cancellation", False, "CRX"),
        ("cancellation", True, "BRK"),
        ("package", False, "CRX"),
        ("gift", False, "CRX"),
        ("goodwill", False, "XGW"),
        ("goodwill", True, "XGW"),
        ("referral", False, "XGW"),
        ("no_show", False, "XGW"),
    ],
)
def test_credit_that_ends_is_held_or_earned_where_it_was_paid_for(
    source: LotSource, is_income: bool, held: str
) -> None:
    lot = CreditLot(
        id=LotId(UUID(int=9)),
        user_id=UserId(STUDENT),
        source=source,
        booking_id=BOOKING,
        granted_cents=3000,
        remaining_cents=1200,
        currency="usd",
        created_at=AT,
        expires_at=AT,
    )
    assert expiry_journal(lot, at=AT, is_income=is_income) == msgspec.structs.replace(
        journal("credit_expired", {CRA: 1200, held: -1200}, str(lot.id)), user_ids=(STUDENT,)
    )


ASKED = payment(
    "auth_lost",
    cycle=2,
    attempt=3,
    is_on_session=True,
    charge_id="ch_1",
    capture_before=AT,
    warned_at=AT,
    decline_code="expired_card",
)


def test_a_step_that_only_moves_changes_the_status_alone() -> None:
    found = moved(ASKED, Step("move", "released"), POLICY)
    assert found == msgspec.structs.replace(ASKED, status="released")


@pytest.mark.parametrize("status", ["scheduled", "authorizing"])
def test_a_new_cycle_begins_with_nothing_asked(status: PaymentStatus) -> None:
    expected: Payment = msgspec.structs.replace(
        ASKED,
        status=status,
        cycle=3,
        attempt=0,
        is_on_session=False,
        payment_intent_id=None,
        charge_id=None,
        capture_before=None,
        warned_at=None,
        decline_code=None,
    )
    assert moved(ASKED, Step("new_cycle", status), POLICY) == expected
