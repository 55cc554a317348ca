"""Compares our books with Stripe's, every hour and whenever an admin asks.

Two witnesses of every cent: the ledger, written from fetched objects, and Stripe's balance
transactions (`actors/reconciliation_intake.py`). What is proved is left out by the hourly look;
once a day, and where something new differs, all is looked at. A difference opens an incident, which
stops automatic payouts until it is gone, and nothing else. Everything can be repeated and run twice
at once.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from actors.movements import Movements
from actors.reconciliation_intake import Books, Intake, accounts_of
from actors.reconciliation_looks import Looks, Proof
from actors.reconciliation_mending import Mending
from domain.ids import new_id
from domain.people import Viewer
from domain.reconciliation import (
    EVERYTHING,
    FULL_INTERVAL,
    INTERVAL,
    PATIENCE,
    Difference,
    Findings,
    Since,
    is_due,
    seen_twice,
    verdict,
)
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.audit import record_action
from storage.database import Database
from storage.query import Tx
from storage.reconciliation import (
    Run,
    begin_run,
    close_incidents,
    finish_run,
    judge_alone,
    last_begin,
    open_incident,
    open_incidents,
    proof,
    prove,
    run_by_id,
    see_incident,
)
from storage.standard_payouts import resume_payouts
from storage.timings import notify_clock

log = structlog.get_logger()

DAILY = "daily"
"""The cause of a run that looks at everything because a day is over."""


class Reconciliation:
    """The owner of incidents and of the proof."""

    def __init__(
        self, *, db: Database, stripe: StripeGateway, movements: Movements, clock: Clock
    ) -> None:
        """Reads from `stripe`, writes through `db`; `movements` takes in what was not known."""
        self._db = db
        self._clock = clock
        self._intake = Intake(db=db, stripe=stripe, clock=clock)
        self._looks = Looks(db)
        self._mending = Mending(db=db, movements=movements, clock=clock)

    async def run_when_due(self) -> Run | None:
        """Runs when the last run is an hour old, in full once a day; for the sweeps."""
        if not await self._is_due(None, INTERVAL):
            return None
        if await self._is_due(DAILY, FULL_INTERVAL):
            return await self.run(cause=DAILY, patience=PATIENCE)
        since = await proof(self._db.reads) or EVERYTHING
        return await self.run(cause="hourly", patience=PATIENCE, since=since)

    async def _is_due(self, cause: str | None, every: timedelta) -> bool:
        last = await last_begin(self._db.reads, cause=cause)
        return is_due(
            last_at=last and last.started_at,
            last_wall_at=last and last.started_wall_at,
            now=self._clock.now(),
            wall_now=self._clock.wall_now(),
            every=every,
        )

    async def run_for(self, viewer: Viewer) -> Run:
        """Looks at everything because an admin wants to know now."""
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

    async def run(
        self, *, cause: str, patience: timedelta = timedelta(0), since: Since = EVERYTHING
    ) -> Run:
        """Takes in what is new, looks, and opens or closes incidents.

        What is younger than `patience` may lack its other half; while money work is under way that
        is at least an hour. What differs must differ in two looks, and before the second one what
        nobody knew of is looked for at Stripe. Raises `Unavailable` when the database does not
        answer; what Stripe does not show is left as it was.
        """
        now = self._clock.now()
        run_id = new_id(now)
        async with self._db.transaction() as tx:
            await begin_run(
                tx, run_id=run_id, cause=cause, now=now, wall_now=self._clock.wall_now()
            )
            known = frozenset((each.check, each.subject) for each in await open_incidents(tx))
        books = await self._intake.take_in(since)
        found, proven = await self._looks.look(books, since, now=now, patience=patience)
        if found.differences:
            fresh = [each for each in found.differences if each.key not in known]
            await self._mending.mend(fresh)
            again = await self._intake.take_in(
                since, only=accounts_of(each.account for each in found.differences)
            )
            books = Books(
                (*books.taken, *again.taken),
                again.balance,
                again.is_quiet,
                (*books.unasked, *again.unasked),
            )
            # something new is not believed of a part of the books
            wide = EVERYTHING if fresh else since
            second, proven = await self._looks.look(books, wide, now=now, patience=patience)
            found = seen_twice(found, second)
        await self._judge(run_id, found, books, proven)
        return await run_by_id(self._db.reads, run_id=run_id)

    async def _judge(
        self, run_id: UUID, found: Findings, books: Books, proven: Proof | None
    ) -> None:
        """Writes what the run means for incidents and the proof, and its own end, at once."""
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
            if proven is not None:
                await _prove(tx, proven)
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


async def _prove(tx: Tx, proven: Proof) -> None:
    await prove(
        tx,
        since_id=proven.since.id,
        until_id=proven.until.id,
        until_at=proven.until.at,
        is_full=proven.since.is_full,
        accounts=[each.account for each in proven.sums],
        cents=[each.cents for each in proven.sums],
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
