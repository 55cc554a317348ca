"""Double entry: which accounts each event moves, in signed cents (debit +, credit −).

Accounts and postings are those of `docs/money.md`; each journal sums to zero, and its key makes
posting it twice harmless.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import BookingId, LotId, UserId
from domain.movements import FeeRefundSeen, MovementsSeen, RefundSeen, ReversalSeen
from domain.operations import ChargeSeen
from domain.payments import MoneyFacts
from domain.withholding import share_of

JournalKind = Literal[
    "charge",
    "transfer",
    "application_fee",
    "credit_rule",
    "share_withheld",
    "share_absorbed",
    "credit_expired",
    "credit_granted",
    "credit_reserved",
    "credit_restored",
    "credit_consumed",
    "credit_refunded",
    "credit_voided",
    "top_up",
    "top_up_reversed",
    "refund",
    "refund_failed",
    "refund_absorbed",
    "transfer_reversed",
    "application_fee_refunded",
    "dispute_opened",
    "dispute_won",
    "dispute_lost",
    "dispute_absorbed",
    "payout",
    "payout_cost",
    "payout_returned",
    "payout_fee_refunded",
    "platform_payout",
    "platform_topup",
    "stripe_fee",
    "collection",
    "reserve",
]
LotSource = Literal["cancellation", "goodwill", "referral", "no_show", "package", "gift"]

STRIPE = "SP"
REVENUE = "REV"
CARD_FEES = "XPR"
EXPIRED_CREDIT = "CRX"
BREAKAGE = "BRK"
GOODWILL = "XGW"
LOSSES = "XLS"

PAID_SOURCES: frozenset[LotSource] = frozenset({"cancellation", "package", "gift"})
"""Credit somebody paid for: when it expires it is held, not given up."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One posting; `balance_transaction_id` ties it to Stripe's own books."""

    account: str
    amount_cents: int
    balance_transaction_id: str | None = None


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that belong together and sum to zero."""

    kind: JournalKind
    dedupe_key: str
    booking_id: BookingId | None
    user_ids: tuple[UUID, ...]
    effective_at: datetime
    source: str
    lines: tuple[Line, ...]


class CreditLot(msgspec.Struct, frozen=True, kw_only=True):
    """Value a student owns until it expires."""

    id: LotId
    user_id: UserId
    source: LotSource
    booking_id: BookingId | None
    granted_cents: int
    remaining_cents: int
    currency: str
    created_at: datetime
    expires_at: datetime


class _Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts of one booking's people."""

    connected: str
    owed: str
    promised: str
    transit: str
    credit: str


def _accounts(facts: MoneyFacts) -> _Accounts:
    return _Accounts(
        connected=f"SC:{facts.stripe_account_id}",
        owed=f"WAL:{facts.instructor_id}",
        promised=f"PAY:{facts.instructor_id}",
        transit=f"CLR:{facts.booking_id}",
        credit=credit_account(facts.student_id),
    )


def credit_account(user_id: UUID) -> str:
    """The liability for a student's available credit."""
    return f"CRA:{user_id}"


def capture_journals(
    facts: MoneyFacts, charge: ChargeSeen, *, cycle: int, at: datetime
) -> tuple[Journal, ...]:
    """A capture: the charge, the transfer to the instructor, and the fee of the platform.

    Where the fee is the whole amount it becomes the student's credit (credit rule, variant B), or
    the instructor's share in it is owed to them (withheld, §1.7). By variant A the student has the
    credit now, and the booking's transit account waits for the transfer to come back. Amounts are
    those of the fetched objects.
    """
    accounts = _accounts(facts)
    journals = [_charge(accounts, charge), _transfer(accounts, charge)]
    if charge.application_fee_cents:
        journals.append(_fee(facts, accounts, charge))
    if charge.is_to_reverse:
        journals.append(("credit_rule", _credit_before_reversal(accounts, charge)))
    return tuple(
        Journal(
            kind=kind,
            dedupe_key=f"{facts.booking_id}:{cycle}:{kind}",
            booking_id=facts.booking_id,
            user_ids=(facts.student_id, facts.instructor_id),
            effective_at=at,
            source=charge.id,
            lines=lines,
        )
        for kind, lines in journals
    )


