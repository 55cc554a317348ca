"""Promises that something happens at one instant. `timings_for` alone says which exist."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.no_shows import UNDECIDED, ReportState
from domain.settings import Policy

TimingKind = Literal[
    "expire_hold",
    "confirm",
    "authorize",
    "warn_payment",
    "cancel_unpaid",
    "start",
    "complete",
    "capture",
    "settle",
    "top_up",
    "expire_credit",
    "remind_credit",
    "expire_proposal",
    "uphold_no_show",
    "guard_authorization",
    "write_off",
    "pay_out",
    "remind_debt",
]
TimingState = Literal["scheduled", "running", "completed", "cancelled", "discarded"]

UNPAID: frozenset[PaymentStatus] = frozenset(
    {"authorizing", "auth_retry", "card_required", "action_required", "auth_lost"}
)
"""Statuses of a confirmed booking whose money is not sure: warned, then cancelled."""

SECURED: frozenset[PaymentStatus] = frozenset({
    "authorized", "credit_only", "captured", "payout_pending", "settled", "partially_refunded",
    "disputed",
})  # fmt: skip
"""Statuses with which a lesson begins: its money is reserved, or taken before its time.

`change_bookings.sql` has the same.
"""

PAYABLE: frozenset[PaymentStatus] = frozenset({"scheduled", "authorized", "credit_only"})
"""Statuses with which a booking may be confirmed: reserved, or a card to reserve on in time."""

AT_REST: frozenset[PaymentStatus] = frozenset(
    {
        "released",
        "credited",
        "settled",
        "collection",
        "written_off",
        "refunding",
        "refunded",
        "refund_failed",
        "disputed",
        "dispute_lost",
    }
)
"""Statuses in which an ended booking needs no further money work, as a rule.

Not so when it was let go after a move and is owed all the same, or taken and owed to nobody.
"""


TAKING: frozenset[PaymentStatus] = frozenset({"capturing", "crediting"})
"""Statuses of a capture under way; one that Stripe refuses is tried hour by hour."""

BETWEEN_CYCLES: frozenset[PaymentStatus] = frozenset({"releasing", "released"})
"""Statuses of a confirmed booking that was moved and will ask its card again."""

ASKED: frozenset[PaymentStatus] = BETWEEN_CYCLES.union(("authorizing", "auth_lost"))
"""Statuses of a confirmed booking whose bank is being asked, or is asked next."""

KEPT: frozenset[PaymentStatus] = frozenset({"captured", "payout_pending", "settled"})
"""Taken and not given back in any part."""

OWED_OUTCOMES: frozenset[Outcome] = frozenset({"charged", "no_show_student"})

TOPPED_UP: frozenset[PaymentStatus] = frozenset({"payout_pending", "partially_refunded"})
"""Statuses in which the platform may still owe the instructor what credit has paid."""


class BookingClock(msgspec.Struct, frozen=True, kw_only=True):
    """What the due instants of a booking are computed from; `attempt` counts confirms."""

    booking_id: UUID
    status: BookingStatus
    payment_status: PaymentStatus
    start_at: datetime
    end_at: datetime
    hold_expires_at: datetime | None
    is_started: bool
    attempt: int
    is_warned: bool
    top_up_refused_at: datetime | None = None
    is_top_up_owed: bool | None = None
    """Whether used credit owes the instructor a part; `None` when nobody has looked."""
    reversal_tried_at: datetime | None = None
    """Since when, or since which refusal, a transfer waits to be taken back; `None`: none does."""
    outcome: Outcome | None = None
    capture_before: datetime | None = None
    authorized_at: datetime | None = None
    ended_at: datetime | None = None
    report_state: ReportState | None = None
    report_upheld_at: datetime | None = None
    blocked_at: datetime | None = None
    """When Stripe last refused to ask the card for a reason that is not the card's."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One timing that should be live: its kind, when, and the attempt of the retry ladder."""

    kind: TimingKind
    due_at: datetime
    attempt: int = 0


