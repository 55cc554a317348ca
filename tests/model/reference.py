"""The marketplace's money told a second time, from its specification alone.

Nothing of the product is imported: shares are fractions, instants are compared, a lesson is a small
story that knows what was promised at which hour. What product and reference disagree about is a
mistake of one of them (`docs/money.md`, "price split", "state machines", "journals").
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

HOUR = timedelta(hours=1)
FEE = Fraction(15, 100)
STRIPE_SHARE = Fraction(29, 1000)
STRIPE_FIXED = 30
DISPUTE_FEE = 1500
PAYOUT_FEE = Fraction(2, 100)
PAYOUT_COST = Fraction(1, 100)
CARD_MINIMUM = 50
RUNGS = (24, 22, 20, 18)
UNPAID = {"auth_retry", "card_required", "action_required"}

Totals = Counter[str]


def cents(share: Fraction) -> int:
    """Half a cent goes up."""
    return int(share + Fraction(1, 2))


@dataclass(frozen=True)
class Shares:
    """Who gets what of a price."""

    price: int
    credit: int
    fee: int
    instructor: int
    card: int
    destination: int
    application_fee: int
    top_up: int


def shares(price: int, credit: int = 0) -> Shares:
    """The split: never a card part below Stripe's minimum, except none at all."""
    card = price - credit
    if 0 < card < CARD_MINIMUM:
        card, credit = CARD_MINIMUM, price - CARD_MINIMUM
    fee = cents(price * FEE)
    instructor = price - fee
    destination = min(card, instructor)
    return Shares(
        price,
        credit,
        fee,
        instructor,
        card,
        destination,
        card - destination,
        instructor - destination,
    )


def stripe_fee(card: int) -> int:
    """What Stripe keeps of a card payment."""
    return cents(card * STRIPE_SHARE) + STRIPE_FIXED if card else 0


def posted(**amounts: int) -> Totals:
    """Account classes with what they change by."""
    return Counter(amounts)


def paid(part: Shares) -> Totals:
    """The card's part is taken; the instructor has their share of it, the platform the rest."""
    fee = stripe_fee(part.card)
    return posted(
        SP=part.card - fee - part.destination,
        XPR=fee,
        SC=part.destination,
        WAL=-part.destination,
        REV=-part.application_fee,
    )


def spent(part: Shares) -> Totals:
    """Credit pays its part: the instructor's rest comes from our balance, we earn the rest."""
    return posted(
        CRA=part.credit,
        SP=-part.top_up,
        SC=part.top_up,
        WAL=-part.top_up,
        REV=part.top_up - part.credit,
    )


def turned_into_credit(part: Shares) -> Totals:
    """The card's part is taken and owed to the student as credit."""
    fee = stripe_fee(part.card)
    return posted(SP=part.card - fee, XPR=fee, CRA=-part.card)


def given_back(part: Shares, amount: int, *, reverses: bool) -> Totals:
    """A refund, with transfer and fee in proportion, or out of the platform's pocket."""
    if not reverses:
        return posted(SP=-amount, XGW=amount)
    fee = cents(Fraction(part.application_fee * amount, part.card))
    return posted(SP=-fee, SC=fee - amount, WAL=amount - fee, REV=fee)


def questioned(part: Shares) -> Totals:
    """A bank takes the money back for now, and Stripe its fee for good."""
    return posted(SP=-part.card - DISPUTE_FEE, XDF=DISPUTE_FEE, DSP=part.card)


def won(part: Shares) -> Totals:
    """The bank gives it back."""
    return posted(SP=part.card, DSP=-part.card)


def lost(part: Shares) -> Totals:
    """The bank keeps it; the instructor's share and our fee go back."""
    fee = part.application_fee
    return posted(
        SP=part.card - fee, SC=fee - part.card, WAL=part.card - fee, DSP=-part.card, REV=fee
    )


def absorbed(part: Shares) -> Totals:
    """The bank keeps what had become credit: nobody can be asked for it."""
    return posted(DSP=-part.card, XLS=part.card)


def paid_out(gross: int) -> Totals:
    """An instant payout: net to the bank, our fee, Stripe's price for it."""
    fee = cents(gross * PAYOUT_FEE)
    cost = cents((gross - fee) * PAYOUT_COST)
    return posted(SC=-gross, WAL=gross, SP=fee - cost, IPF=-fee, XIP=cost)


@dataclass(frozen=True)
class Card:
    """How a card behaves: its answers in turn, the last one for ever."""

    name: str
    answers: tuple[str, ...] = ("ok",)
    is_disputed: bool = False


