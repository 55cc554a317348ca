"""The marketplace's money told a second time, from its specification alone.

Nothing of the product is imported: shares are fractions, and what an event moves is written down
account by account. When which of it happens to a lesson is told by `story.py`. What product and
reference disagree about is a mistake of one of them (`docs/money.md`, "price split", "journals").
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

HOUR = timedelta(hours=1)
FEE = Fraction(15, 100)
STRIPE_SHARE = Fraction(29, 1000)
STRIPE_FIXED = 30
DISPUTE_FEE = 1500
PAYOUT_FEE = Fraction(2, 100)
PAYOUT_COST = Fraction(1, 100)
CARD_MINIMUM = 50

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


def reserved(part: Shares) -> Totals:
    """Credit is set aside for a booking."""
    return posted(CRA=part.credit, CRR=-part.credit)


def restored(part: Shares) -> Totals:
    """Credit set aside and not needed."""
    return posted(CRA=-part.credit, CRR=part.credit)


def consumed(part: Shares) -> Totals:
    """Credit pays its part: the instructor's rest is owed to them, the other rest we earn."""
    return posted(CRR=part.credit, PAY=-part.top_up, REV=part.top_up - part.credit)


def topped_up(part: Shares) -> Totals:
    """What credit owes the instructor comes from our balance."""
    return posted(SP=-part.top_up, SC=part.top_up, PAY=part.top_up, WAL=-part.top_up)


def spent(part: Shares) -> Totals:
    """The whole way of credit that pays: set aside, used, topped up."""
    total: Totals = Counter()
    for each in (reserved(part), consumed(part), topped_up(part)):
        total.update(each)
    return total


def credit_back(part: Shares) -> Totals:
    """A full refund of the card's part: the top-up is taken back, the credit is the student's."""
    return posted(
        SP=part.top_up,
        SC=-part.top_up,
        WAL=part.top_up,
        CRA=-part.credit,
        REV=part.credit - part.top_up,
    )


def turned_into_credit(part: Shares) -> Totals:
    """The card's part is taken and owed to the student as credit."""
    fee = stripe_fee(part.card)
    return posted(SP=part.card - fee, XPR=fee, CRA=-part.card)


def fee_of_refund(part: Shares, amount: int, returned: int = 0) -> int:
    """Which part of our fee goes back with a refund; `returned`: what earlier refunds took."""
    if not part.card:
        return 0
    return min(
        part.application_fee - returned, cents(Fraction(part.application_fee * amount, part.card))
    )


def given_back(part: Shares, amount: int, *, reverses: bool, returned: int = 0) -> Totals:
    """A refund, with transfer and fee in proportion, or out of the platform's pocket."""
    if not reverses:
        return posted(SP=-amount, XGW=amount)
    fee = fee_of_refund(part, amount, returned)
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


def revoked(part: Shares) -> Totals:
    """The bank keeps what had become credit: the credit, unspent, is taken back."""
    return posted(DSP=-part.card, CRA=part.card)


def paid_out(gross: int) -> Totals:
    """An instant payout: net to the bank, our fee, Stripe's price for it."""
    fee = cents(gross * PAYOUT_FEE)
    cost = cents((gross - fee) * PAYOUT_COST)
    return posted(SC=-gross, WAL=gross, SP=fee - cost, IPF=-fee, XIP=cost)
