"""SQLite behind the emulator: one connection, one writer, every request one transaction.

All calls come from the event loop's thread and none of them waits, so a transaction is never
interleaved with another one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from sandbox.stripe.ids import object_id, token
from sandbox.stripe.replica import Replica

Doc = dict[str, Any]

SCHEMA: Final = Path(__file__).with_name("schema.sql")
TABLES: Final = [
    "meta",
    "counters",
    "objects",
    "due",
    "funds",
    "balances",
    "books",
    "idempotency",
    "deliveries",
    "attempts",
    "floats",
    "prices",
    "lag",
    "lag_balances",
    "faults",
    "log",
]

PARENTS: Final = {
    "balance_transaction": "source",
    "refund": "charge",
    "application_fee": "charge",
    "transfer_reversal": "transfer",
    "fee_refund": "fee",
    "transfer": "source_transaction",
    "setup_attempt": "setup_intent",
    "dispute": "charge",
    "radar.early_fraud_warning": "charge",
    "review": "charge",
}
ADDED_COLUMNS: Final = (("log", "faults"), ("log", "result"))
KEYED: Final = ("payment_method", "payment_intent", "setup_intent", "charge")


class Store:
    """The emulator's state in one file."""

    def __init__(self, path: Path, seed: str) -> None:
        """Open or create the file; the seed of an existing file wins over `seed`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self.db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
            self.db.execute(f"PRAGMA {pragma}")
        self.replica = Replica(self.db)
        self._complete_schema()
        self.seed = self.meta("seed") or seed
        self.set_meta("seed", self.seed)

    def _complete_schema(self) -> None:
        """Make what is missing, also in a file of an earlier version."""
        self.db.executescript(SCHEMA.read_text())
        for table, column in ADDED_COLUMNS:
            known = {row["name"] for row in self.db.execute(f"PRAGMA table_info({table})")}
            if column not in known:
                self.db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        self.db.execute("DROP TABLE IF EXISTS earlier")
        self.replica.resume()

    def reopened(self) -> None:
        """Take up another state that was copied into the file."""
        self._complete_schema()
        self.seed = self.meta("seed") or self.seed

    def close(self) -> None:
        """Close the file; everything committed stays."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        self.replica.begin()
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def savepoint(self) -> None:
        """Mark the point `undo` goes back to."""
        self.db.execute("SAVEPOINT work")

    def undo(self) -> None:
        """Forget what was written since `savepoint`."""
        self.db.execute("ROLLBACK TO work")
        self.replica.undone()

    def wipe(self) -> None:
        """Forget everything but the seed."""
        with self.transaction():
            for table in TABLES:
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 -- names from this module
            self.db.execute("DELETE FROM sqlite_sequence WHERE name <> 'log'")
            self.set_meta("seed", self.seed)

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run one statement."""
        return self.db.execute(statement, values)

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self.db.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query."""
        return self.db.execute(statement, values).fetchone()

    def scalar(self, statement: str, *values: object) -> Any:  # noqa: ANN401 -- SQLite's own type
        """The first column of the first row."""
        row = self.row(statement, *values)
        return None if row is None else row[0]

    def meta(self, name: str) -> str | None:
        """A setting kept beside the data."""
        return self.scalar("SELECT value FROM meta WHERE name = ?", name)

    def set_meta(self, name: str, value: str) -> None:
        """Keep a setting."""
        self.execute(
            "INSERT INTO meta VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value,
        )

    def number(self, prefix: str) -> int:
        """The next number of a sequence."""
        return self.scalar(
            "INSERT INTO counters VALUES (?, 1)"
            " ON CONFLICT (prefix) DO UPDATE SET number = number + 1 RETURNING number",
            prefix,
        )

    def new_id(self, prefix: str) -> str:
        """The next id of a prefix."""
        return object_id(self.seed, prefix, self.number(prefix))

    def seed_token(self, name: str) -> str:
        """Letters and digits that depend on the seed and a name alone."""
        return token(self.seed, name)

    def insert(self, doc: Doc, account: str) -> None:
        """Keep a new object; its kind is its `object`."""
        kind = doc["object"]
        self.replica.keep_absence(doc["id"])
        self.execute(
            "INSERT INTO objects (id, kind, account, created, customer, payment_intent, parent,"
            " transfer_group, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            doc["id"],
            kind,
            account,
            doc.get("created", 0),
            doc.get("customer"),
            doc.get("payment_intent"),
            doc.get(PARENTS[kind]) if kind in PARENTS else None,
            doc.get("transfer_group"),
            msgspec.json.encode(doc).decode(),
        )

    def save(self, doc: Doc) -> None:
        """Keep a changed object; of what lists look for, customer and group alone ever change."""
        self.replica.keep_object(doc["id"])
        body = msgspec.json.encode(doc).decode()
        if doc["object"] in KEYED:
            query = "UPDATE objects SET body = ?, customer = ?, transfer_group = ? WHERE id = ?"
            self.execute(query, body, doc.get("customer"), doc.get("transfer_group"), doc["id"])
        else:
            self.execute("UPDATE objects SET body = ? WHERE id = ?", body, doc["id"])

    def delete(self, object_id: str) -> None:
        """Forget an object."""
        self.replica.keep_object(object_id)
        self.execute("DELETE FROM objects WHERE id = ?", object_id)

    def find(self, kind: str, object_id: str, account: str | None = None) -> Doc | None:
        """An object by its id; `account` None looks in every account."""
        row = self.row("SELECT kind, account, body FROM objects WHERE id = ?", object_id)
        if row is None or row["kind"] != kind or account not in (None, row["account"]):
            return None
        return msgspec.json.decode(row["body"])

    def any_object(self, object_id: str) -> Doc | None:
        """An object of any kind and account."""
        body = self.scalar("SELECT body FROM objects WHERE id = ?", object_id)
        return None if body is None else msgspec.json.decode(body)

    def account_of(self, object_id: str) -> str:
        """The account an object lives in; '' is the platform."""
        return self.scalar("SELECT account FROM objects WHERE id = ?", object_id) or ""

    def all_of(self, kind: str) -> list[Doc]:
        """Every object of a kind, oldest first."""
        rows = self.rows("SELECT body FROM objects WHERE kind = ? ORDER BY seq", kind)
        return [msgspec.json.decode(row["body"]) for row in rows]

    def children(self, kind: str, parent: str) -> list[Doc]:
        """The objects of a kind that are about one object, oldest first."""
        query = "SELECT body FROM objects WHERE kind = ? AND parent = ? ORDER BY seq"
        return [msgspec.json.decode(row["body"]) for row in self.rows(query, kind, parent)]

    def methods_of(self, customer: str) -> list[Doc]:
        """The payment methods attached to a customer."""
        query = "SELECT body FROM objects WHERE kind = 'payment_method' AND customer = ?"
        return [msgspec.json.decode(row["body"]) for row in self.rows(query, customer)]

    def plan(self, kind: str, subject: str, at_us: int) -> None:
        """Put one piece of work on the clock, or move it."""
        self.execute(
            "INSERT INTO due VALUES (?, ?, ?)"
            " ON CONFLICT (kind, subject) DO UPDATE SET at = excluded.at",
            kind,
            subject,
            at_us,
        )

    def unplan(self, kind: str, subject: str) -> None:
        """Take work off the clock."""
        self.execute("DELETE FROM due WHERE kind = ? AND subject = ?", kind, subject)