def _charge(accounts: _Accounts, charge: ChargeSeen) -> tuple[JournalKind, tuple[Line, ...]]:
    taken, fee = charge.captured_cents, charge.stripe_fee_cents
    lines = [
        Line(
            account=STRIPE,
            amount_cents=taken - fee,
            balance_transaction_id=charge.balance_transaction_id,
        ),
        Line(account=CARD_FEES, amount_cents=fee),
        Line(account=accounts.transit, amount_cents=-taken),
    ]
    return "charge", tuple(line for line in lines if line.amount_cents)


def _transfer(accounts: _Accounts, charge: ChargeSeen) -> tuple[JournalKind, tuple[Line, ...]]:
    moved = charge.transfer_cents
    return "transfer", (
        Line(
            account=STRIPE,
            amount_cents=-moved,
            balance_transaction_id=charge.transfer_transaction_id,
        ),
        Line(
            account=accounts.connected,
            amount_cents=moved,
            balance_transaction_id=charge.destination_transaction_id,
        ),
        Line(account=accounts.transit, amount_cents=moved),
        Line(account=accounts.owed, amount_cents=-moved),
    )


def _fee(
    facts: MoneyFacts, accounts: _Accounts, charge: ChargeSeen
) -> tuple[JournalKind, tuple[Line, ...]]:
    fee = charge.application_fee_cents
    kind: JournalKind = "application_fee"
    earned = [Line(account=REVENUE, amount_cents=-fee)]
    if charge.is_withheld:
        kind, share = "share_withheld", facts.destination_cents
        earned = [
            Line(account=accounts.promised, amount_cents=-share),
            Line(account=REVENUE, amount_cents=share - fee),
        ]
    elif charge.is_all_fee:
        kind = "credit_rule"
        earned = [Line(account=accounts.credit, amount_cents=-fee)]
    return kind, (
        Line(account=accounts.connected, amount_cents=-fee),
        Line(
            account=STRIPE,
            amount_cents=fee,
            balance_transaction_id=charge.application_fee_transaction_id,
        ),
        Line(account=accounts.owed, amount_cents=fee),
        *(line for line in earned if line.amount_cents),
    )


def _credit_before_reversal(accounts: _Accounts, charge: ChargeSeen) -> tuple[Line, ...]:
    """What the student has already and the instructor still holds."""
    return (
        Line(account=accounts.transit, amount_cents=charge.captured_cents),
        Line(account=accounts.credit, amount_cents=-charge.captured_cents),
    )


def lot_of_cancellation(
    facts: MoneyFacts, charge: ChargeSeen, *, lot_id: UUID, at: datetime, life: timedelta
) -> CreditLot:
    """The credit a student gets for what the credit rule took, for its whole life from now."""
    return CreditLot(
        id=LotId(lot_id),
        user_id=facts.student_id,
        source="cancellation",
        booking_id=facts.booking_id,
        granted_cents=charge.captured_cents,
        remaining_cents=charge.captured_cents,
        currency=facts.currency,
        created_at=at,
        expires_at=at + life,
    )


_Movement = tuple[JournalKind, str, tuple[Line, ...]]


def movement_journals(
    facts: MoneyFacts, seen: MovementsSeen, *, withheld_cents: int = 0, at: datetime
) -> tuple[Journal, ...]:
    """What has gone back since a capture, each movement once by its id at Stripe.

    What a refund gives that no reversal brings back is a loss of the platform. Of a withheld charge
    the fee that goes back is in part the instructor's share, which is owed to them no more.
    """
    accounts = _accounts(facts)
    moved: list[_Movement] = []
    for refund in seen.refunds:
        moved += _refund(accounts, refund, seen.reversals)
    for reversal in seen.reversals:
        if reversal.transaction_id is not None:
            moved.append(("transfer_reversed", reversal.id, _reversal(accounts, reversal)))
    shares = shares_back(facts, seen, withheld_cents=withheld_cents)
    for fee, share in zip(seen.fee_refunds, shares, strict=True):
        if fee.transaction_id is not None:
            moved.append(("application_fee_refunded", fee.id, _fee_back(accounts, fee, share)))
    return tuple(
        Journal(
            kind=kind,
            dedupe_key=f"{kind}:{source}",
            booking_id=facts.booking_id,
            user_ids=(facts.student_id, facts.instructor_id),
            effective_at=at,
            source=source,
            lines=lines,
        )
        for kind, source, lines in moved
    )