@dataclass
class Story:
    """One booking as the specification tells it."""

    price: int
    start: datetime
    card: Card
    credit: int = 0
    status: str = "none"
    outcome: str | None = None
    payment: str = "none"
    booked_at: datetime | None = None
    hold_until: datetime | None = None
    tries: int = 0
    rung: int = 0
    was_authorized: bool = False
    refunded: int = 0
    before_dispute: str | None = None
    ledger: Totals = field(default_factory=Counter)

    @property
    def part(self) -> Shares:
        """The split of this booking."""
        return shares(self.price, self.credit)

    @property
    def end(self) -> datetime:
        """Lessons of the model last an hour."""
        return self.start + HOUR

    def totals(self) -> dict[str, int]:
        """What the ledger must show; nothing is left out but zeros."""
        if self.payment not in {"settled", "released", "credited"} and self.credit_used:
            reserved = self.ledger + posted(CRA=self.credit_used)
            return {**reserved, "CRR": -self.credit_used}
        return {account: amount for account, amount in self.ledger.items() if amount}

    @property
    def credit_used(self) -> int:
        """Credit reserved for this booking, or spent on it."""
        is_back = self.payment in {"released", "credited"} or self.before_dispute == "credited"
        return 0 if is_back else self.part.credit

    @property
    def credit_earned(self) -> int:
        """Credit that came of turning the card's part over."""
        is_earned = self.payment == "credited" or self.before_dispute == "credited"
        return self.part.card if is_earned else 0

    def _ask(self) -> str:
        answer = self.card.answers[min(self.tries, len(self.card.answers) - 1)]
        self.tries += 1
        return answer

    def _authorized(self) -> None:
        self.was_authorized = True
        self.payment = "authorized"

    def book(self, now: datetime) -> None:
        """Books; far ahead nothing is asked of the card, near the start all of it at once."""
        self.booked_at = now
        self.status, self.payment = "confirmed", "scheduled"
        if self.part.card == 0:
            self.payment = "credit_only"
        elif self.start - now < 24 * HOUR:
            self._book_near(now)
        self.tick(now)

    def _book_near(self, now: datetime) -> None:
        match self._ask():
            case "ok":
                self._authorized()
            case "asks":
                self.status, self.payment = "pending", "action_required"
                self.hold_until = now + timedelta(minutes=15)
            case _:
                self.status, self.payment = "pending", "card_required"
                self.hold_until = now + timedelta(minutes=5)

    def tick(self, now: datetime) -> None:
        """Lets everything happen that is due by now, in order."""
        while (due := self._next()) is not None and due[0] <= now:
            due[1]()

    def _next(self) -> tuple[datetime, Callable[[], None]] | None:
        """The next promise: its instant and what happens then."""
        match self.status, self.payment:
            case "pending", _ if self.hold_until is not None:
                return self.hold_until, self._expire
            case "confirmed", "scheduled" | "auth_retry":
                return self.start - RUNGS[self.rung] * HOUR, self._try_rung
            case "confirmed", "card_required" | "action_required":
                return self.start - 6 * HOUR, self._give_up
            case "confirmed", "authorized" | "credit_only":
                return self.end, self._complete
            case "completed", "authorized" | "credit_only":
                return self.end + 24 * HOUR, self._capture
            case _:
                return None

    def _expire(self) -> None:
        self.status, self.payment = "expired", "released"

    def _try_rung(self) -> None:
        self.rung += 1
        match self._ask():
            case "ok":
                self._authorized()
            case "soft":
                self.payment = "auth_retry" if self.rung < len(RUNGS) else "card_required"
            case "asks":
                self.payment = "action_required"
            case _:
                self.payment = "card_required"

    def _give_up(self) -> None:
        self.status, self.outcome, self.payment = "cancelled", "payment_failed", "released"

    def _complete(self) -> None:
        self.status = "completed"

    def _capture(self) -> None:
        self.payment = "settled"
        self.ledger.update(paid(self.part))
        self.ledger.update(spent(self.part))
        self._question()

    def _question(self) -> None:
        if self.card.is_disputed:
            self.before_dispute, self.payment = self.payment, "disputed"
            self.ledger.update(questioned(self.part))

    def tier(self, now: datetime) -> str:
        """What a cancellation by the student costs now."""
        lead = self.start - now
        is_fresh = self.booked_at is not None and now - self.booked_at <= timedelta(minutes=5)
        if self.status == "pending" or lead >= 24 * HOUR or (is_fresh and lead > 2 * HOUR):
            return "free"
        if lead >= 12 * HOUR:
            return "credit" if self.was_authorized else "free"
        return "full"

    def can_be_cancelled(self, now: datetime) -> bool:
        """Whether there still is something to cancel."""
        return self.status in {"pending", "confirmed"} and now < self.start

    def cancel(self, now: datetime, *, by: str) -> None:
        """Cancels; the money follows at once."""
        tier = self.tier(now) if by == "student" else "free"
        self.status = "cancelled"
        self.outcome = {"free": "free", "credit": "credit", "full": "charged"}[tier]
        if by == "instructor":
            self.outcome = "by_instructor"
        if tier == "free":
            self.payment = "released"
        elif tier == "credit":
            self.payment = "credited"
            self.ledger.update(turned_into_credit(self.part))
            self._question()
        elif self.was_authorized or self.part.card == 0 or self._ask() == "ok":
            self._capture()
        else:
            self.payment = "collection"

    def new_card(self, card: Card) -> None:
        """Another card, which is tried at once."""
        self.card, self.tries = card, 1
        self._authorized()
        self.status = "confirmed"

    def challenge_passed(self) -> None:
        """The cardholder says yes to the bank."""
        self._authorized()
        self.status = "confirmed"

    def refund(self, amount: int, *, reverses: bool) -> None:
        """Gives a part of what was taken back."""
        self.refunded += amount
        self.ledger.update(given_back(self.part, amount, reverses=reverses))
        self.payment = "refunded" if self.refunded == self.part.card else "partially_refunded"

    def judged(self, verdict: str) -> None:
        """The bank has decided the dispute."""
        if verdict == "won":
            self.payment = self.before_dispute or "settled"
            self.ledger.update(won(self.part))
            return
        self.payment = "dispute_lost"
        is_credit = self.before_dispute == "credited"
        self.ledger.update(absorbed(self.part) if is_credit else lost(self.part))
