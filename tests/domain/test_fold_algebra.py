"""Whatever order Stripe is looked at in, however often and however late: one state, one ledger.

A history is what truly happened at Stripe; a look is a fetched object as of one moment of it. The
looks come shuffled, repeated and stale. Journals are kept by their key, as the database does.
"""

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bookings import PaymentStatus
from domain.dispute_journals import dispute_journals
from domain.disputes import CLOSED, Dispute, after_disputes, is_newer, recovery_of
from domain.journals import Journal, capture_journals, movement_journals
from domain.movements import (
    DisputeSeen,
    DisputeStatus,
    FeeRefundSeen,
    MovementsSeen,
    RefundSeen,
    RefundStatus,
    ReversalSeen,
)
from domain.operations import IntentSeen, KeptAs
from domain.payments import TAKEN as TAKEN_STATUSES
from domain.payments import Payment
from domain.refunds import Refund, after_refunds, not_older, state_of
from tests.domain.test_payments import (
    AMOUNT,
    BOOKING,
    END,
    START,
    charge,
    facts,
    folded,
    payment,
    seen,
)

Ledger = dict[str, Journal]
FACTS = facts()
ORDERS = 4


def post(ledger: Ledger, journals: Sequence[Journal]) -> None:
    """Keeps what is new by its key; each journal sums to zero."""
    for each in journals:
        assert sum(line.amount_cents for line in each.lines) == 0
        ledger.setdefault(each.dedupe_key, each)


def shuffled(looks: Sequence[Any], random: Random) -> list[Any]:
    """The same looks, some of them twice, in any order."""
    again = [each for each in looks if random.random() < 0.5]
    mixed = [*looks, *again]
    random.shuffle(mixed)
    return mixed


# --- the payment intent ---------------------------------------------------------------------------


def taken(fee_cents: int, *, is_booked: bool = True, kept_as: KeptAs | None = None) -> IntentSeen:
    """A captured intent; its movements are booked a moment later."""
    booked = msgspec.structs.replace(charge(fee_cents=fee_cents), kept_as=kept_as)
    if not is_booked:
        booked = msgspec.structs.replace(
            booked, balance_transaction_id=None, transfer_transaction_id=None
        )
    return seen("succeeded", received_cents=AMOUNT, charge=booked)


RESERVED = seen("requires_capture", capturable_cents=AMOUNT, charge=charge(is_booked=False))
ASKED = (
    seen("requires_payment_method"),
    seen("requires_confirmation"),
    seen("requires_action"),
    seen("processing"),
)
HISTORIES = {
    "captured": (*ASKED, RESERVED, taken(1500, is_booked=False), taken(1500)),
    "without a fee": (*ASKED, RESERVED, taken(0, is_booked=False), taken(0)),
    "turned into credit": (*ASKED, RESERVED, taken(AMOUNT, is_booked=False), taken(AMOUNT)),
    "turned into credit by its word": (
        *ASKED,
        RESERVED,
        taken(AMOUNT, is_booked=False, kept_as="credit"),
        taken(AMOUNT, kept_as="credit"),
    ),
    "credit to be reversed": (
        *ASKED,
        RESERVED,
        taken(1500, is_booked=False, kept_as="credit"),
        taken(1500, kept_as="credit"),
    ),
    "withheld": (
        *ASKED,
        RESERVED,
        taken(AMOUNT, is_booked=False, kept_as="owed"),
        taken(AMOUNT, kept_as="owed"),
    ),
    "lapsed": (*ASKED, RESERVED, seen("canceled", charge=charge(is_booked=False))),
    "given up": (*ASKED, seen("canceled")),
    "reserved": (*ASKED, RESERVED),
}
STARTS: tuple[PaymentStatus, ...] = (
    "authorizing",
    "auth_retry",
    "card_required",
    "action_required",
    "authorized",
    "capturing",
    "crediting",
    "releasing",
    "auth_lost",
    "released",
    "captured",
    "settled",
    "refunded",
    "disputed",
)


def absorbed(status: PaymentStatus, looks: Sequence[IntentSeen]) -> tuple[Payment, Ledger]:
    """A payment after looks at its intent, with the journals that were posted on the way."""
    now, ledger = payment(status), Ledger()
    for look in looks:
        now = folded(now, look)
        is_taken = look.charge is not None and look.charge.is_booked and look.charge.captured_cents
        if look.charge is not None and is_taken and now.status in TAKEN_STATUSES:
            post(ledger, capture_journals(FACTS, look.charge, cycle=1, at=END))
    return now, ledger


