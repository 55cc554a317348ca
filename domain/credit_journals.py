"""Which accounts credit moves: given, reserved, given back, spent, and what instructors get for it.

A booking paid with credit C owes its instructor a top-up T from the platform's own balance; the
rest of C is the platform's fee (`docs/money.md`).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import BookingId
from domain.journals import (
    GOODWILL,
    LOSSES,
    REVENUE,
    STRIPE,
    CreditLot,
    Journal,
    JournalKind,
    Line,
    credit_account,
)
from domain.movements import ReversalSeen, TransferSeen
from domain.payments import MoneyFacts


def reserved_account(user_id: UUID) -> str:
    """The liability for credit that a booking will use."""
    return f"CRR:{user_id}"


def grant_journal(lot: CreditLot, *, at: datetime) -> Journal:
    """Credit given without a payment: an expense, until it expires unused."""
    return Journal(
        kind="credit_granted",
        dedupe_key=f"credit_granted:{lot.id}",
        booking_id=lot.booking_id,
        user_ids=(lot.user_id,),
        effective_at=at,
        source=str(lot.id),
        lines=(
            Line(account=GOODWILL, amount_cents=lot.granted_cents),
            Line(account=credit_account(lot.user_id), amount_cents=-lot.granted_cents),
        ),
    )


def reserve_journal(
    booking_id: BookingId, student_id: UUID, instructor_id: UUID, cents: int, *, at: datetime
) -> Journal:
    """Credit set aside for a booking."""
    return Journal(
        kind="credit_reserved",
        dedupe_key=f"credit_reserved:{booking_id}",
        booking_id=booking_id,
        user_ids=(student_id, instructor_id),
        effective_at=at,
        source=str(booking_id),
        lines=(
            Line(account=credit_account(student_id), amount_cents=cents),
            Line(account=reserved_account(student_id), amount_cents=-cents),
        ),
    )


def restore_journal(facts: MoneyFacts, cents: int, *, at: datetime) -> Journal:
    """Credit set aside and not used after all."""
    return _journal(
        facts,
        "credit_restored",
        (
            Line(account=reserved_account(facts.student_id), amount_cents=cents),
            Line(account=credit_account(facts.student_id), amount_cents=-cents),
        ),
        at=at,
    )


def consume_journal(facts: MoneyFacts, cents: int, *, at: datetime) -> Journal:
    """Credit used: the instructor is owed the top-up, the rest is the platform's fee."""
    owed = facts.top_up_cents
    return _journal(
        facts,
        "credit_consumed",
        (
            Line(account=reserved_account(facts.student_id), amount_cents=cents),
            Line(account=_owed(facts), amount_cents=-owed),
            Line(account=REVENUE, amount_cents=owed - cents),
        ),
        at=at,
    )


def refund_journal(facts: MoneyFacts, cents: int, *, absorbed_cents: int, at: datetime) -> Journal:
    """Used credit given back by a refund. A top-up that stays with the instructor is absorbed."""
    owed = facts.top_up_cents
    return _journal(
        facts,
        "credit_refunded",
        (
            Line(account=_owed(facts), amount_cents=owed - absorbed_cents),
            Line(account=GOODWILL, amount_cents=absorbed_cents),
            Line(account=REVENUE, amount_cents=cents - owed),
            Line(account=credit_account(facts.student_id), amount_cents=-cents),
        ),
        at=at,
    )


def revoke_journal(
    lot_id: UUID, user_id: UUID, cents: int, *, booking_id: BookingId, source: str, at: datetime
) -> Journal:
    """Credit whose payment the bank has taken back; `source` is the dispute, or what came later."""
    return Journal(
        kind="credit_voided",
        dedupe_key=f"credit_voided:{lot_id}:{source}",
        booking_id=booking_id,
        user_ids=(user_id,),
        effective_at=at,
        source=source,
        lines=(
            Line(account=credit_account(user_id), amount_cents=cents),
            Line(account=LOSSES, amount_cents=-cents),
        ),
    )


def from_credit(
    journals: Sequence[Journal], *, student_id: UUID, left_cents: int, is_all_fee: bool
) -> tuple[tuple[Journal, ...], int, int]:
    """Movements of a charge that became credit; how much of it they take back, of how much.

    What would come out of goodwill (and out of revenue, where the fee was the whole amount) comes
    out of the credit as far as it is unspent, and is the platform's loss beyond.
    """
    splits: dict[JournalKind, str] = {"refund_absorbed": GOODWILL}
    if is_all_fee:
        splits["application_fee_refunded"] = REVENUE
    left, whole, changed = left_cents, 0, list[Journal]()
    for journal in journals:
        lines: list[Line] = []
        for line in journal.lines:
            if line.account != splits.get(journal.kind):
                lines.append(line)
                continue
            taken = min(left, line.amount_cents)
            left, whole = left - taken, whole + line.amount_cents
            lines += [
                Line(account=credit_account(student_id), amount_cents=taken),
                Line(account=LOSSES, amount_cents=line.amount_cents - taken),
            ]
        kept = tuple(line for line in lines if line.amount_cents)
        changed.append(msgspec.structs.replace(journal, lines=kept))
    return tuple(changed), left_cents - left, whole


def top_up_journal(facts: MoneyFacts, seen: TransferSeen, *, at: datetime) -> Journal:
    """What the platform paid an instructor from its own balance."""
    return _moved(facts, "top_up", seen.id, seen.amount_cents, seen, at=at)


def top_up_back_journal(facts: MoneyFacts, seen: ReversalSeen, *, at: datetime) -> Journal:
    """A top-up taken back: it is owed again, until the credit behind it is given back as well."""
    return _moved(facts, "top_up_reversed", seen.id, -seen.amount_cents, seen, at=at)


def _moved(
    facts: MoneyFacts,
    kind: JournalKind,
    source: str,
    cents: int,
    seen: TransferSeen | ReversalSeen,
    *,
    at: datetime,
) -> Journal:
    return Journal(
        kind=kind,
        dedupe_key=f"{kind}:{source}",
        booking_id=facts.booking_id,
        user_ids=(facts.student_id, facts.instructor_id),
        effective_at=at,
        source=source,
        lines=(
            Line(account=STRIPE, amount_cents=-cents, balance_transaction_id=seen.transaction_id),
            Line(
                account=f"SC:{facts.stripe_account_id}",
                amount_cents=cents,
                balance_transaction_id=seen.destination_transaction_id,
            ),
            Line(account=_owed(facts), amount_cents=cents),
            Line(account=f"WAL:{facts.instructor_id}", amount_cents=-cents),
        ),
    )


def _journal(
    facts: MoneyFacts, kind: JournalKind, lines: tuple[Line, ...], *, at: datetime
) -> Journal:
    return Journal(
        kind=kind,
        dedupe_key=f"{kind}:{facts.booking_id}",
        booking_id=facts.booking_id,
        user_ids=(facts.student_id, facts.instructor_id),
        effective_at=at,
        source=str(facts.booking_id),
        lines=tuple(line for line in lines if line.amount_cents),
    )


def _owed(facts: MoneyFacts) -> str:
    return f"PAY:{facts.instructor_id}"
