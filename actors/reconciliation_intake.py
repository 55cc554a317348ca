"""Takes in Stripe's balance transactions: of the platform, and of accounts that may have moved.

Asking every connected account every hour would take longer every month. Asked are those with new
lines in the ledger or an open incident, and those asked longest ago: each one at least once a day.
What Stripe alone starts gets its journal here, once. Everything can be repeated.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from actors.ledger import post
from domain.journals import STRIPE
from domain.operations import Refused, Unknown
from domain.reconciliation import (
    CONNECTED,
    OVERLAP,
    BalanceSeen,
    BalanceTransaction,
    Since,
    ingested_journal,
)
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.query import Tx
from storage.reconciliation import (
    AccountToAsk,
    accounts_to_look_at,
    keep_transactions,
    look_at,
    move_watermark,
    open_work,
    transactions_posted,
    watermark_of,
)

log = structlog.get_logger()

PAGES_MAX = 10_000
ACCOUNTS_AT_ONCE = 4
ACCOUNTS_MAX = 10_000
INTAKE_SECONDS = 30
"""So long accounts are asked in one run; those that had moved and were not reached come first in
the next one. A task has two minutes (`actors/broker.py`)."""
SLICE = 240
"""So many accounts are asked in an hour though nothing says that they moved."""
HOURS = 24
BALANCE_LOOKS = 3


class Taken(msgspec.Struct, frozen=True):
    """What taking in one account came to. `refused`: Stripe does not show its books at all."""

    account: str
    ingested: int = 0
    posted: int = 0
    is_seen: bool = True
    refused: bool = False


class Books(msgspec.Struct, frozen=True):
    """Everything taken in at one time, and the balance that goes with it."""

    taken: tuple[Taken, ...]
    balance: BalanceSeen | None
    is_quiet: bool
    unasked: tuple[datetime | None, ...] = ()
    """When those were asked last that had moved and were not shown this time."""

    @property
    def unseen(self) -> frozenset[str]:
        """Accounts that Stripe did not show, or was not asked about in time."""
        return frozenset(each.account for each in self.taken if not each.is_seen)


class Intake:
    """The owner of Stripe's transactions here."""

    def __init__(self, *, db: Database, stripe: StripeGateway, clock: Clock) -> None:
        """Reads from `stripe`, writes through `db`."""
        self._db = db
        self._stripe = stripe
        self._clock = clock

    async def take_in(self, since: Since, *, only: frozenset[str] | None = None) -> Books:
        """Takes in the platform's books and those of accounts that may have moved.

        `only`: of these connected accounts alone, because they were all asked a moment ago. The
        balance is read when nothing moved around it.
        """
        is_quiet = await open_work(self._db.reads) == 0
        chosen = await self._chosen(since, only)
        gate = asyncio.Semaphore(ACCOUNTS_AT_ONCE)
        deadline = self._clock.monotonic() + INTAKE_SECONDS

        async def take(each: AccountToAsk) -> Taken | None:
            async with gate:
                if self._clock.monotonic() < deadline:
                    return await self._take_in_account(each.stripe_account_id, each.instructor_id)
            # what is only looked at now and then waits for its turn, unknown to nobody
            return Taken(_name(each), is_seen=False) if each.has_moved else None

        taken = [Taken(STRIPE)] if only is not None else [await self._take_in_account(None, None)]
        others = await asyncio.gather(*(take(each) for each in chosen))
        taken += [each for each in others if each is not None]
        balance, more = await self._settled_balance()
        late = {each.account for each in taken if not each.is_seen and not each.refused}
        if not all(each.is_seen for each in (*taken, *more) if each.account == STRIPE):
            late.add(STRIPE)
        unasked = [each.looked_at for each in chosen if _name(each) in late]
        unasked += [None] if STRIPE in late else []
        return Books((*taken, *more), balance, is_quiet, tuple(unasked))

    async def _chosen(self, since: Since, only: frozenset[str] | None) -> list[AccountToAsk]:
        """The accounts to ask, in order."""
        known = await accounts_to_look_at(self._db.reads, since_id=since.id, most=ACCOUNTS_MAX)
        if only is not None:
            return [each for each in known if _name(each) in only]
        moved = [each for each in known if each.has_moved]
        others = [each for each in known if not each.has_moved]
        share = max(SLICE, others[0].accounts // HOURS + 1 if others else 0)
        return [*moved, *others[:share]]

    async def _settled_balance(self) -> tuple[BalanceSeen | None, list[Taken]]:
        """The balance between whose two readings the platform's books did not change."""
        more: list[Taken] = []
        for _ in range(BALANCE_LOOKS):
            before = await self._stripe.balance()
            more.append(await self._take_in_account(None, None))
            after = await self._stripe.balance()
            if not isinstance(before, BalanceSeen) or not isinstance(after, BalanceSeen):
                return None, more
            if before.total_cents == after.total_cents and more[-1].is_seen:
                return after, more
        return None, more

    async def _take_in_account(
        self, stripe_account_id: str | None, instructor_id: UUID | None
    ) -> Taken:
        """Takes in what one account has new since its watermark, with an hour's overlap."""
        account = f"{CONNECTED}{stripe_account_id}" if stripe_account_id else STRIPE
        began = self._clock.now()
        watermark = await watermark_of(self._db.reads, account=account)
        since, after = watermark and watermark - OVERLAP, None
        ingested = posted = 0
        newest: datetime | None = None
        for _ in range(PAGES_MAX):
            page = await self._stripe.balance_transactions(
                stripe_account_id, since=since, after=after
            )
            if isinstance(page, Refused | Unknown):
                log.warning("reconciliation.unseen", account=account, answer=repr(page))
                refused = isinstance(page, Refused)
                return Taken(account, ingested, posted, is_seen=False, refused=refused)
            if page.transactions:
                newest = newest or page.transactions[0].created_at
                after = page.transactions[-1].id
                new, journals = await self._keep(account, page.transactions, instructor_id)
                ingested, posted = ingested + new, posted + journals
            if not page.has_more or not page.transactions:
                break
        # the watermark moves when all pages are in: a crash before only repeats
        async with self._db.transaction() as tx:
            if newest is not None:
                await move_watermark(tx, account=account, seen_until=newest)
            await look_at(tx, account=account, now=began)
        return Taken(account, ingested, posted)

    async def _keep(
        self, account: str, transactions: Sequence[BalanceTransaction], instructor_id: UUID | None
    ) -> tuple[int, int]:
        """Keeps one page and posts the journals that only it can tell of."""
        async with self._db.transaction() as tx:
            new = set(await _kept(tx, account, transactions, now=self._clock.now()))
            theirs = set(await transactions_posted(tx, account=account, ids=list(new)))
            journals = [
                journal
                for each in transactions
                if each.id in new - theirs
                and (journal := ingested_journal(each, instructor_id=instructor_id)) is not None
            ]
            await post(tx, journals, now=self._clock.now())
        return len(new), len(journals)


def accounts_of(taken: Iterable[str]) -> frozenset[str]:
    """The connected ones among accounts of the ledger."""
    return frozenset(each for each in taken if each.startswith(CONNECTED))


def _name(account: AccountToAsk) -> str:
    return f"{CONNECTED}{account.stripe_account_id}"


async def _kept(
    tx: Tx, account: str, transactions: Sequence[BalanceTransaction], *, now: datetime
) -> list[str]:
    return await keep_transactions(
        tx,
        account=account,
        ids=[each.id for each in transactions],
        kinds=[each.kind for each in transactions],
        amounts_cents=[each.amount_cents for each in transactions],
        fees_cents=[each.fee_cents for each in transactions],
        application_fees_cents=[each.application_fee_cents for each in transactions],
        nets_cents=[each.net_cents for each in transactions],
        legs_cents=[each.leg_cents for each in transactions],
        are_reserves=[each.is_reserve for each in transactions],
        currencies=[each.currency for each in transactions],
        sources=[each.source for each in transactions],
        descriptions=[each.description for each in transactions],
        instants=[each.created_at for each in transactions],
        now=now,
    )
