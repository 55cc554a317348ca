"""The request log: one line for every request, cut connections included, and how to search it."""

from typing import Any, Final

import msgspec

from sandbox.stripe.clock import EmulatorClock, parse_instant, rfc3339
from sandbox.stripe.errors import invalid
from sandbox.stripe.protocol import Call
from sandbox.stripe.store import Store

Doc = dict[str, Any]

MASKED: Final = ("number", "cvc")
KEPT: Final = 50_000
TRIM_EVERY: Final = 1_000
SHOWN: Final = 1_000
COLUMNS: Final = (
    "seq, at, wall_at, request_id, method, path, account, key, params, status, decision,"
    " error_code, took_us, faults, result"
)
FILTERS: Final = {
    "after": "seq > ?",
    "before": "seq < ?",
    "path": "instr(path, ?) > 0",
    "method": "method = ?",
    "account": "account = ?",
    "key": "key = ?",
    "status": "coalesce(status, 'cut') GLOB ?",
    "decision": "instr(decision, ?) > 0",
    "code": "error_code = ?",
    "request": "request_id = ?",
    "object": "instr(path || coalesce(result, ''), ?) > 0",
    "fault": "instr(coalesce(faults, ''), ?) > 0",
    "since": "at >= ?",
    "until": "at < ?",
}
"""Parameters of `GET /_emulator/log`; `status` takes `402`, `4*` or `cut`."""


class Log:
    """Written by the pipeline, read by control requests and pages."""

    def __init__(self, store: Store, clock: EmulatorClock) -> None:
        self.store = store
        self.clock = clock
        self.written = 0

    def write(self, call: Call, status: int | None) -> None:
        """One line for every request; status None: the connection was cut."""
        self.store.execute(
            "INSERT INTO log (at, wall_at, request_id, method, path, account, key, params, status,"
            " decision, error_code, took_us, faults, result)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.clock.now_us(),
            self.clock.wall_us(),
            call.request_id,
            call.request.method,
            call.request.path,
            call.account,
            call.key,
            msgspec.json.encode(masked(call.params)).decode(),
            status,
            call.decision,
            call.error_code,
            round((self.clock.monotonic() - call.started) * 1_000_000),
            ", ".join(fault.rule.action for fault in call.firing) or None,
            call.result,
        )
        self.written += 1
        if self.written % TRIM_EVERY == 0:
            self.store.execute("DELETE FROM log WHERE seq <= (SELECT max(seq) FROM log) - ?", KEPT)

    def note(self, method: str, path: str, decision: str) -> None:
        """A line about what the emulator did by itself."""
        self.store.execute(
            "INSERT INTO log (at, wall_at, request_id, method, path, account, key, params, status,"
            " decision, error_code, took_us) VALUES (?, ?, '', ?, ?, '', NULL, '{}', NULL, ?,"
            " NULL, 0)",
            self.clock.now_us(),
            self.clock.wall_us(),
            method,
            path,
            decision,
        )

    def search(self, form: Doc) -> Doc:
        """The latest matching lines, newest first (`order=asc`: oldest first), and their number."""
        if unknown := set(form) - set(FILTERS) - {"limit", "order"}:
            raise invalid(f"Unknown: {', '.join(sorted(unknown))}")
        asked = [(name, value) for name, value in form.items() if name in FILTERS and value != ""]
        where = " AND ".join(FILTERS[name] for name, _ in asked) or "1"
        values = [_bound(name, value) for name, value in asked]
        order = "ASC" if form.get("order") == "asc" else "DESC"
        limit = min(_number("limit", form.get("limit") or SHOWN), KEPT)
        rows = self.store.rows(
            f"SELECT {COLUMNS} FROM log WHERE {where} ORDER BY seq {order} LIMIT ?",  # noqa: S608 -- texts of this module
            *values,
            limit,
        )
        count = self.store.scalar(f"SELECT count(*) FROM log WHERE {where}", *values)  # noqa: S608 -- as above
        return {"data": [_line(dict(row)) for row in rows], "count": count}


def _bound(name: str, value: object) -> object:
    """A filter's value as SQLite compares it."""
    if name in ("after", "before"):
        return _number(name, value)
    return parse_instant(value) if name in ("since", "until") else str(value)


def _number(name: str, value: object) -> int:
    """A whole number, or 400."""
    if not str(value).isdigit():
        raise invalid(f"Invalid integer: {value}", param=name)
    return int(str(value))


def _line(row: Doc) -> Doc:
    """A line as control answers show it."""
    return {
        **row,
        "at": rfc3339(row["at"]),
        "wall_at": rfc3339(row["wall_at"]),
        "params": msgspec.json.decode(row["params"]),
    }


def masked(params: Doc) -> Doc:
    """Parameters without card data."""
    return {name: _masked(name, value) for name, value in params.items()}


def _masked(name: str, value: object) -> object:
    """One parameter without card data."""
    if isinstance(value, dict):
        return masked(value)
    if name not in MASKED:
        return value
    return "•••• " + str(value)[-4:] if name == "number" else "•••"
