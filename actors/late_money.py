"""Money that shows when nobody expects it any more: it is told, and what can be let go is (B18)."""

from typing import Literal

import structlog
from prometheus_client import Counter

from domain.bookings import FINAL, PaymentStatus
from domain.operations import IntentSeen
from domain.payments import MoneyFacts, Payment

log = structlog.get_logger()

Kind = Literal["ended", "moved", "earlier_held", "earlier_taken"]
"""Taken though it was let go, for a booking that has ended or was moved; or held, or taken, by the
intent of an earlier cycle."""

LATE_MONEY = Counter(
    "late_money_total", "Money that showed after it had been let go, by where it showed.", ("kind",)
)

LET_GO: frozenset[PaymentStatus] = frozenset({"releasing", "released", "auth_lost", "written_off"})


def tell_late(facts: MoneyFacts, before: Payment, after: Payment) -> None:
    """Alerts when an intent that was given up has taken the money all the same (P31)."""
    if before.status in LET_GO and after.status in {"captured", "credited"}:
        _tell("ended" if facts.status in FINAL else "moved", facts, after.payment_intent_id)


def tell_earlier(facts: MoneyFacts, seen: IntentSeen) -> bool:
    """Alerts when an earlier cycle's intent holds or has taken money; whether it can be let go.

    What was taken is refunded by a person: our books know nothing of it, so reconciliation shows it
    as an incident and stops automatic payouts until somebody has looked.
    """
    match seen.status:
        case "requires_capture":
            _tell("earlier_held", facts, seen.id)
            return True
        case "succeeded":
            _tell("earlier_taken", facts, seen.id)
            return False
        case _:
            return False


def _tell(kind: Kind, facts: MoneyFacts, intent_id: str | None) -> None:
    LATE_MONEY.labels(kind=kind).inc()
    log.error("money.late", kind=kind, booking=facts.booking_id, intent=intent_id)
