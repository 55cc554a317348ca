"""What is known of one booking of the model, and of its card and the report about it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.model.reference import HOUR, Shares, Totals, shares


@dataclass(frozen=True)
class Card:
    """How a card behaves: its answers in turn, the last one for ever; what its bank does later."""

    name: str
    answers: tuple[str, ...] = ("ok",)
    dispute: str = ""


@dataclass
class Report:
    """Somebody says that the other did not come; it holds by itself at `upheld_at`."""

    absent: str
    upheld_at: datetime
    state: str = "open"


@dataclass
class Facts:
    """One booking; `at` is how far its time has been told."""

    price: int
    start: datetime
    card: Card
    credit: int = 0
    status: str = "none"
    outcome: str | None = None
    payment: str = "none"
    booked_at: datetime | None = None
    hold_until: datetime | None = None
    at: datetime | None = None
    tries: int = 0
    rung: int = 0
    is_on_session: bool = False
    authorized_at: datetime | None = None
    kept_until: datetime | None = None
    ended_at: datetime | None = None
    first_start: datetime | None = None
    sticky: timedelta | None = None
    moves: int = 0
    late_moves: int = 0
    asked: int = 0
    is_excused: bool = False
    has_failed: bool = False
    report: Report | None = None
    refunded: int = 0
    reversed: int = 0
    fee_returned: int = 0
    before_dispute: str | None = None
    answered_by: datetime | None = None
    verdict: str | None = None
    ledger: Totals = field(default_factory=Counter)

    @property
    def part(self) -> Shares:
        """The split of this booking."""
        return shares(self.price, self.credit)

    @property
    def end(self) -> datetime:
        """Lessons of the model last an hour."""
        return self.start + HOUR

    @property
    def was_authorized(self) -> bool:
        """Whether money was ever reserved for it."""
        return self.authorized_at is not None

    def totals(self) -> dict[str, int]:
        """What the ledger must show; nothing is left out but zeros."""
        return {account: amount for account, amount in self.ledger.items() if amount}

    @property
    def credit_left(self) -> int:
        """What this booking has added to what its student can spend, or taken from it."""
        is_frozen = self.payment == "disputed" and self.before_dispute == "credited"
        return -self.ledger["CRA"] - (self.part.card if is_frozen else 0)

    @property
    def owed(self) -> int:
        """What the instructor has of it."""
        return -self.ledger["WAL"]