def timings_for(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    """Every timing that should be live for a booking; `now` dates what is due at once.

    The chain is start → complete → capture; the ladder is one `authorize` whose `attempt` rises.
    """
    if clock.status == "pending":
        held = Due(kind="expire_hold", due_at=clock.hold_expires_at or now)
        is_payable = clock.payment_status in PAYABLE
        return (held, Due(kind="confirm", due_at=now)) if is_payable else (held,)
    if clock.status == "confirmed":
        return (*_reported(clock, now=now), *_confirmed(clock, now=now, policy=policy))
    reported = _reported(clock, now=now) if clock.status == "completed" else ()
    return (*reported, *_over(clock, now=now, policy=policy))


def _over(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    """What the money of a lesson taught, missed, cancelled or never paid for still needs."""
    is_owed = clock.status == "completed" or clock.outcome in OWED_OUTCOMES
    if clock.payment_status == "collection" and clock.ended_at is not None and is_owed:
        return (Due(kind="write_off", due_at=clock.ended_at + policy.collect_within),)
    if clock.reversal_tried_at is not None:
        return (Due(kind="settle", due_at=clock.reversal_tried_at + policy.top_up_every),)
    if clock.payment_status in TOPPED_UP | {"dispute_lost"} and not _is_owed_back(clock):
        return _topped_up(clock, now=now, policy=policy)
    if clock.status == "completed":
        return _completed(clock, now=now, policy=policy)
    is_over = clock.status in {"cancelled", "expired", "no_show"}
    if is_over and not _is_at_rest(clock, policy=policy):
        due_at = max(now, _settles_at(clock, policy=policy) or now)
        is_taking = clock.payment_status in TAKING
        guard = _guard(clock, due_at, now=now, policy=policy) if is_taking else ()
        return (Due(kind="settle", due_at=due_at), *guard)
    return ()


def after_last_attempt(policy: Policy) -> int:
    """The `attempt` of a payment whose booking has ended and whose one attempt is used up."""
    return len(policy.ladder_before) + 1


def is_missed(
    status: BookingStatus,
    outcome: Outcome | None,
    payment_status: PaymentStatus,
    authorized_at: datetime | None,
) -> bool:
    """Whether the bank said yes to an ended hold while its money was let go: to be told (B3b)."""
    is_unsaid = status == "expired" and outcome is None
    return is_unsaid and payment_status == "released" and authorized_at is not None


def _is_at_rest(clock: BookingClock, *, policy: Policy) -> bool:
    if is_missed(clock.status, clock.outcome, clock.payment_status, clock.authorized_at):
        return False
    if clock.payment_status == "released" and clock.outcome in OWED_OUTCOMES | {"credit"}:
        # let go because of a move; the card is asked once more for what is owed (P32b)
        is_credit = clock.outcome == "credit"
        return is_credit and clock.attempt >= after_last_attempt(policy)
    return clock.payment_status in AT_REST and not _is_owed_back(clock)


def _is_owed_back(clock: BookingClock) -> bool:
    """Whether what was taken, or is asked for, is owed to nobody."""
    is_over = clock.status in {"cancelled", "expired", "no_show"}
    is_wanted = clock.payment_status in KEPT | {"partially_refunded", "collection"}
    return is_over and is_wanted and clock.outcome not in OWED_OUTCOMES


def capture_at(
    end_at: datetime, capture_before: datetime | None, *, is_reported: bool, policy: Policy
) -> datetime | None:
    """When what a lesson costs is taken: a day after it, or sooner where the bank lets go sooner.

    While a report is undecided only the bank's end makes us take it; without that end, nothing.
    """
    usual = None if is_reported else end_at + policy.capture_after
    if capture_before is None:
        return usual
    last = max(end_at, capture_before - policy.authorization_margin)
    return last if usual is None else min(usual, last)


def outgrows(
    *,
    start_at: datetime,
    end_at: datetime,
    capture_before: datetime | None,
    authorized_at: datetime | None,
    now: datetime,
    policy: Policy,
) -> bool:
    """Whether reserved money would be gone before it is due and is better reserved anew (B16).

    What was reserved within the last day is kept: a new reservation would not last longer.
    """
    if capture_before is None or now >= start_at:
        return False
    if end_at + policy.capture_after <= capture_before - policy.authorization_margin:
        return False
    is_far = now < start_at - policy.authorize_before
    is_old = authorized_at is not None and now - authorized_at >= policy.authorize_before
    return is_far or is_old


def _settles_at(clock: BookingClock, *, policy: Policy) -> datetime | None:
    """When the money of an ended booking moves, if not at once: an absent student's, as taught."""
    if clock.outcome != "no_show_student":
        return None
    return capture_at(clock.end_at, _kept_until(clock), is_reported=False, policy=policy)


def _kept_until(clock: BookingClock) -> datetime | None:
    return clock.capture_before if clock.payment_status in TAKING | {"authorized"} else None


def _reported(clock: BookingClock, *, now: datetime) -> tuple[Due, ...]:
    """A report that nobody contests holds by itself; one that was upheld ends the booking now."""
    if clock.report_state == "open" and clock.report_upheld_at is not None:
        return (Due(kind="uphold_no_show", due_at=clock.report_upheld_at),)
    return (Due(kind="uphold_no_show", due_at=now),) if clock.report_state == "upheld" else ()


def _completed(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    if clock.payment_status in AT_REST and clock.payment_status != "released":
        return ()
    kept_until = _kept_until(clock)
    is_reported = clock.report_state in UNDECIDED
    due_at = capture_at(clock.end_at, kept_until, is_reported=is_reported, policy=policy)
    dues = [] if due_at is None else [Due(kind="capture", due_at=due_at)]
    return (*dues, *_guard(clock, due_at, now=now, policy=policy))


def _guard(
    clock: BookingClock, due_at: datetime | None, *, now: datetime, policy: Policy
) -> tuple[Due, ...]:
    """A page before the bank lets go what is taken late, or is being taken and refused."""
    kept_until = _kept_until(clock)
    if kept_until is None:
        return ()
    alert_at = kept_until - policy.authorization_alert
    is_late = due_at is None or due_at > alert_at or clock.payment_status in TAKING
    if not is_late or alert_at <= now:
        return ()
    return (Due(kind="guard_authorization", due_at=alert_at),)


def _topped_up(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    """A top-up that Stripe refused is tried again, hour by hour; a lost dispute ends none."""
    if clock.report_state in UNDECIDED:
        return ()
    refused_at = clock.top_up_refused_at
    if clock.payment_status == "payout_pending":
        is_owed = True  # if nothing is owed after all, it is settled
    elif clock.payment_status == "dispute_lost":
        is_owed = clock.is_top_up_owed is True
    else:
        is_owed = clock.is_top_up_owed is not False and refused_at is not None
    if not is_owed:
        return ()
    due_at = now if refused_at is None else refused_at + policy.top_up_every
    return (Due(kind="top_up", due_at=due_at),)


def _confirmed(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    start = clock.start_at
    if clock.is_started:
        return (Due(kind="complete", due_at=clock.end_at),)
    if clock.payment_status == "scheduled":
        return (Due(kind="authorize", due_at=start - policy.authorize_before),)
    if clock.payment_status in SECURED:
        due = Due(kind="start", due_at=start)
        return (due, Due(kind="settle", due_at=now)) if _is_outgrown(clock, now, policy) else (due,)
    is_unpaid = clock.payment_status in UNPAID
    is_early = is_unpaid and now < start - policy.authorize_before
    if is_early or clock.payment_status in BETWEEN_CYCLES:
        # moved away from its hour: what was tried is let go, and the card is asked in its time;
        # a release that nobody answers for is not money that is sure (P14)
        ends_at = _after_asking(clock, policy.cancel_unpaid_before, now=now, policy=policy)
        return (Due(kind="settle", due_at=now), Due(kind="cancel_unpaid", due_at=ends_at))
    return _unpaid(clock, now=now, policy=policy) if is_unpaid else ()


def _is_outgrown(clock: BookingClock, now: datetime, policy: Policy) -> bool:
    return clock.payment_status == "authorized" and outgrows(
        start_at=clock.start_at,
        end_at=clock.end_at,
        capture_before=clock.capture_before,
        authorized_at=clock.authorized_at,
        now=now,
        policy=policy,
    )


def _after_asking(
    clock: BookingClock, before: timedelta, *, now: datetime, policy: Policy
) -> datetime:
    """When an unpaid lesson is warned of, or given up (P14): so long `before` its start.

    Where the card is only asked after that hour, because a move has brought the lesson near or the
    bank has let go, the bank gets as long to answer as a hold lasts at most.
    """
    usual = clock.start_at - before
    if now < usual or clock.payment_status not in ASKED:
        return usual
    return max(now, min(now + policy.hold_longest, clock.start_at))


def _unpaid(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    start = clock.start_at
    if clock.blocked_at is not None:
        # not the student's doing: no warning, and until the lesson begins somebody may mend it
        again_at = clock.blocked_at + policy.blocked_every
        cancelled = Due(kind="cancel_unpaid", due_at=start)
        return (cancelled, Due(kind="authorize", due_at=again_at, attempt=clock.attempt))
    given_up_at = _after_asking(clock, policy.cancel_unpaid_before, now=now, policy=policy)
    dues = [Due(kind="cancel_unpaid", due_at=given_up_at)]
    warned_at = _after_asking(clock, policy.warn_before, now=now, policy=policy)
    if not clock.is_warned and warned_at < given_up_at:
        dues.append(Due(kind="warn_payment", due_at=warned_at))
    is_on_ladder = clock.attempt < len(policy.ladder_before)
    if clock.payment_status == "auth_retry" and is_on_ladder:
        due_at = start - policy.ladder_before[clock.attempt]
        dues.append(Due(kind="authorize", due_at=due_at, attempt=clock.attempt))
    return tuple(dues)
