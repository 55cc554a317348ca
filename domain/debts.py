"""Instructors who owe the platform: who may."""

from collections.abc import Iterable
from uuid import UUID

from domain.journals import Journal, JournalKind

TAKEN_BACK: frozenset[JournalKind] = frozenset(
    {"transfer_reversed", "top_up_reversed", "dispute_lost", "payout", "payout_cost"}
)
"""Journals after which an instructor may owe; the others only give, or take from what they give."""
OWN_MONEY = "WAL:"


def debtors(journals: Iterable[Journal]) -> list[UUID]:
    """The instructors from whom these journals take back."""
    accounts = {
        line.account
        for journal in journals
        if journal.kind in TAKEN_BACK
        for line in journal.lines
        if line.account.startswith(OWN_MONEY) and line.amount_cents > 0
    }
    return sorted(UUID(account.removeprefix(OWN_MONEY)) for account in accounts)