@given(
    name=st.sampled_from(sorted(HISTORIES)),
    status=st.sampled_from(STARTS),
    random=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_looks_at_an_intent_in_any_order_end_in_one_state_and_one_ledger(
    name: str, status: PaymentStatus, random: Random, data: st.DataObject
) -> None:
    history = HISTORIES[name]
    looks = data.draw(st.lists(st.sampled_from(history), min_size=1, max_size=7))
    expected = absorbed(status, looks)
    for _ in range(ORDERS):
        assert absorbed(status, shuffled(looks, random)) == expected


@pytest.mark.parametrize("name", sorted(HISTORIES))
@given(random=st.randoms(use_true_random=False), data=st.data())
def test_the_newest_look_alone_decides_however_many_old_ones_come_with_it(
    name: str, random: Random, data: st.DataObject
) -> None:
    history = HISTORIES[name]
    old = data.draw(st.lists(st.sampled_from(history), max_size=6))
    assert absorbed("authorizing", shuffled([*old, history[-1]], random)) == absorbed(
        "authorizing", [history[-1]]
    )


@given(
    look=st.sampled_from([look for looks in HISTORIES.values() for look in looks]),
    status=st.sampled_from(STARTS),
)
def test_a_look_at_another_cycles_intent_is_nothing(
    look: IntentSeen, status: PaymentStatus
) -> None:
    other = msgspec.structs.replace(look, id="pi_of_another_cycle")
    assert folded(payment(status), other) == payment(status)


# --- what goes back -------------------------------------------------------------------------------

PATHS: tuple[tuple[RefundStatus, ...], ...] = (
    ("succeeded",),
    ("pending", "succeeded"),
    ("pending", "succeeded", "failed"),
    ("pending", "failed"),
    ("pending", "canceled"),
    ("requires_action", "canceled"),
)


class Back(msgspec.Struct, frozen=True):
    """One refund's whole life at Stripe."""

    cents: int
    path: tuple[RefundStatus, ...]
    reverses: bool


def backs() -> st.SearchStrategy[list[Back]]:
    """Refunds of one charge, one after another."""
    one = st.builds(Back, st.integers(1, 4000), st.sampled_from(PATHS), st.booleans())
    return st.lists(one, min_size=1, max_size=3)


def movements(history: list[Back], moment: int, later: int) -> MovementsSeen:
    """Everything as of one moment; reversals and fees are read a little later than refunds."""
    refunds: list[RefundSeen] = []
    reversals: list[ReversalSeen] = []
    fees: list[FeeRefundSeen] = []
    began = 0
    for number, back in enumerate(history):
        lived, lived_later = moment - began, later - began
        began += len(back.path)
        if lived_later >= 0 and back.reverses:
            reversals.append(
                ReversalSeen(
                    id=f"trr_{number}",
                    transfer_id="tr_1",
                    amount_cents=back.cents,
                    transaction_id=f"txn_trr_{number}",
                    destination_transaction_id=f"txn_dst_{number}",
                    refund_id=f"re_{number}",
                )
            )
            fees.append(
                FeeRefundSeen(id=f"fr_{number}", amount_cents=1, transaction_id=f"txn_fr_{number}")
            )
        if lived < 0:
            continue
        status = back.path[min(lived, len(back.path) - 1)]
        failed = f"txn_fail_{number}" if status == "failed" else None
        refunds.append(
            RefundSeen(
                id=f"re_{number}",
                payment_intent_id="pi_1",
                amount_cents=back.cents,
                status=status,
                reason=None,
                failure_reason=None,
                transaction_id=f"txn_re_{number}",
                failure_transaction_id=failed,
            )
        )
    return MovementsSeen(
        payment_intent_id="pi_1",
        refunds=tuple(refunds),
        reversals=tuple(reversals),
        fee_refunds=tuple(fees),
    )


def row(number: int, look: RefundSeen) -> Refund:
    """What is stored of a refund that was looked at."""
    return Refund(
        id=UUID(int=number),
        booking_id=BOOKING,
        amount_cents=look.amount_cents,
        currency="usd",
        reverses_transfer=True,
        cause="stripe",
        reason=None,
        requested_by=None,
        state=state_of(look),
        stripe_refund_id=look.id,
        failure_reason=None,
        created_at=START,
        finished_at=None,
    )


def refunded(looks: Sequence[MovementsSeen]) -> tuple[PaymentStatus, dict[str, str], Ledger]:
    """The status, the rows and the journals after looks at what went back."""
    status: PaymentStatus = "settled"
    rows: dict[str, Refund] = {}
    ledger = Ledger()
    for look in looks:
        newest = not_older(look, list(rows.values()))
        for each in newest.refunds:
            known = rows.get(each.id)
            rows[each.id] = row(known.id.int if known else int(each.id[3:]), each)
        rows = dict(sorted(rows.items()))
        post(ledger, movement_journals(FACTS, newest, at=END))
        now = payment(status, payment_intent_id="pi_1", captured_cents=AMOUNT)
        status = after_refunds(now, newest, is_planned=False)
    return status, {key: each.state for key, each in rows.items()}, ledger


@given(history=backs(), random=st.randoms(use_true_random=False), data=st.data())
def test_looks_at_what_went_back_in_any_order_end_in_one_state_and_one_ledger(
    history: list[Back], random: Random, data: st.DataObject
) -> None:
    end = sum(len(back.path) for back in history)
    moments = data.draw(st.lists(st.integers(0, end), max_size=5))
    looks = [movements(history, at, random.randint(at, end)) for at in (*moments, end)]
    expected = refunded([looks[-1]])
    for _ in range(ORDERS):
        status, rows, ledger = refunded(shuffled(looks, random))
        assert (status, rows) == expected[:2]
        assert {key: each.lines for key, each in ledger.items()} == {
            key: each.lines for key, each in expected[2].items()
        }


# --- disputes -------------------------------------------------------------------------------------

LIVES: tuple[tuple[DisputeStatus, ...], ...] = (
    ("needs_response", "under_review", "won"),
    ("needs_response", "under_review", "lost"),
    ("needs_response", "lost"),
    ("warning_needs_response", "warning_under_review", "warning_closed"),
    ("warning_needs_response", "needs_response", "under_review", "lost"),
    ("warning_needs_response", "warning_closed"),
)


def question(number: int, life: tuple[DisputeStatus, ...], moment: int) -> DisputeSeen:
    """A dispute as of one moment; an inquiry has withdrawn nothing."""
    lived = life[: moment + 1]
    is_withdrawn = any(not each.startswith("warning") for each in lived)
    is_won = lived[-1] == "won"
    return DisputeSeen(
        id=f"du_{number}",
        payment_intent_id="pi_1",
        status=lived[-1],
        reason="fraudulent",
        amount_cents=AMOUNT,
        withdrawn_cents=AMOUNT if is_withdrawn else 0,
        withdrawal_transaction_id=f"txn_du_{number}" if is_withdrawn else None,
        withdrawal_fee_cents=1500 if is_withdrawn else 0,
        reinstated_cents=AMOUNT if is_won else 0,
        reinstatement_transaction_id=f"txn_won_{number}" if is_won else None,
        evidence_count=moment,
    )


def disputed(looks: Sequence[DisputeSeen]) -> tuple[PaymentStatus, dict[str, Any], Ledger]:
    """The status, the rows and the journals after looks at disputes of one charge."""
    status: PaymentStatus = "settled"
    rows: dict[str, Dispute] = {}
    ledger = Ledger()
    for look in looks:
        known = rows.get(look.id)
        if known is not None and not is_newer(known.status, look.status):
            continue
        first = next(iter(rows.values()), None)
        previous = first.previous_status if first else status
        recovery = recovery_of(look, previous)
        rows[look.id] = Dispute(
            id=look.id,
            booking_id=BOOKING,
            status=look.status,
            reason=look.reason,
            amount_cents=look.amount_cents,
            currency="usd",
            previous_status=previous,
            recovery=recovery,
            evidence_count=0,
            evidence_due_at=None,
            created_at=START,
            closed_at=END if look.status in CLOSED else None,
        )
        post(ledger, dispute_journals(FACTS, look, recovery, at=END))
        status = after_disputes(payment(status), list(rows.values()))
    return status, {key: (each.status, each.recovery) for key, each in rows.items()}, ledger


@given(
    lives=st.lists(st.sampled_from(LIVES), min_size=1, max_size=2),
    random=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_looks_at_disputes_in_any_order_end_in_one_state_and_one_ledger(
    lives: list[tuple[DisputeStatus, ...]], random: Random, data: st.DataObject
) -> None:
    looks: list[DisputeSeen] = []
    for number, life in enumerate(lives):
        moments = data.draw(st.lists(st.integers(0, len(life) - 1), max_size=4))
        looks += [question(number, life, at) for at in (*moments, len(life) - 1)]
    newest = [question(number, life, len(life) - 1) for number, life in enumerate(lives)]
    expected = disputed(newest)
    for _ in range(ORDERS):
        assert disputed(shuffled(looks, random)) == expected


@pytest.mark.parametrize(
    ("previous", "recovery"), [("settled", "wanted"), ("credited", "absorbed")]
)
def test_who_bears_a_lost_dispute_follows_from_who_had_the_money(
    previous: PaymentStatus, recovery: str
) -> None:
    lost = question(0, ("needs_response", "lost"), 1)
    assert recovery_of(lost, previous) == recovery
    assert recovery_of(question(0, ("needs_response", "lost"), 0), previous) == "none"
