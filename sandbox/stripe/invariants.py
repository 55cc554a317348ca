"""The emulator checks itself: journal, balances, objects, and books derived independently."""

from collections.abc import Iterator
from typing import Any, Final

from sandbox.stripe.books import FLOAT, PLATFORM, Movement, by_party, by_source, movements
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

CHECKS: Final[dict[str, str]] = {
    "every journal sums to zero": (
        "SELECT journal, sum(amount) AS cents FROM books GROUP BY journal HAVING sum(amount) <> 0"
    ),
    "an account's books are the sum of its balance transactions": (
        "SELECT account, sum(amount) AS books, coalesce((SELECT sum(body ->> '$.net') FROM objects"
        " WHERE kind = 'balance_transaction' AND objects.account = books.account), 0) AS net"
        " FROM books WHERE account NOT LIKE 'world:%' AND account NOT LIKE 'stripe:%'"
        " GROUP BY account HAVING books <> net"
    ),
    "a balance is the sum of its balance transactions": (
        "SELECT account, available, pending, coalesce((SELECT sum(net) FROM funds"
        " WHERE funds.account = balances.account AND is_settled = 1), 0) AS settled,"
        " coalesce((SELECT sum(net) FROM funds WHERE funds.account = balances.account"
        " AND is_settled = 0), 0) AS waiting"
        " FROM balances WHERE available <> settled OR pending <> waiting"
    ),
    "every balance transaction stands in the books once": (
        "SELECT objects.id, count(books.journal) AS times FROM objects"
        " LEFT JOIN books ON books.transaction_id = objects.id"
        " WHERE kind = 'balance_transaction' GROUP BY objects.id HAVING times <> 1"
    ),
    "a succeeded intent received what its charge captured": (
        "SELECT i.id FROM objects i LEFT JOIN objects c ON c.id = i.body ->> '$.latest_charge'"
        " WHERE i.kind = 'payment_intent' AND i.body ->> '$.status' = 'succeeded'"
        " AND i.body ->> '$.amount_received' IS NOT c.body ->> '$.amount_captured'"
    ),
    "an intent captured at most one charge": (
        "SELECT body ->> '$.payment_intent' AS intent, count(*) AS charges FROM objects"
        " WHERE kind = 'charge' AND body ->> '$.captured' AND payment_intent IS NOT NULL"
        " GROUP BY intent HAVING charges > 1"
    ),
    "every open authorization has an end on the clock": (
        "SELECT id FROM objects WHERE kind = 'payment_intent'"
        " AND body ->> '$.status' = 'requires_capture'"
        " AND id NOT IN (SELECT subject FROM due WHERE kind = 'expire_authorization')"
    ),
    "a transfer's reversals are what was reversed of it": (
        "SELECT t.id, t.body ->> '$.amount_reversed' AS told, coalesce((SELECT"
        " sum(body ->> '$.amount') FROM objects WHERE kind = 'transfer_reversal'"
        " AND parent = t.id), 0) AS made FROM objects t WHERE t.kind = 'transfer'"
        " AND (told <> made OR told > t.body ->> '$.amount'"
        " OR (told = t.body ->> '$.amount') <> (t.body ->> '$.reversed'))"
    ),
    "a fee's refunds are what was refunded of it": (
        "SELECT f.id, f.body ->> '$.amount_refunded' AS told, coalesce((SELECT"
        " sum(body ->> '$.amount') FROM objects WHERE kind = 'fee_refund'"
        " AND parent = f.id), 0) AS made FROM objects f WHERE f.kind = 'application_fee'"
        " AND (told <> made OR told > f.body ->> '$.amount')"
    ),
    "transfers out of a charge send no more than it took": (
        "SELECT c.id, sum(t.body ->> '$.amount') AS sent FROM objects t JOIN objects c"
        " ON c.id = t.parent WHERE t.kind = 'transfer' AND c.kind = 'charge'"
        " GROUP BY c.id HAVING sent > c.body ->> '$.amount_captured'"
    ),
    "a charge's refunds are what was refunded of it": (
        "SELECT c.id, c.body ->> '$.amount_refunded' AS told,"
        " coalesce(c.body ->> '$._.released', 0) + coalesce((SELECT sum(body ->> '$.amount')"
        " FROM objects WHERE kind = 'refund' AND parent = c.id"
        " AND body ->> '$.status' NOT IN ('failed', 'canceled')), 0) AS made"
        " FROM objects c WHERE c.kind = 'charge' AND told <> made"
    ),
    "no amount is negative": (
        "SELECT id, kind FROM objects WHERE kind IN ('payment_intent', 'charge', 'refund',"
        " 'transfer', 'transfer_reversal', 'application_fee', 'fee_refund', 'dispute', 'topup')"
        " AND min(body ->> '$.amount', coalesce(body ->> '$.amount_refunded', 0),"
        " coalesce(body ->> '$.amount_reversed', 0), coalesce(body ->> '$.amount_captured', 0),"
        " coalesce(body ->> '$.amount_received', 0), coalesce(body ->> '$.amount_capturable', 0))"
        " < 0"
    ),
    "a payout below zero takes a payout or a debt back": (
        "SELECT id FROM objects WHERE kind = 'payout' AND body ->> '$.amount' <= 0"
        " AND body ->> '$.original_payout' IS NULL AND NOT body ->> '$.automatic'"
    ),
    "a charge gives back no more than it took": (
        "SELECT id FROM objects WHERE kind = 'charge'"
        " AND body ->> '$.amount_refunded' > body ->> '$.amount'"
    ),
}
VIOLATIONS_SHOWN: Final = 20


