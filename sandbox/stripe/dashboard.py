"""Pages to look at what happened: the platform's, and a connected account's own."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from sandbox.stripe.balances import available_cents, pending_cents
from sandbox.stripe.clock import EmulatorClock, instant
from sandbox.stripe.context import Ctx
from sandbox.stripe.due import due_view
from sandbox.stripe.invariants import invariants
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

PAGE: Final = Path(__file__).with_name("assets") / "dashboard.html"
ROWS: Final = 40


def money(cents: int | None) -> str:
    """Dollars a person reads."""
    if cents is None:
        return ""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def when(micros: int) -> str:
    """A virtual instant a person reads."""
    return instant(micros).strftime("%a %d %b %Y %H:%M:%S")


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A section with a table; says so when there is nothing."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    content = (
        f"<div class=scroll><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
        if rows
        else "<p class=empty>Nothing yet.</p>"
    )
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _render(title: str, facts: Sequence[tuple[str, str]], sections: Sequence[str]) -> str:
    """The page around facts and tables."""
    tiles = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return Template(PAGE.read_text()).substitute(
        title=escape(title), facts=tiles, sections="".join(sections)
    )


def home_page(store: Store, clock: EmulatorClock) -> str:
    """Balance, self-check, requests, intents, events, accounts."""
    due = due_view(store, clock)
    check = invariants(store, Config())
    balance = store.row("SELECT available, pending FROM balances WHERE account = ''")
    facts = [
        ("Now", when(clock.now_us())),
        ("Available", money(balance["available"] if balance else 0)),
        ("Pending", money(balance["pending"] if balance else 0)),
        ("Books", "balanced" if check["ok"] else "NOT BALANCED"),
        ("Deliveries due", f"{due['deliveries_due']} of {due['pending_deliveries']} waiting"),
    ]
    return _render(
        "Stripe emulator",
        facts,
        [_requests(store), _intents(store), _events(store), _accounts(store)],
    )


def _requests(store: Store) -> str:
    rows = store.rows(
        "SELECT at, method, path, status, decision, error_code, key FROM log"
        " ORDER BY seq DESC LIMIT ?",
        ROWS,
    )
    return table(
        "Requests",
        ("When", "Request", "Status", "Decision", "Code", "Key"),
        [
            (
                when(row["at"]),
                f"{row['method']} {row['path']}",
                str(row["status"] or "cut"),
                row["decision"],
                row["error_code"] or "",
                row["key"] or "",
            )
            for row in rows
        ],
    )


def _intents(store: Store) -> str:
    rows = store.rows(
        "SELECT created, id, body ->> '$.amount' AS amount, body ->> '$.status' AS status,"
        " body ->> '$.transfer_data.destination' AS destination FROM objects"
        " WHERE kind = 'payment_intent' ORDER BY seq DESC LIMIT ?",
        ROWS,
    )
    return table(
        "Payment intents",
        ("Created", "Id", "Amount", "Status", "Destination"),
        [
            (
                when(row["created"] * 1_000_000),
                row["id"],
                money(row["amount"]),
                row["status"],
                row["destination"] or "",
            )
            for row in rows
        ],
    )


def _events(store: Store) -> str:
    rows = store.rows(
        "SELECT o.created, o.id, o.account, o.body ->> '$.type' AS type,"
        " (SELECT group_concat(state || ' (' || attempts || ')', ', ') FROM deliveries"
        " WHERE event_id = o.id) AS deliveries"
        " FROM objects o WHERE o.kind = 'event' ORDER BY o.seq DESC LIMIT ?",
        ROWS,
    )
    return table(
        "Events",
        ("Created", "Type", "Id", "Account", "Deliveries"),
        [
            (
                when(row["created"] * 1_000_000),
                row["type"],
                row["id"],
                row["account"],
                row["deliveries"] or "nobody listens",
            )
            for row in rows
        ],
    )


def _accounts(store: Store) -> str:
    rows = store.rows(
        "SELECT o.id, o.body ->> '$.email' AS email,"
        " o.body ->> '$.capabilities.transfers' AS transfers,"
        " coalesce(b.available, 0) AS available, coalesce(b.pending, 0) AS pending"
        " FROM objects o LEFT JOIN balances b ON b.account = o.id"
        " WHERE o.kind = 'account' ORDER BY o.seq DESC LIMIT ?",
        ROWS,
    )
    return table(
        "Connected accounts",
        ("Id", "E-mail", "Transfers", "Available", "Pending"),
        [
            (
                row["id"],
                row["email"] or "",
                row["transfers"] or "",
                money(row["available"]),
                money(row["pending"]),
            )
            for row in rows
        ],
    )


def express_page(store: Store, ctx: Ctx, account_id: str) -> str | None:
    """Balance and movements of one connected account; None when there is no such account."""
    account = store.find("account", account_id)
    if account is None:
        return None
    rows = store.rows(
        "SELECT created, body ->> '$.type' AS type, body ->> '$.amount' AS amount,"
        " body ->> '$.fee' AS fee, body ->> '$.net' AS net FROM objects"
        " WHERE kind = 'balance_transaction' AND account = ? ORDER BY seq DESC LIMIT ?",
        account_id,
        ROWS,
    )
    facts = [
        ("Account", account["email"] or account_id),
        ("Available", money(available_cents(ctx, account_id))),
        ("On its way", money(pending_cents(ctx, account_id))),
    ]
    movements = [
        (
            when(row["created"] * 1_000_000),
            row["type"],
            money(row["amount"]),
            money(row["fee"]),
            money(row["net"]),
        )
        for row in rows
    ]
    return _render(
        "Express dashboard",
        facts,
        [table("Movements", ("When", "Type", "Amount", "Fee", "Net"), movements)],
    )