def _refund(
    accounts: _Accounts, refund: RefundSeen, reversals: tuple[ReversalSeen, ...]
) -> list[_Movement]:
    given = refund.amount_cents
    if refund.transaction_id is None:
        return []
    moved: list[_Movement] = [
        ("refund", refund.id, _both(-given, refund.transaction_id, accounts.transit))
    ]
    absorbed = refund.absorbed_cents
    if absorbed is None:
        back = sum(each.amount_cents for each in reversals if each.refund_id == refund.id)
        absorbed = max(0, given - back)
    if absorbed:
        loss = (
            Line(account=accounts.transit, amount_cents=-absorbed),
            Line(account=GOODWILL, amount_cents=absorbed),
        )
        moved.append(("refund_absorbed", refund.id, loss))
    if refund.failure_transaction_id is not None:
        lines = _both(given, refund.failure_transaction_id, accounts.transit)
        moved.append(("refund_failed", refund.id, lines))
    return moved


def _both(amount_cents: int, transaction_id: str, other: str) -> tuple[Line, ...]:
    """An amount on our balance at Stripe, against one other account."""
    return (
        Line(account=STRIPE, amount_cents=amount_cents, balance_transaction_id=transaction_id),
        Line(account=other, amount_cents=-amount_cents),
    )


def _reversal(accounts: _Accounts, reversal: ReversalSeen) -> tuple[Line, ...]:
    back = reversal.amount_cents
    return (
        Line(account=STRIPE, amount_cents=back, balance_transaction_id=reversal.transaction_id),
        Line(
            account=accounts.connected,
            amount_cents=-back,
            balance_transaction_id=reversal.destination_transaction_id,
        ),
        Line(account=accounts.owed, amount_cents=back),
        Line(account=accounts.transit, amount_cents=-back),
    )


def shares_back(facts: MoneyFacts, seen: MovementsSeen, *, withheld_cents: int) -> tuple[int, ...]:
    """How much of each refund of the fee is the instructor's withheld share, oldest first."""
    shares: list[int] = []
    given = 0
    for each in seen.fee_refunds:
        before, given = given, given + each.amount_cents
        shares.append(_share(facts, given, withheld_cents) - _share(facts, before, withheld_cents))
    return tuple(shares)


def _share(facts: MoneyFacts, cents: int, withheld_cents: int) -> int:
    if not withheld_cents:
        return 0
    captured = facts.card_amount_cents
    return share_of(cents, captured_cents=captured, withheld_cents=withheld_cents)


def _fee_back(accounts: _Accounts, fee: FeeRefundSeen, share_cents: int) -> tuple[Line, ...]:
    back = fee.amount_cents
    lines = (
        Line(account=STRIPE, amount_cents=-back, balance_transaction_id=fee.transaction_id),
        Line(account=accounts.connected, amount_cents=back),
        Line(account=accounts.promised, amount_cents=share_cents),
        Line(account=REVENUE, amount_cents=back - share_cents),
        Line(account=accounts.owed, amount_cents=-back),
    )
    return tuple(line for line in lines if line.amount_cents)


def share_absorbed_journal(facts: MoneyFacts, cents: int, *, source: str, at: datetime) -> Journal:
    """A share that was paid and does not come back, though its refund takes it: our loss."""
    return Journal(
        kind="share_absorbed",
        dedupe_key=f"share_absorbed:{source}",
        booking_id=facts.booking_id,
        user_ids=(facts.student_id, facts.instructor_id),
        effective_at=at,
        source=source,
        lines=(
            Line(account=GOODWILL, amount_cents=cents),
            Line(account=f"PAY:{facts.instructor_id}", amount_cents=-cents),
        ),
    )


def expiry_journal(lot: CreditLot, *, at: datetime, is_income: bool) -> Journal:
    """What is left of a lot at its end: held (or earned) when it was paid for, else no expense."""
    paid = BREAKAGE if is_income else EXPIRED_CREDIT
    held = paid if lot.source in PAID_SOURCES else GOODWILL
    return Journal(
        kind="credit_expired",
        dedupe_key=f"credit_expired:{lot.id}",
        booking_id=lot.booking_id,
        user_ids=(lot.user_id,),
        effective_at=at,
        source=str(lot.id),
        lines=(
            Line(account=credit_account(lot.user_id), amount_cents=lot.remaining_cents),
            Line(account=held, amount_cents=-lot.remaining_cents),
        ),
    )
