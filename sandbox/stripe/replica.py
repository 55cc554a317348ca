"""A replica that lags: the state as it was before the last transactions, for stale reads.

Before a transaction changes an object or a balance, what was there is kept. A stale read puts the
kept state back inside a savepoint, answers from it, and takes it away again: lists, filters,
expansions and balances are all of one and the same earlier moment.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

Doc = dict[str, Any]

KEPT_TRANSACTIONS: Final = 500
SWEPT_EVERY: Final = 100
COLUMNS: Final = (
    "seq, id, kind, account, created, customer, payment_intent, parent, transfer_group, body"
)


class Replica:
    """What the last transactions changed."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """`db` is the store's own connection: all happens inside its transactions."""
        self.db = db
        self.kept: set[str] = set()
        self.tx = 0

    def resume(self) -> None:
        """Take up the numbering of a file."""
        self.tx = self.db.execute("SELECT coalesce(max(tx), 0) FROM lag").fetchone()[0]

    def begin(self) -> None:
        """A transaction has begun; now and then forget those long past."""
        self.kept.clear()
        self.tx += 1
        if self.tx % SWEPT_EVERY == 0:
            for table in ("lag", "lag_balances"):
                query = f"DELETE FROM {table} WHERE tx < ?"  # noqa: S608 -- our own table names
                self.db.execute(query, (self.tx - KEPT_TRANSACTIONS,))

    def undone(self) -> None:
        """What this transaction kept was rolled back with its work."""
        self.kept.clear()

    def keep_absence(self, object_id: str) -> None:
        """An object is about to be made."""
        if object_id not in self.kept:
            self.kept.add(object_id)
            self.db.execute("INSERT INTO lag (tx, id) VALUES (?, ?)", (self.tx, object_id))

    def keep_object(self, object_id: str) -> None:
        """An object is about to be changed or deleted."""
        if object_id not in self.kept:
            self.kept.add(object_id)
            query = f"INSERT INTO lag (tx, {COLUMNS}) SELECT ?, {COLUMNS} FROM objects WHERE id = ?"  # noqa: S608 -- our own column names
            self.db.execute(query, (self.tx, object_id))

    def keep_balance(self, account: str) -> None:
        """A balance is about to be changed."""
        if f"balance:{account}" not in self.kept:
            self.kept.add(f"balance:{account}")
            self.db.execute(
                "INSERT INTO lag_balances SELECT ?, ?, coalesce(max(available), 0),"
                " coalesce(max(pending), 0) FROM balances WHERE account = ?",
                (self.tx, account, account),
            )

    def before_now(self, object_id: str) -> Doc | None:
        """An object as it was when this transaction began; None if it was not there or changed."""
        query = "SELECT body FROM lag WHERE tx = ? AND id = ?"
        row = self.db.execute(query, (self.tx, object_id)).fetchone()
        return None if row is None or row[0] is None else msgspec.json.decode(row[0])

    def last_changes(self, object_ids: Iterable[str]) -> list[int]:
        """The transactions that changed one of these objects, the latest first."""
        changes: set[int] = set()
        for object_id in object_ids:
            rows = self.db.execute("SELECT tx FROM lag WHERE id = ?", (object_id,))
            changes.update(row[0] for row in rows)
        return sorted(changes, reverse=True)

    def last_balances(self, account: str) -> list[int]:
        """The transactions that changed a balance, the latest first."""
        query = "SELECT tx FROM lag_balances WHERE account = ? ORDER BY tx DESC"
        return [row[0] for row in self.db.execute(query, (account,))]

    @contextmanager
    def before(self, tx: int) -> Iterator[None]:
        """Everything as it was before a transaction and those after it; within another one."""
        self.db.execute("SAVEPOINT replica")
        try:
            query = f"SELECT {COLUMNS} FROM lag WHERE tx >= ? ORDER BY tx DESC"  # noqa: S608 -- our own column names
            for row in self.db.execute(query, (tx,)).fetchall():
                self._put_back(tuple(row))
            query = "SELECT account, available, pending FROM lag_balances WHERE tx >= ? ORDER BY tx"
            for row in reversed(self.db.execute(query, (tx,)).fetchall()):
                self.db.execute(
                    "UPDATE balances SET available = ?, pending = ? WHERE account = ?",
                    (row[1], row[2], row[0]),
                )
            yield
        finally:
            self.db.execute("ROLLBACK TO replica")
            self.db.execute("RELEASE replica")
            self.kept.clear()

    def _put_back(self, row: tuple[object, ...]) -> None:
        """One object as it was kept."""
        if row[-1] is None:
            self.db.execute("DELETE FROM objects WHERE id = ?", (row[1],))
        else:
            places = ", ".join("?" * len(row))
            query = f"INSERT OR REPLACE INTO objects ({COLUMNS}) VALUES ({places})"  # noqa: S608 -- our own column names
            self.db.execute(query, row)
