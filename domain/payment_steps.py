"""What a booking's payment needs next.

Everything here is pure: `next_step` looks at stored facts only, so it gives the same answer after
a crash (`docs/states.md`).
"""

from datetime import datetime

import msgspec

from domain.bookings import FINAL, PaymentStatus
from domain.no_shows import UNDECIDED
from domain.payments import (
    OPEN_AUTHORIZATION,
    PAYING,
    REFUNDING,
    TAKEN,
    MoneyFacts,
    Payment,
    Step,
    StepKind,
    is_owed,
    is_tried,
)
from domain.settings import Policy
from domain.timings import AT_REST, KEPT, UNPAID, capture_at, is_missed, outgrows
from domain.withholding import is_reversal_due, share_first, taking, to_pay

GONE: frozenset[PaymentStatus] = frozenset({"auth_lost", "released"})
"""What was reserved is let go, by the bank or by us."""


def next_step(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    """What this payment needs now; `None` when it rests until something happens."""
    if back := _back(facts, payment, now=now, policy=policy):
        return back
    match facts.status:
        case "pending":
            return _pending(facts, payment, now=now, policy=policy)
        case "confirmed":
            return _confirmed(facts, payment, now=now, policy=policy)
        case "completed":
            return _completed(facts, payment, now=now, policy=policy)
        case "cancelled" | "expired" | "no_show":
            return _ended(facts, payment, now=now, policy=policy)
        case "requested":
            return None


def _back(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    """Money that is to go back, whatever became of the booking."""
    if payment.status in REFUNDING and facts.refund_id is not None:
        return share_first(facts, payment) or Step("refund", "refunding")
    if payment.status == "dispute_lost" and facts.recover_cents:
        return share_first(facts, payment) or Step("recover", "dispute_lost")
    if is_reversal_due(facts, payment, now=now, policy=policy):
        return Step("reverse_credited", payment.status)
    if payment.status == "refunded" and facts.consumed_cents:
        is_taken_back = payment.top_up_id is not None and not facts.keeps_top_up
        return Step("reverse_top_up" if is_taken_back else "restore_credit", "refunded")
    is_over = facts.status in FINAL and not is_owed(facts)
    if payment.status == "released" and facts.reserved_cents and is_over:
        return Step("restore_credit", "released")
    return None


def is_blocked(
    facts: MoneyFacts, payment: Payment, step: Step, *, now: datetime, policy: Policy
) -> bool:
    """Whether a card is not asked yet: Stripe has refused lately, and not because of the card."""
    is_asking = step.kind in {"create_intent", "confirm_intent"} and not step.is_on_session
    is_alike = payment.status == "authorizing" and facts.blocked_at is not None
    return is_asking and is_alike and now < (facts.blocked_at or now) + policy.blocked_every


def _pending(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    is_far = facts.start_at - now >= policy.authorize_before
    match payment.status:
        case "card_setup":
            return _card_setup(facts, payment)
        case "scheduled" if is_far:
            return Step("ask_confirm", "scheduled")
        case "authorized" | "credit_only":
            return Step("ask_confirm", payment.status)
        case "scheduled" | "authorizing":
            return _authorize(facts, payment, is_on_session=True)
        case _:
            return None


def _card_setup(facts: MoneyFacts, payment: Payment) -> Step | None:
    if facts.method_state == "attached":
        return Step("move", "scheduled")
    if facts.method_state == "new":
        return Step("attach_method", "card_setup")
    return Step("create_setup", "card_setup") if payment.setup_intent_id is None else None


def _authorize(facts: MoneyFacts, payment: Payment, *, is_on_session: bool) -> Step | None:
    """The intent first (it cannot move money), then the card, then the confirmation."""
    if payment.payment_intent_id is None:
        return Step("create_intent", "authorizing", is_on_session)
    match facts.method_state:
        case "new":
            return Step("attach_method", "authorizing", is_on_session)
        case "attached":
            return Step("confirm_intent", "authorizing", is_on_session)
        case "refused" if is_on_session:
            return Step("confirm_intent", "authorizing", is_on_session)
        case "none" | "detached" | "refused":
            # on session the browser brings a card; otherwise nobody is there to do so
            return None if is_on_session else Step("move", "card_required")


def _confirmed(
    facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy
) -> Step | None:
    if again := _other_cycle(facts, payment, now=now, policy=policy):
        return again
    match payment.status:
        case "scheduled" if now >= facts.start_at - policy.authorize_before:
            return _authorize(facts, payment, is_on_session=False)
        case "auth_retry" if now >= rung(facts, payment.attempt, policy):
            return _authorize(facts, payment, is_on_session=False)
        case "authorizing":
            return _authorize(facts, payment, is_on_session=payment.is_on_session)
        case "auth_lost":
            return Step("new_cycle", "authorizing")
        case _:
            return None


def _other_cycle(
    facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy
) -> Step | None:
    """A moved booking whose money does not fit its new time: let go, asked for anew (B15, B16)."""
    if payment.status == "releasing":
        return _let_go(payment)
    if payment.status == "released":
        return Step("new_cycle", "scheduled")
    if payment.status in UNPAID and now < facts.start_at - policy.authorize_before:
        return Step("new_cycle", "scheduled") if _is_shut(payment) else _let_go(payment)
    is_outgrown = payment.status == "authorized" and outgrows(
        start_at=facts.start_at,
        end_at=facts.end_at,
        capture_before=payment.capture_before,
        authorized_at=payment.authorized_at,
        now=now,
        policy=policy,
    )
    return _let_go(payment) if is_outgrown else None


def _is_shut(payment: Payment) -> bool:
    """Whether nothing is open at Stripe that could still be paid."""
    return payment.payment_intent_id is None or payment.status == "auth_lost"


def _completed(
    facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy
) -> Step | None:
    if payment.status in PAYING | {"dispute_lost"}:
        return _pay_out(facts, payment, now=now, policy=policy)
    if payment.status == "collection":
        return _debt(facts, payment, now=now, policy=policy)
    if not _is_due(facts, payment, now=now, policy=policy):
        return None
    return _collect(facts, payment, "capture", "capturing", now=now, policy=policy)


def _is_due(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> bool:
    """Whether a lesson's money is to be taken by now; an undecided report puts it off (P21)."""
    is_kept = payment.status in {"authorized", "capturing"}
    due_at = capture_at(
        facts.end_at,
        payment.capture_before if is_kept else None,
        is_reported=facts.report_state in UNDECIDED,
        policy=policy,
    )
    return due_at is not None and now >= due_at


def _debt(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    """Owed and not collected: the student pays it with a card, or it is given up (P38, P39).

    Given up only when nothing is open any more that could still be paid.
    """
    if _is_overdue(facts, now=now, policy=policy):
        is_open = payment.payment_intent_id is not None
        return Step("release", "collection") if is_open else Step("move", "written_off")
    if not payment.is_on_session:
        return None
    step = _authorize(facts, payment, is_on_session=True)
    return None if step is None else msgspec.structs.replace(step, status="collection")


def _is_overdue(facts: MoneyFacts, *, now: datetime, policy: Policy) -> bool:
    return facts.ended_at is not None and now >= facts.ended_at + policy.collect_within


def _pay_out(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    """Pays from our own balance what credit owes; again after a while where that was refused."""
    is_owing = to_pay(facts, payment) > 0
    if payment.status == "captured":
        return Step("move", "payout_pending" if is_owing else "settled")
    if payment.top_up_id is not None or not is_owing:
        return Step("move", "settled") if payment.status == "payout_pending" else None
    refused_at = facts.top_up_refused_at
    is_early = refused_at is not None and now < refused_at + policy.top_up_every
    # what a report may still take away is not paid out
    is_early = is_early or facts.report_state in UNDECIDED
    return None if is_early else Step("top_up", payment.status)


def _ended(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    if is_owed(facts):
        return _owed(facts, payment, now=now, policy=policy)
    is_credit = facts.lot_left_cents is not None
    if payment.status in KEPT | {"partially_refunded"} and not is_credit:
        return _owed_back(facts, payment)
    if facts.outcome == "credit" and payment.status != "collection":
        return _collect(facts, payment, "capture_as_fee", "crediting", now=now, policy=policy)
    if is_missed(facts.status, facts.outcome, payment.status, payment.authorized_at):
        return Step("ask_confirm", "released")
    # a debt that turns out not to be one is let go like what was never taken
    is_at_rest = payment.status in AT_REST and payment.status != "collection"
    return None if is_at_rest else _unowed(facts, payment)


def _owed_back(facts: MoneyFacts, payment: Payment) -> Step | None:
    """The instructor's fault, or a capture that won a race against the end (B8, B13, P31)."""
    if payment.captured_cents > facts.refunded_cents:
        return Step("plan_refund", payment.status)
    is_by_card = payment.captured_cents > 0
    return None if is_by_card else Step("move", "refunded")


def _owed(facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy) -> Step | None:
    """The full price: at once, for an absent student when it would have been due anyway."""
    if payment.status in PAYING | {"dispute_lost"}:
        return _pay_out(facts, payment, now=now, policy=policy)
    if payment.status == "collection":
        return _debt(facts, payment, now=now, policy=policy)
    is_absent = facts.outcome == "no_show_student" and payment.status not in TAKEN
    if is_absent and not _is_due(facts, payment, now=now, policy=policy):
        return None
    return _collect(facts, payment, "capture", "capturing", now=now, policy=policy)


def _unowed(facts: MoneyFacts, payment: Payment) -> Step | None:
    """Nothing is owed: all goes back, unless a late word of the bank may still save the slot."""
    is_late = facts.status == "expired" and facts.outcome is None
    if is_late and payment.status in {"authorized", "credit_only"}:
        return Step("ask_confirm", payment.status)
    return _let_go(payment)


def _collect(
    facts: MoneyFacts,
    payment: Payment,
    kind: StepKind,
    status: PaymentStatus,
    *,
    now: datetime,
    policy: Policy,
) -> Step | None:
    """Takes what is owed: from the live authorization, else by one attempt off session."""
    if payment.status == "credit_only":
        # nothing is on a card: what credit has paid is owed from our own balance
        is_paid = kind == "capture"
        return Step("move", "payout_pending") if is_paid else Step("give_up", "released")
    if payment.status in OPEN_AUTHORIZATION:
        return Step(taking(facts, kind, policy=policy), status)
    if payment.status in GONE:
        return _once_more(facts, payment, now=now, policy=policy)
    if payment.status in AT_REST | TAKEN | {"releasing"}:
        return _let_go(payment) if payment.status == "releasing" else None
    if facts.method_state != "attached":
        return uncollected(facts, payment)
    return _authorize(facts, payment, is_on_session=False)


def _once_more(
    facts: MoneyFacts, payment: Payment, *, now: datetime, policy: Policy
) -> Step | None:
    """Owed, and what was reserved is gone: one attempt in a cycle of its own, if none was made.

    Whether it was made is stored (`is_tried`), so a crash between release and attempt loses
    neither. A debt has no intent that is gone: it could never be paid.
    """
    is_used_up = is_tried(payment, policy)
    if not is_used_up and facts.method_state == "attached" and facts.card_amount_cents:
        return Step("new_cycle", "authorizing")
    if facts.outcome == "credit":
        is_over = is_used_up and payment.status == "released"
        return None if is_over else Step("give_up", "released")
    if is_used_up and _is_overdue(facts, now=now, policy=policy):
        return Step("move", "written_off")
    return Step("new_cycle", "collection")


def uncollected(facts: MoneyFacts, payment: Payment) -> Step:
    """What becomes of an ended booking's payment when the one attempt fails (P28c, P32b)."""
    if facts.outcome == "credit":
        return _let_go(payment) or Step("give_up", "released")
    return Step("give_up", "collection")


def _let_go(payment: Payment) -> Step | None:
    """Leaves nothing open at Stripe."""
    if payment.status in TAKEN:
        return None
    if payment.status == "auth_lost":
        return Step("move", "released")
    if payment.payment_intent_id is not None:
        return Step("release", "releasing")
    is_setup_open = payment.status in {"card_setup", "releasing"}
    if is_setup_open and payment.setup_intent_id is not None:
        return Step("cancel_setup", "releasing")
    return Step("move", "released")


def rung(facts: MoneyFacts, attempt: int, policy: Policy) -> datetime:
    """When the ladder's next attempt is due; past the last one, never before the start."""
    if attempt >= len(policy.ladder_before):
        return facts.end_at
    return facts.start_at - policy.ladder_before[attempt]
