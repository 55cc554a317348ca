"""Compares our books with Stripe's, every hour and whenever an admin asks.

Two witnesses of every cent: the ledger, written from fetched objects, and Stripe's balance
transactions, taken in here. What nobody of us starts (the platform's own payouts, bills,
collections, reserves) gets its journal here, once. A difference opens an incident, which stops
automatic payouts until it is gone, and nothing else. Everything can be repeated and run twice at
once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from actors.ledger import post
from domain.ids import new_id
from domain.journals import STRIPE
from domain.operations import Refused, Unknown
from domain.people import Viewer
from domain.reconciliation import (
    CONNECTED,
    OVERLAP,
    PATIENCE,
    BalanceSeen,
    BalanceTransaction,
    Check,
    Difference,
    Findings,
    ingested_journal,
    is_due,
    is_ripe,
    seen_twice,
    sum_differences,
    verdict,
)
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.audit import record_action
from storage.database import Database
from storage.payout_schedules import resume_payouts
from storage.query import Tx
from storage.reconciliation import (
    Mismatch,
    Run,
    account_sums,
    begin_run,
    close_incidents,
    connected_accounts,
    credits_differing,
    finish_run,
    ingested_cents,
    judge_alone,
    keep_transactions,
    last_begin,
    ledger_unbalanced,
    legs_differing,
    legs_missing,
    legs_unknown,
    move_watermark,
    open_incident,
    open_incidents,
    open_work,
    own_money_differing,
    revenues_differing,
    run_by_id,
    see_incident,
    transactions_posted,
    transits_open,
    watermark_of,
)
from storage.timings import notify_clock

log = structlog.get_logger()

PAGES_MAX = 10_000
ACCOUNTS_AT_ONCE = 4
FOUND_MAX = 200
"""So many differences of one check are told apart; a run that meets the limit closes none of it."""
BALANCE_LOOKS = 3

Look = Callable[..., Awaitable[list[Mismatch]]]

LOOKS: dict[Check, Look] = {
    "leg_missing": legs_missing,
    "leg_unknown": legs_unknown,
    "leg_differs": legs_differing,
    "own_money_differs": own_money_differing,
    "transit_open": transits_open,
    "credit_differs": credits_differing,
    "revenue_differs": revenues_differing,
    "ledger_unbalanced": ledger_unbalanced,
}


class _Taken(msgspec.Struct, frozen=True):
    """What taking in one account came to. `refused`: Stripe does not show its books at all."""

    account: str
    ingested: int = 0
    posted: int = 0
    is_seen: bool = True
    refused: bool = False


class _Books(msgspec.Struct, frozen=True):
    """Everything taken in at one time, and the balance that goes with it."""

    taken: tuple[_Taken, ...]
    balance: BalanceSeen | None
    is_quiet: bool

    @property
    def unseen(self) -> frozenset[str]:
        """Accounts that Stripe did not show."""
        return frozenset(each.account for each in self.taken if not each.is_seen)


class Reconciliation:
    """The owner of Stripe's transactions and of incidents."""

    def __init__(self, *, db: Database, stripe: StripeGateway, clock: Clock) -> None:
        """Reads from `stripe`, writes through `db`."""
        self._db = db
        self._stripe = stripe
        self._clock = clock

    async def run_when_due(self) -> Run | None:
        """Runs when the last run is an hour old; for the sweeps."""
        last = await last_begin(self._db.reads)
        if not is_due(
            last_at=last and last.started_at,
            last_wall_at=last and last.started_wall_at,
            now=self._clock.now(),
            wall_now=self._clock.wall_now(),
        ):
            return None
        return await self.run(cause="hourly", patience=PATIENCE)

    async def run_for(self, viewer: Viewer) -> Run:
        """Runs because an admin wants to know now."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            await record_action(
                tx,
                action_id=new_id(now),
                actor_id=viewer.user_id,
                action="reconciliation.run",
                subject="all accounts",
                request_id=viewer.request_id,
                details={},
                now=now,
            )
        return await self.run(cause="admin")

    async def run(self, *, cause: str, patience: timedelta = timedelta(0)) -> Run:
        """Takes in what is new, looks, and opens or closes incidents.

        What is younger than `patience` may lack its other half; while money work is under way that
        is at least an hour. What differs must differ in two looks. Raises `Unavailable` when the
        database does not answer; what Stripe does not show is left as it was.
        """
        now = self._clock.now()
        run_id = new_id(now)
        async with self._db.transaction() as tx:
            await begin_run(
                tx, run_id=run_id, cause=cause, now=now, wall_now=self._clock.wall_now()
            )
        books = await self._take_in()
        found = await self._look(books, now=now, patience=patience)
        if found.differences:
            again = await self._take_in()
            found = seen_twice(found, await self._look(again, now=now, patience=patience))
            books = _Books((*books.taken, *again.taken), again.balance, again.is_quiet)
        await self._judge(run_id, found, books)
        return await run_by_id(self._db.reads, run_id=run_id)

    async def _take_in(self) -> _Books:
        """Takes in every account; the balance is read when nothing moved around it."""
        is_quiet = await open_work(self._db.reads) == 0
        accounts: list[tuple[str | None, UUID | None]] = [(None, None)]
        connected = await connected_accounts(self._db.reads)
        accounts += [(each.stripe_account_id, each.instructor_id) for each in connected]
        gate = asyncio.Semaphore(ACCOUNTS_AT_ONCE)

        async def take(account: str | None, instructor_id: UUID | None) -> _Taken:
            async with gate:
                return await self._take_in_account(account, instructor_id)

        taken = list(await asyncio.gather(*(take(*each) for each in accounts)))
        balance, more = await self._settled_balance()
        return _Books((*taken, *more), balance, is_quiet)

    async def _settled_balance(self) -> tuple[BalanceSeen | None, list[_Taken]]:
        """The balance between whose two readings the platform's books did not change."""
        more: list[_Taken] = []
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
    ) -> _Taken:
        """Takes in what one account has new since its watermark, with an hour's overlap."""
        account = f"{CONNECTED}{stripe_account_id}" if stripe_account_id else STRIPE
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
                return _Taken(account, ingested, posted, is_seen=False, refused=refused)
            if page.transactions:
                newest = newest or page.transactions[0].created_at
                after = page.transactions[-1].id
                new, journals = await self._keep(account, page.transactions, instructor_id)
                ingested, posted = ingested + new, posted + journals
            if not page.has_more or not page.transactions:
                break
        if newest is not None:
            # the watermark moves when all pages are in: a crash before only repeats
            async with self._db.transaction() as tx:
                await move_watermark(tx, account=account, seen_until=newest)
        return _Taken(account, ingested, posted)

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

    async def _look(self, books: _Books, *, now: datetime, patience: timedelta) -> Findings:
        """All checks on one snapshot."""
        found: list[Difference] = []
        unseen: set[Check] = set()
        async with self._db.repeatable_read() as tx:
            if not books.is_quiet or await open_work(tx):
                patience = max(patience, PATIENCE)
            for check, look in LOOKS.items():
                rows = await look(tx, most=FOUND_MAX)
                if len(rows) == FOUND_MAX:
                    unseen.add(check)
                found += [_difference(check, row) for row in rows]
            sums = await account_sums(tx, young_since=now - patience)
            found += sum_differences(sums)
            if books.balance is None:
                unseen.add("balance_differs")
            elif off := await ingested_cents(tx) - books.balance.total_cents:
                found.append(_whole("balance_differs", STRIPE, off))
        found = [each for each in found if each.account not in books.unseen]
        found += [_whole("books_unreadable", e.account, 0) for e in books.taken if e.refused]
        ripe = [each for each in found if is_ripe(each, now=now, patience=patience)]
        young: set[tuple[Check, str]] = {each.key for each in found if each not in ripe}
        young |= {("sum_differs", each.account) for each in sums if each.young}
        return Findings(
            differences=tuple(ripe),
            unseen_checks=frozenset(unseen),
            unseen_accounts=books.unseen,
            waiting=frozenset(young),
        )

    async def _judge(self, run_id: UUID, found: Findings, books: _Books) -> None:
        """Writes what the run means for incidents, and the run's own end, at once."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            await judge_alone(tx)
            decided = verdict(found, await open_incidents(tx))
            for each in decided.opens:
                await _open(tx, each, now=now)
            for incident_id, each in decided.goes_on:
                cents = each.difference_cents
                await see_incident(tx, incident_id=incident_id, difference_cents=cents, now=now)
            await close_incidents(tx, incident_ids=decided.closes, now=now)
            if decided.closes and await resume_payouts(tx, now=now):
                await notify_clock(tx)
            await finish_run(
                tx,
                run_id=run_id,
                now=now,
                accounts=len({each.account for each in books.taken}),
                unseen_accounts=sorted(books.unseen),
                unseen_checks=sorted(found.unseen_checks),
                ingested=sum(each.ingested for each in books.taken),
                posted=sum(each.posted for each in books.taken),
                differences=len(found.differences),
                available_cents=books.balance and books.balance.available_cents,
            )
        for each in decided.opens:
            log.error("reconciliation.opened", check=each.check, cents=each.difference_cents)
        if decided.closes:
            log.info("reconciliation.closed", incidents=len(decided.closes))


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


async def _open(tx: Tx, difference: Difference, *, now: datetime) -> None:
    await open_incident(
        tx,
        incident_id=new_id(now),
        check=difference.check,
        subject=difference.subject,
        account=difference.account,
        difference_cents=difference.difference_cents,
        now=now,
    )


def _difference(check: Check, row: Mismatch) -> Difference:
    return Difference(
        check=check,
        subject=row.subject,
        account=row.account,
        difference_cents=row.difference_cents,
        at=row.at,
    )


def _whole(check: Check, account: str, cents: int) -> Difference:
    return Difference(check=check, subject=account, account=account, difference_cents=cents)
