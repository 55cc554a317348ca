"""How long the books are looked at: all of them, and an hour of them beside a year.

Makes a year of lessons (a million lines of the ledger) in a database of its own and runs the looks
of the reconciliation on it, without Stripe. `python -m bench books`.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from actors.reconciliation_intake import INTAKE_SECONDS, Books
from actors.reconciliation_looks import LOOKS, Looks
from domain.reconciliation import EVERYTHING, PATIENCE, Since
from sandbox.scratch import with_database
from storage.database import Database
from storage.migrate import migrate
from storage.reconciliation import accounts_to_look_at, proof, prove

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LESSONS = 91_000
MADE = Path(__file__).with_name("books.sql")
QUIET = Books((), None, is_quiet=True)


async def main() -> None:
    """Measure in a database that is thrown away."""
    inside = "DATABASE_URL" in os.environ and os.environ.get("BENCH_BOOKS") == "1"
    if inside:
        await measure(os.environ["DATABASE_URL"])
        return
    os.environ["BENCH_BOOKS"] = "1"
    await with_database([sys.executable, "-m", "bench", "books"])


async def measure(url: str) -> None:
    """Make the year, look at it in full, prove it, and look at its last hour."""
    await migrate(url, applied_at=NOW)
    began = time.perf_counter()
    owner = await asyncpg.connect(url)
    made = MADE.read_text(encoding="utf-8").replace("{lessons}", str(LESSONS))
    await owner.execute(made.replace("{now}", NOW.isoformat()))
    lines = await owner.fetchval("SELECT count(*) FROM ledger_lines")
    print(f"{lines} lines made in {time.perf_counter() - began:.0f} s")
    await owner.close()
    db = await Database.connect(url)
    try:
        await look(db, EVERYTHING, "everything")
        since = await proof(db.reads)
        assert since is not None
        for _ in range(3):
            await look(db, since, "an hour")
        await each(db, since)
    finally:
        await db.close()


async def look(db: Database, since: Since, name: str) -> None:
    """Look once, keep the proof, and print how long it took."""
    began = time.perf_counter()
    found, proven = await Looks(db).look(QUIET, since, now=NOW, patience=PATIENCE)
    seconds = time.perf_counter() - began
    differing = len(found.differences)
    print(f"{name}: {seconds:.2f} s, {differing} differences, unseen {sorted(found.unseen_checks)}")
    if proven is not None and since.is_full:
        async with db.transaction() as tx:
            await prove(
                tx,
                since_id=proven.since.id,
                until_id=proven.until.id,
                until_at=proven.until.at,
                is_full=True,
                accounts=[each.account for each in proven.sums],
                cents=[each.cents for each in proven.sums],
            )


async def each(db: Database, since: Since) -> None:
    """Print how long each check takes, in full and for an hour."""
    for check, check_look in LOOKS.items():
        took: list[float] = []
        for one in (EVERYTHING, since):
            async with db.long_read(60) as tx:
                began = time.perf_counter()
                await check_look(tx, one)
                took.append(time.perf_counter() - began)
        print(f"{check:20} {took[0]:8.3f} s {took[1]:8.3f} s")
    began = time.perf_counter()
    chosen = await accounts_to_look_at(db.reads, since_id=since.id, most=10_000)
    moved = sum(1 for account in chosen if account.has_moved)
    seconds = time.perf_counter() - began
    print(f"accounts to ask: {moved} moved of {len(chosen)}, chosen in {seconds:.3f} s")
    print(f"asked for at most {INTAKE_SECONDS} s; patience {timedelta(hours=1)}")
