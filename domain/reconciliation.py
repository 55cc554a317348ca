"""Our books against Stripe's: what a balance transaction means, and when a difference counts.

Stripe's balance transactions are the second witness of every cent. Each one has exactly one leg in
the ledger: on `SP` for the platform's own, on `SC:{account}` for an instructor's. Most legs are
posted by whatever moved the money; kinds that nobody of us starts are posted by the
reconciliation itself. Reserves move within the platform's balance and sum to zero over time.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import least_id
from domain.journals import STRIPE, Journal, JournalKind, Line

Check = Literal[
    "books_unreadable",
    "leg_missing",
    "leg_unknown",
    "leg_differs",
    "sum_differs",
    "balance_differs",
    "own_money_differs",
    "transit_open",
    "credit_differs",
    "revenue_differs",
    "ledger_unbalanced",
    "top_up_differs",
    "dispute_differs",
    "expired_differs",
]
"""What may differ: `docs/money-operations.md` says what each one means and what to do."""

CONNECTED = "SC:"
BANK = "BNK"
CONNECT_COSTS = "XCN"
INSTANT_COSTS = "XIP"
DISPUTE_COSTS = "XDF"
LOSSES = "XLS"

OVERLAP = timedelta(hours=1)
"""How far before the watermark a list begins again: transactions may appear late."""
PATIENCE = timedelta(hours=1)
"""How long something young may lack its other half while it is on its way."""
INTERVAL = timedelta(hours=1)
FULL_INTERVAL = timedelta(days=1)
"""How often all is looked at; in between only what is newer than the proof."""
PROOF_LAG = timedelta(hours=2)
"""What is younger is never proved: it may be on its way, or not committed yet."""
ZERO_ID = UUID(int=0)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

RESERVES = frozenset(
    {
        "reserve_transaction",
        "reserved_funds",
        "reserve_hold",
        "reserve_release",
        "payment_network_reserve_hold",
        "payment_network_reserve_release",
        "payout_minimum_balance_hold",
        "payout_minimum_balance_release",
    }
)
"""Money set aside within a balance: a sub-ledger that sums to zero over time."""
PAYOUTS = frozenset({"payout", "payout_failure", "payout_cancel"})
TOPUPS = frozenset({"topup", "topup_reversal"})
FEES = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})
COLLECTION = "connect_collection_transfer"
PAYOUT_ID = re.compile(r"po_[A-Za-z0-9]+")


class BalanceTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A balance transaction as fetched: what really moved on one account at Stripe."""

    id: str
    account: str
    """Of the ledger: `SP`, or `SC:{account}`."""
    kind: str
    amount_cents: int
    fee_cents: int
    application_fee_cents: int
    """The part of the fee that is the platform's own: a ledger line of its own."""
    net_cents: int
    currency: str
    source: str | None
    description: str | None
    created_at: datetime

    @property
    def is_reserve(self) -> bool:
        """Whether the money only changes its place within the balance."""
        return self.kind in RESERVES

    @property
    def leg_cents(self) -> int:
        """What the ledger's line says that carries this transaction's id."""
        return self.amount_cents - (self.fee_cents - self.application_fee_cents)


class BalanceTransactionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some balance transactions, newest first, and whether there are older ones."""

    transactions: tuple[BalanceTransaction, ...]
    has_more: bool


class SourceSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a balance transaction is of, as far as it says whose money that is."""

    kind: str
    """Stripe's name: `refund`, `transfer_reversal`, `fee_refund`, `dispute`, `charge` …"""
    id: str
    payment_intent_id: str | None = None
    transfer_id: str | None = None
    fee_id: str | None = None


class BalanceSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's balance at Stripe."""

    available_cents: int
    pending_cents: int
    reserved_cents: int

    @property
    def total_cents(self) -> int:
        """All of it; what `SP` stands for."""
        return self.available_cents + self.pending_cents + self.reserved_cents


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two witnesses disagree about one thing. `at`: since when that can be; `None` at any age."""

    check: Check
    subject: str
    account: str
    difference_cents: int
    at: datetime | None = None

    @property
    def key(self) -> tuple[Check, str]:
        """Which incident this is."""
        return self.check, self.subject


class AccountSum(msgspec.Struct, frozen=True, kw_only=True):
    """One account at Stripe and in the ledger; young lines and transactions may lack each other."""

    account: str
    ledger_cents: int
    stripe_cents: int
    young_ledger_cents: int
    young_stripe_cents: int
    young: int


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """What a look leaves out: entries up to an id, transactions and changes up to an instant."""

    id: UUID = ZERO_ID
    at: datetime = BEGINNING

    @property
    def is_full(self) -> bool:
        """Whether it leaves nothing out."""
        return self.id == ZERO_ID


EVERYTHING = Since()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All that one run found, and what it could not look at."""

    differences: tuple[Difference, ...]
    unseen_checks: frozenset[Check] = frozenset()
    unseen_accounts: frozenset[str] = frozenset()
    waiting: frozenset[tuple[Check, str]] = frozenset()
    """What is too young to tell: it opens nothing and closes nothing."""

    @property
    def keys(self) -> frozenset[tuple[Check, str]]:
        """Of every difference."""
        return frozenset(each.key for each in self.differences)


