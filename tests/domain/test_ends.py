"""Every end of a booking × every payment status: the money ends as it is owed, and rests.

The steps are played with good answers, as Stripe and the calendar would give them; so nothing is
left half done, nothing repeats for ever, and no rejected lesson is paid for.
"""

from datetime import timedelta
from typing import get_args

import msgspec
import pytest

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.payment_steps import next_step
from domain.payments import TAKEN, MoneyFacts, Payment, Step, is_owed, moved
from domain.settings import POLICY
from domain.timings import BookingClock, after_last_attempt, timings_for
from tests.domain.test_payments import AMOUNT, END, facts, payment

LATE = END + timedelta(hours=24)
STEPS_MAX = 20

ENDS: tuple[tuple[BookingStatus, Outcome | None], ...] = (
    ("completed", None),
    ("cancelled", "free"),
    ("cancelled", "credit"),
    ("cancelled", "charged"),
    ("cancelled", "by_instructor"),
    ("cancelled", "payment_failed"),
    ("expired", None),
    ("expired", "slot_lost"),
    ("no_show", "no_show_student"),
    ("no_show", "no_show_instructor"),
)
STATUSES: tuple[PaymentStatus, ...] = get_args(PaymentStatus)
BY_OTHERS = frozenset({"refunding", "disputed", "refund_failed"})
"""Somebody else's word is awaited: the card's bank, or a person of ours."""
OVER = frozenset({"refunded", "dispute_lost", "written_off", "credited", "partially_refunded"})
"""Whatever the end, this is the last word about the money."""
MOVES: dict[str, PaymentStatus] = {
    "confirm_intent": "authorized",
    "capture": "captured",
    "capture_as_fee": "credited",
    "release": "released",
    "cancel_setup": "released",
    "refund": "refunded",
}
"""What a good answer makes of the payment."""

Stage = tuple[MoneyFacts, Payment]


def staged(booking: BookingStatus, outcome: Outcome | None, status: PaymentStatus) -> Stage:
    """A booking that has just ended, with its payment as it could stand."""
    own: dict[str, object] = {}
    if status in TAKEN | {"refund_failed", "refunded"}:
        own = {"captured_cents": AMOUNT, "charge_id": "ch_1", "transfer_id": "tr_1"}
    if status == "collection":
        own = {"attempt": after_last_attempt(POLICY)}
    if status in {"card_setup", "scheduled", "credit_only"}:
        own = {"payment_intent_id": None}
    told: dict[str, object] = {"status": booking, "outcome": outcome, "ended_at": END}
    if status in {"refunded", "refunding", "refund_failed"}:
        told["refunded_cents"] = AMOUNT
    if status == "credit_only":
        told |= {"card_amount_cents": 0, "top_up_cents": 8500, "reserved_cents": AMOUNT}
    return facts(**told), payment(status, **own)


def played(stage: Stage, step: Step) -> Stage:
    """The stage after a step that went well."""
    told, paid = stage
    change, replace = dict[str, object](), msgspec.structs.replace
    match step.kind:
        case "move" | "new_cycle" | "give_up":
            paid = moved(paid, step, POLICY)
            if paid.status in {"captured", "payout_pending"} and told.reserved_cents:
                change = {"reserved_cents": 0, "consumed_cents": told.reserved_cents}
        case "ask_confirm":
            change = {"outcome": "slot_lost"}
        case "create_intent":
            paid = replace(paid, status=step.status, payment_intent_id=f"pi_{paid.cycle}")
        case "attach_method":
            change = {"method_state": "attached"}
        case "plan_refund":
            change = {"refund_id": told.booking_id, "refund_cents": AMOUNT}
        case "refund":
            paid = replace(paid, status="refunded")
            change = {"refund_id": None, "refunded_cents": AMOUNT}
        case "top_up":
            paid = replace(paid, top_up_id="tr_2")
        case "restore_credit" | "reverse_top_up":
            change = {"reserved_cents": 0, "consumed_cents": 0}
        case _:
            cents = AMOUNT if step.kind in {"capture", "capture_as_fee"} else paid.captured_cents
            paid = replace(paid, status=MOVES[step.kind], captured_cents=cents)
    return replace(told, **change), paid