def invariants(store: Store, config: Config) -> Doc:
    """Every check with its violations, and each party's balance by both books; both sum to zero."""
    moved = list(movements(store, config))
    derived = by_party(moved)
    found = {name: [dict(row) for row in store.rows(query)] for name, query in CHECKS.items()}
    found |= {
        "every derived movement sums to zero": list(_unbalanced(moved)),
        "the journal holds what the objects say, party by party": list(_parties(store, derived)),
        "balance transactions hold what the objects say, object by object": list(
            _sources(store, by_source(moved))
        ),
    }
    checks = [
        {"name": name, "ok": not rows, "violations": rows[:VIOLATIONS_SHOWN]}
        for name, rows in found.items()
    ]
    accounts = _journal(store)
    total = sum(accounts.values())
    return {
        "ok": total == 0 and all(check["ok"] for check in checks),
        "total_cents": total,
        "accounts": accounts,
        "derived": derived,
        "checks": checks,
    }


def _journal(store: Store) -> dict[str, int]:
    """Each party's sum in the journal the handlers wrote."""
    rows = store.rows("SELECT account, sum(amount) AS cents FROM books GROUP BY account")
    return {row["account"] or PLATFORM: row["cents"] for row in rows}


def _unbalanced(moved: list[Movement]) -> Iterator[Doc]:
    for each in moved:
        if cents := sum(leg.cents for leg in each.legs):
            yield {"what": each.what, "object": each.object_id, "cents": cents}


def _parties(store: Store, derived: dict[str, int]) -> Iterator[Doc]:
    """Parties whose two sums differ."""
    written = _journal(store)
    for party in sorted(derived.keys() | written.keys()):
        ours, theirs = derived.get(party, 0), written.get(party, 0)
        if ours != theirs:
            yield {"party": party, "derived": ours, "journal": theirs}


def _sources(store: Store, derived: dict[tuple[str, str], int]) -> Iterator[Doc]:
    """Objects whose balance transactions are missing, too many, or of another amount.

    A balance transaction about no object of ours belongs to the float.
    """
    rows = store.rows(
        "SELECT t.account, CASE WHEN o.id IS NULL THEN ? ELSE t.parent END AS source,"
        " sum(t.body ->> '$.net') AS cents FROM objects t LEFT JOIN objects o ON o.id = t.parent"
        " WHERE t.kind = 'balance_transaction' GROUP BY 1, 2",
        FLOAT,
    )
    written = {(row["account"] or PLATFORM, row["source"]): row["cents"] for row in rows}
    for key in sorted(derived.keys() | written.keys()):
        ours, theirs = derived.get(key, 0), written.get(key, 0)
        if ours != theirs:
            yield {"party": key[0], "source": key[1], "derived": ours, "transactions": theirs}