class OpenIncident(msgspec.Struct, frozen=True, kw_only=True):
    """A difference found before and not gone since."""

    id: UUID
    check: Check
    subject: str
    account: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of incidents after a run."""

    opens: tuple[Difference, ...]
    goes_on: tuple[tuple[UUID, Difference], ...]
    closes: tuple[UUID, ...]


def ingested_journal(
    transaction: BalanceTransaction, *, instructor_id: UUID | None
) -> Journal | None:
    """The journal of a movement that nobody of us starts; `None`: its leg is posted elsewhere."""
    found = _counterpart(transaction, instructor_id)
    if found is None or transaction.net_cents == 0:
        return None
    kind, other = found
    account, net = transaction.account, transaction.net_cents
    # a payout of the platform's own may carry Stripe's price for having it at once
    price = transaction.fee_cents if kind == "platform_payout" else 0
    lines = (
        Line(account=account, amount_cents=net, balance_transaction_id=transaction.id),
        Line(account=other, amount_cents=-net - price),
        Line(account=INSTANT_COSTS, amount_cents=price),
    )
    return Journal(
        kind=kind,
        dedupe_key=f"stripe:{account}:{transaction.id}",
        booking_id=None,
        user_ids=(instructor_id,) if instructor_id else (),
        effective_at=transaction.created_at,
        source=transaction.source or transaction.id,
        lines=tuple(line for line in lines if line.amount_cents),
    )


def _counterpart(
    transaction: BalanceTransaction, instructor_id: UUID | None
) -> tuple[JournalKind, str] | None:
    """Where the other half of an ingested movement goes."""
    is_platform = transaction.account == STRIPE
    if transaction.is_reserve:
        return "reserve", transaction.account
    if transaction.kind == COLLECTION:
        return "collection", LOSSES if is_platform else f"WAL:{instructor_id}"
    if is_platform and transaction.kind in PAYOUTS:
        return "platform_payout", BANK
    if is_platform and transaction.kind in TOPUPS:
        return "platform_topup", BANK
    # the bill for an instructor's payout is posted with that payout, or by `bill_journal` later
    is_bill = transaction.kind in FEES and "po_" not in _told(transaction)
    return ("stripe_fee", fee_account(transaction)) if is_platform and is_bill else None


def bill_journal(transaction: BalanceTransaction) -> Journal | None:
    """What Stripe billed for an instructor's payout, where the payout itself did not tell of it.

    The key is that of the payout's own journal, so whoever comes first posts it, once.
    """
    payout = PAYOUT_ID.search(_told(transaction))
    is_bill = transaction.account == STRIPE and transaction.kind in FEES
    if payout is None or not is_bill or transaction.net_cents == 0:
        return None
    lines = (
        Line(
            account=STRIPE,
            amount_cents=transaction.net_cents,
            balance_transaction_id=transaction.id,
        ),
        Line(account=INSTANT_COSTS, amount_cents=-transaction.net_cents),
    )
    return Journal(
        kind="payout_cost",
        dedupe_key=f"payout_cost:{payout[0]}",
        booking_id=None,
        user_ids=(),
        effective_at=transaction.created_at,
        source=payout[0],
        lines=lines,
    )


def fee_account(transaction: BalanceTransaction) -> str:
    """The expense that a bill of Stripe's is: a dispute's, an instant payout's, Connect's."""
    told = _told(transaction).lower()
    if "dispute" in told:
        return DISPUTE_COSTS
    return INSTANT_COSTS if "instant" in told else CONNECT_COSTS


def _told(transaction: BalanceTransaction) -> str:
    """What a transaction says of itself in words."""
    return f"{transaction.source or ''} {transaction.description or ''}"


def sum_differences(sums: Iterable[AccountSum]) -> list[Difference]:
    """Accounts whose ledger is not the sum of Stripe's transactions, as far as that can be told.

    Every line of the platform's carries its transaction, so young ones are left out one by one; an
    instructor's account with anything young on it waits for the next run.
    """
    found: list[Difference] = []
    for each in sums:
        off = (each.ledger_cents - each.young_ledger_cents) - (
            each.stripe_cents - each.young_stripe_cents
        )
        if off and not (each.young and each.account != STRIPE):
            found.append(
                Difference(
                    check="sum_differs",
                    subject=each.account,
                    account=each.account,
                    difference_cents=off,
                )
            )
    return found


def is_ripe(difference: Difference, *, now: datetime, patience: timedelta) -> bool:
    """Whether it is old enough to count: what is younger may still be on its way."""
    return difference.at is None or difference.at <= now - patience


def verdict(found: Findings, known: Sequence[OpenIncident]) -> Verdict:
    """Opens what is new, keeps what is still there, closes what is gone.

    What a run could not look at is left as it was.
    """
    known_by_key = {(each.check, each.subject): each for each in known}
    by_key = {each.key: each for each in found.differences}
    return Verdict(
        opens=tuple(each for key, each in by_key.items() if key not in known_by_key),
        goes_on=tuple(
            (known_by_key[key].id, each) for key, each in by_key.items() if key in known_by_key
        ),
        closes=tuple(
            each.id
            for key, each in known_by_key.items()
            if key not in by_key and _was_looked_at(each, found)
        ),
    )


def _was_looked_at(incident: OpenIncident, found: Findings) -> bool:
    return (
        incident.check not in found.unseen_checks
        and incident.account not in found.unseen_accounts
        and (incident.check, incident.subject) not in found.waiting
    )


def seen_twice(first: Findings, second: Findings) -> Findings:
    """What two looks agree on; movements between the two are not differences."""
    return Findings(
        differences=tuple(each for each in second.differences if each.key in first.keys),
        unseen_checks=first.unseen_checks | second.unseen_checks,
        unseen_accounts=first.unseen_accounts | second.unseen_accounts,
        waiting=second.waiting,
    )


def proof_until(since: Since, *, now: datetime, unasked: Iterable[datetime | None]) -> Since | None:
    """Until where a clean look proves the books; `None` when it proves nothing new.

    `unasked`: when those accounts were asked last that had moved and were not asked this time.
    """
    waiting = list(unasked)
    if any(each is None for each in waiting):
        return None
    at = min([now, *(each for each in waiting if each is not None)]) - PROOF_LAG
    return Since(id=least_id(at), at=at) if at > since.at else None


def is_due(
    *,
    last_at: datetime | None,
    last_wall_at: datetime | None,
    now: datetime,
    wall_now: datetime,
    every: timedelta = INTERVAL,
) -> bool:
    """Whether it is time again since the last run, in the marketplace's time or in real time."""
    if last_at is None or last_wall_at is None:
        return True
    return now - last_at >= every or wall_now - last_wall_at >= every
