"""Instructors who owe the platform: who may, and what they are told."""

from collections.abc import Iterable
from uuid import UUID

from domain.events import Topic
from domain.journals import Journal, JournalKind
from domain.letters import Letter, Payload
from domain.money import words

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


def account_letter(topic: Topic, payload: Payload) -> Letter | None:
    """What an instructor is told about their money apart from any lesson; `None`: nothing."""
    amount = words(int(payload.get("amount_cents") or 0), str(payload.get("currency") or "usd"))
    match topic:
        case "instructor.owes":
            return Letter(
                subject=f"Your balance is negative: {amount} is owed",
                paragraphs=(
                    f"Money that you were paid already was given back, so you owe {amount}.",
                    "What you earn next is set against it; until then nothing is paid out.",
                    "Your lessons go on as booked.",
                ),
            )
        case "payout.failed":
            return Letter(
                subject=f"Your bank returned a payout of {amount}",
                paragraphs=(
                    f"Your bank did not take a payout of {amount}. The money is yours as before.",
                    "Please check your bank account with Stripe: we try again at the next payout.",
                ),
            )
        case _:
            return None