def to_rest(stage: Stage) -> tuple[Stage, list[str]]:
    """Plays steps until nothing is left to do; the steps by name."""
    kinds: list[str] = []
    while step := next_step(*stage, now=LATE, policy=POLICY):
        stage = played(stage, step)
        kinds.append(step.kind)
        assert len(kinds) < STEPS_MAX, f"never rests: {kinds}"
    return stage, kinds


def wanted(told: MoneyFacts, status: PaymentStatus) -> set[str]:
    """How the money may end."""
    if status in BY_OTHERS | OVER:
        return {status, "refunded"} if status == "partially_refunded" else {status}
    if is_owed(told):
        return {"collection"} if status == "collection" else {"settled"}
    if told.outcome == "credit" and status not in {"collection", "credit_only"}:
        return {"credited", "refunded"} if status in TAKEN else {"credited"}
    return {"refunded"} if status in TAKEN else {"released"}


@pytest.mark.parametrize(("booking", "outcome"), ENDS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_end_leaves_the_money_as_it_is_owed(
    booking: BookingStatus, outcome: Outcome | None, status: PaymentStatus
) -> None:
    stage = staged(booking, outcome, status)
    (told, paid), kinds = to_rest(stage)
    assert paid.status in wanted(stage[0], status), kinds
    assert told.reserved_cents == 0
    if paid.status == "refunded":
        assert told.consumed_cents == 0
    assert kinds.count("confirm_intent") <= 1, "one attempt, never two"
    if not is_owed(stage[0]) and outcome != "credit":
        assert not {"capture", "capture_as_fee", "confirm_intent", "top_up"} & set(kinds)


@pytest.mark.parametrize(("booking", "outcome"), ENDS)
@pytest.mark.parametrize("status", STATUSES)
def test_what_rests_promises_nothing_now_and_what_does_not_rest_promises_something(
    booking: BookingStatus, outcome: Outcome | None, status: PaymentStatus
) -> None:
    stage = staged(booking, outcome, status)
    assert bool(next_step(*stage, now=LATE, policy=POLICY)) == bool(due_now(stage))
    rested, _ = to_rest(stage)
    assert due_now(rested) == []


def due_now(stage: Stage) -> list[str]:
    """The kinds of the timings that would fire at once."""
    told, paid = stage
    clock = BookingClock(
        booking_id=told.booking_id,
        status=told.status,
        payment_status=paid.status,
        start_at=told.start_at,
        end_at=told.end_at,
        hold_expires_at=None,
        is_started=True,
        attempt=paid.attempt,
        is_warned=False,
        is_top_up_owed=bool(told.consumed_cents and not paid.top_up_id),
        outcome=told.outcome,
        ended_at=told.ended_at,
        authorized_at=paid.authorized_at,
    )
    return [due.kind for due in timings_for(clock, now=LATE, policy=POLICY) if due.due_at <= LATE]


@pytest.mark.parametrize("outcome", [None, "slot_lost"])
@pytest.mark.parametrize("is_authorized", [True, False])
def test_a_yes_of_the_bank_that_came_during_the_release_is_told_once(
    outcome: Outcome | None, *, is_authorized: bool
) -> None:
    told, paid = staged("expired", outcome, "released")
    authorized_at = END if is_authorized else None
    stage = (told, msgspec.structs.replace(paid, authorized_at=authorized_at))
    is_told = is_authorized and outcome is None
    assert due_now(stage) == (["settle"] if is_told else [])
    (told, paid), kinds = to_rest(stage)
    assert kinds == (["ask_confirm"] if is_told else [])
    assert (told.outcome, paid.status) == ("slot_lost" if is_told else outcome, "released")


@pytest.mark.parametrize("outcome", ["charged", "credit"])
@pytest.mark.parametrize("has_card", [True, False])
def test_a_release_after_a_move_is_followed_by_one_attempt(
    outcome: Outcome, has_card: bool
) -> None:
    told, paid = staged("cancelled", outcome, "releasing")
    state = "attached" if has_card else "detached"
    stage = (msgspec.structs.replace(told, method_state=state), paid)
    (_, after), kinds = to_rest(stage)
    if has_card:
        capture = "capture" if outcome == "charged" else "capture_as_fee"
        assert kinds[:5] == ["release", "new_cycle", "create_intent", "confirm_intent", capture]
        assert after.status == ("settled" if outcome == "charged" else "credited")
    else:
        assert after.status == ("collection" if outcome == "charged" else "released")
        assert "confirm_intent" not in kinds
