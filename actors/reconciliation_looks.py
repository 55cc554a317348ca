"""What one look at the books finds: every check, on one snapshot."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
import structlog

from actors.reconciliation_intake import Books
from domain.journals import STRIPE
from domain.reconciliation import (
    PATIENCE,
    Check,
    Difference,
    Findings,
    Since,
    is_ripe,
    proof_until,
    sum_differences,
)
from storage.constraints import TOO_LONG
from storage.database import Database
from storage.query import Tx
from storage.reconciliation import (
    Mismatch,
    Proved,
    account_sums,
    credits_differing,
    disputes_differing,
    expired_differing,
    ingested_cents,
    ledger_unbalanced,
    legs_differing,
    legs_missing,
    legs_unknown,
    open_work,
    own_money_differing,
    revenues_differing,
    sums_to_prove,
    top_ups_differing,
    transits_open,
)

log = structlog.get_logger()

FOUND_MAX = 200
"""So many differences of one check are told apart; a run that meets the limit closes none of it."""
FULL_SECONDS = 60
"""How long one statement of a full look may take; those of the hourly one have the usual time."""

Look = Callable[[Tx, Since], Awaitable[list[Mismatch]]]

LOOKS: dict[Check, Look] = {
    "leg_missing": lambda tx, since: legs_missing(tx, since_at=since.at, most=FOUND_MAX),
    "leg_unknown": lambda tx, since: legs_unknown(tx, since_id=since.id, most=FOUND_MAX),
    "leg_differs": lambda tx, since: legs_differing(
        tx, since_id=since.id, since_at=since.at, most=FOUND_MAX
    ),
    "own_money_differs": lambda tx, _: own_money_differing(tx, most=FOUND_MAX),
    "transit_open": lambda tx, since: transits_open(tx, since_id=since.id, most=FOUND_MAX),
    "credit_differs": lambda tx, _: credits_differing(tx, most=FOUND_MAX),
    "revenue_differs": lambda tx, since: revenues_differing(
        tx, since_id=since.id, since_at=since.at, most=FOUND_MAX
    ),
    "ledger_unbalanced": lambda tx, since: ledger_unbalanced(tx, since_id=since.id, most=FOUND_MAX),
    "top_up_differs": lambda tx, since: top_ups_differing(tx, since_id=since.id, most=FOUND_MAX),
    "dispute_differs": lambda tx, _: disputes_differing(tx, most=FOUND_MAX),
    "expired_differs": lambda tx, since: expired_differing(
        tx, since_id=since.id, since_at=since.at, most=FOUND_MAX
    ),
}


class Proof(msgspec.Struct, frozen=True):
    """What a look has read to prove: until where, and what that adds to the sums kept."""

    since: Since
    until: Since
    sums: tuple[Proved, ...]


class Looks:
    """Reads and compares; writes nothing."""

    def __init__(self, db: Database) -> None:
        """Reads from `db`."""
        self._db = db

    async def look(
        self, books: Books, since: Since, *, now: datetime, patience: timedelta
    ) -> tuple[Findings, Proof | None]:
        """All checks on one snapshot, and what they prove where nothing was left out.

        What is younger than `patience` may lack its other half, at least an hour while money work
        is under way.
        """
        found: list[Difference] = []
        unseen: set[Check] = set()
        async with self._snapshot(since) as tx:
            if not books.is_quiet or await open_work(tx):
                patience = max(patience, PATIENCE)
            for check, look in LOOKS.items():
                rows = await _rows(tx, check, look, since)
                if rows is None or len(rows) >= FOUND_MAX:
                    unseen.add(check)
                found += [_difference(check, row) for row in rows or ()]
            sums = await account_sums(tx, since_id=since.id, young_since=now - patience)
            found += sum_differences(sums)
            if books.balance is None:
                unseen.add("balance_differs")
            elif off := await ingested_cents(tx) - books.balance.total_cents:
                found.append(_whole("balance_differs", STRIPE, off))
            until = proof_until(since, now=now, unasked=books.unasked)
            proof = None
            if until is not None and not unseen - {"balance_differs"}:
                proved = await sums_to_prove(tx, since_id=since.id, until_id=until.id)
                proof = Proof(since, until, tuple(proved))
        found = [each for each in found if each.account not in books.unseen]
        found += [_whole("books_unreadable", e.account, 0) for e in books.taken if e.refused]
        ripe = [each for each in found if is_ripe(each, now=now, patience=patience)]
        young: set[tuple[Check, str]] = {each.key for each in found if each not in ripe}
        young |= {("sum_differs", each.account) for each in sums if each.young}
        findings = Findings(
            differences=tuple(ripe),
            unseen_checks=frozenset(unseen),
            unseen_accounts=books.unseen,
            waiting=frozenset(young),
        )
        return findings, proof

    @asynccontextmanager
    async def _snapshot(self, since: Since) -> AsyncGenerator[Tx]:
        """One snapshot; a full look has a connection of its own and more time."""
        if since.is_full:
            async with self._db.long_read(FULL_SECONDS) as tx:
                yield tx
        else:
            async with self._db.repeatable_read() as tx:
                yield tx


async def _rows(tx: Tx, check: Check, look: Look, since: Since) -> list[Mismatch] | None:
    """What one check finds; `None` when it took too long: the others are looked at all the same."""
    await tx.execute("SAVEPOINT look")
    try:
        rows = await look(tx, since)
    except TOO_LONG:
        log.warning("reconciliation.check_took_too_long", check=check)
        await tx.execute("ROLLBACK TO SAVEPOINT look")
        return None
    await tx.execute("RELEASE SAVEPOINT look")
    return rows


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
