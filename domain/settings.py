"""Numbers a marketplace may want to change; the defaults are the rules of this one."""

from datetime import timedelta

import msgspec

from domain.standard_payouts import PayoutRhythm


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Fee, windows and limits. `version` is frozen on each booking sold under them."""

    version: int = 1
    fee_bps: int = 1500
    authorize_before: timedelta = timedelta(hours=24)
    ladder_before: tuple[timedelta, ...] = (
        timedelta(hours=24),
        timedelta(hours=22),
        timedelta(hours=20),
        timedelta(hours=18),
    )
    warn_before: timedelta = timedelta(hours=12)
    cancel_unpaid_before: timedelta = timedelta(hours=6)
    capture_after: timedelta = timedelta(hours=24)
    free_until: timedelta = timedelta(hours=24)
    credit_until: timedelta = timedelta(hours=12)
    hold_first: timedelta = timedelta(minutes=5)
    hold_longest: timedelta = timedelta(minutes=15)
    undo_within: timedelta = timedelta(minutes=5)
    undo_lead: timedelta = timedelta(hours=2)
    credit_life: timedelta = timedelta(days=365)
    is_credit_reversed: bool = False
    """Whether the credit rule captures as usual and takes the transfer back (§1.4 A, not B)."""
    is_breakage_income: bool = False
    """Whether paid credit that expires is earned; else it is held, as for stored value."""
    payout_rhythm: PayoutRhythm = "weekly"
    debt_told_every: timedelta = timedelta(days=7)
    """How often an instructor who owes the platform is told."""
    credit_life_restored: timedelta = timedelta(days=30)
    credit_told_before: tuple[timedelta, ...] = (timedelta(days=30), timedelta(days=7))
    """When a student hears that credit ends, before its end."""
    top_up_every: timedelta = timedelta(hours=1)
    blocked_every: timedelta = timedelta(hours=1)
    """How often a card is asked that Stripe refuses to ask, for a reason that is not the card's."""
    moves_free: int = 2
    moves_late: int = 1
    move_within: timedelta = timedelta(days=30)
    proposals_most: int = 3
    proposal_life: timedelta = timedelta(hours=24)
    grace_student: timedelta = timedelta(minutes=15)
    grace_instructor: timedelta = timedelta(minutes=10)
    contest_within: timedelta = timedelta(hours=24)
    authorization_margin: timedelta = timedelta(hours=2)
    """How long before the bank lets reserved money go it is taken, or reserved anew."""
    authorization_alert: timedelta = timedelta(hours=12)
    collect_within: timedelta = timedelta(days=14)
    holds_per_instructor: int = 1
    holds_per_student: int = 2
    holds_per_hour: int = 10
    notice_floor_online: timedelta = timedelta(minutes=30)
    notice_floor_in_person: timedelta = timedelta(minutes=60)


POLICY = Policy()
