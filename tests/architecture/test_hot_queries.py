"""Queries stay fast when the marketplace is old: EXPLAIN on 50 000 bookings."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import msgspec

from storage.query import LIBRARY, Query
from tests.architecture.sources import ROOT
from tests.architecture.test_sql import every_query

ROWS = (ROOT / "tests/architecture/many_rows.sql").read_text(encoding="utf-8")

GROWING = frozenset(
    {
        "users", "sessions", "session_tokens", "learners", "instructors", "services", "calendars",
        "availability_rules", "bookings", "booking_events", "timings", "outbox", "payments",
        "authorizations", "payment_methods", "stripe_operations", "stripe_events", "credit_lots",
        "credit_uses",
        "ledger_entries", "ledger_lines", "idempotency_keys", "rate_limits",
        "balance_transactions", "reconciliation_runs", "reconciliation_incidents", "admin_actions",
    }
)  # fmt: skip
"""Tables that grow with the marketplace: reading one from end to end gets slower every day."""

HOT: dict[str, set[str]] = {
    "accounts.credentials_by_email": {"users_email_is_unique"},
    "sessions.live_session_by_cookie": {"session_tokens_pkey", "sessions_pkey"},
    "sessions.sessions_ended_since": {"sessions_ended_lately"},
    "idempotency.key_by_request": {"idempotency_keys_pkey"},
    "calendars.calendar_by_instructor": {"calendars_pkey", "bookings_no_overlap"},
    "bookings.judge_holds": {
        "bookings_learner_no_overlap",
        "bookings_held_by_student",
        "credit_lots_by_user",
    },
    "bookings.bookings_of_student": {"bookings_by_student"},
    "bookings.bookings_of_instructor": {"bookings_by_instructor"},
    "bookings.booking_events_by_booking": {"booking_events_by_booking"},
    "timings.claim_due_timings": {"timings_by_due"},
    "timings.next_due_at": {"timings_by_due"},
    "timings.rescue_timings": {"timings_running"},
    "outbox.waiting_events": {"outbox_waiting"},
    "operations.open_operation": {"stripe_operations_one_open"},
    "operations.operations_to_rescue": {"stripe_operations_open"},
    "stripe_events.waiting_events": {"stripe_events_waiting"},
    "payments.booking_of_intent": {"payments_payment_intent_is_unique"},
    "payment_methods.latest_methods_of_users": {"payment_methods_by_user"},
    "credits.lots_of_user": {"credit_lots_by_user"},
    "credits.lots_to_spend": {"credit_lots_by_user"},
    "credits.uses_to_end": {"credit_uses_pkey"},
    "payments.bookings_to_authorize": {"bookings_confirmed_by_start"},
    "payments.bookings_to_retry": {"payments_moving"},
    "payments.bookings_to_capture": {"payments_moving", "bookings_ended_by_time"},
    "ledger.entries_of_booking": {"ledger_entries_by_booking"},
    "ledger.entries_of_user": {"ledger_entries_by_user"},
    "ledger.entries_of_time": {"ledger_entries_by_time"},
}
"""Queries on the path of every request or every tick: the indexes they must use."""

FULL: dict[str, str] = {
    "audit.audit_rows": "an admin's list whose filters may all be absent",
    "stripe_events.events_received": "an admin's list whose filters may all be absent",
    "payments.newest_payments": "an admin's list whose filters may all be absent",
    "reconciliation.incidents": "an admin's list whose filters may all be absent",
    "reconciliation.last_begin": "the newest runs back to the last daily one: some two dozen",
    "reconciliation.accounts_to_look_at": "once an hour: every account, by when it was asked",
    "reconciliation.legs_missing": "once a day both books are compared whole; else what is new",
    "reconciliation.legs_unknown": "once a day both books are compared whole; else what is new",
    "reconciliation.legs_differing": "once a day both books are compared whole; else what is new",
    "reconciliation.account_sums": "once a day both books are compared whole; else what is new",
    "reconciliation.own_money_differing": "once an hour: every account is compared",
    "reconciliation.transits_open": "once a day every booking's transit; else what is new",
    "reconciliation.credits_differing": "once an hour: everybody's credit",
    "reconciliation.revenues_differing": "once a day every booking's fee; else what is new",
    "reconciliation.ledger_unbalanced": "once a day every line; else what is new",
    "reconciliation.top_ups_differing": "once a day all that was owed; else what is new",
    "reconciliation.expired_differing": "once a day every lot that ended; else what is new",
    "reconciliation.sums_to_prove": "once a day every line; else what is new",
    "statements.finance_lines": "a file of the whole journal",
    "statements.student_lines": "reads one person's journals and the lines of those",
    "statements.instructor_lines": "reads one account's lines and the journals of those",
    "ledger.ledger_totals": "the balance of everything means every line; an admin asks",
    "limits.forget_old_limits": "a sweep now and then; the table holds live limits alone",
    "search.bookable_services": "ranks every service by the words of the query",
}
"""Queries that may read a growing table from end to end, each with its reason."""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return every node of a plan, subplans included."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def read_in_full(plan: dict[str, Any], partial: set[str]) -> set[str]:
    """Return the growing tables a plan reads from end to end; `partial` indexes hold few rows."""
    scans = {"Seq Scan", "Parallel Seq Scan", "Sample Scan"}
    whole = {each["Relation Name"] for each in nodes(plan) if each["Node Type"] in scans}
    unbounded = {
        each["Relation Name"]
        for each in nodes(plan)
        if each["Node Type"] in {"Index Scan", "Index Only Scan"}
        and each["Index Name"] not in partial
        and is_unbounded(each)
    }
    return (whole | unbounded) & GROWING


def is_unbounded(scan: dict[str, Any]) -> bool:
    """Whether an index scan reads all of its index and filters: a sequential scan in disguise."""
    return "Index Cond" not in scan and "Filter" in scan and scan["Plan Rows"] > 1_000


def indexes_of(plan: dict[str, Any]) -> set[str]:
    """Return the indexes that a plan uses."""
    return {each["Index Name"] for each in nodes(plan) if "Index Name" in each}


async def plan_of(connection: asyncpg.Connection, query: Query) -> dict[str, Any]:
    """Return the plan that Postgres keeps for a query, whatever its arguments are."""
    rows = await connection.fetch("SELECT pg_temp.plan_of($1)", query.statement.text)
    return msgspec.json.decode(rows[0][0])[0]["Plan"]


PARTIAL = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
PLAN_OF = """
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF json LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || query;
END $$;
"""
"""EXECUTE sends no parameters along, so GENERIC_PLAN may leave `$1` open."""


async def test_no_query_reads_a_growing_table_from_end_to_end(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    try:
        await connection.execute(ROWS)
        await connection.execute(PLAN_OF)
        plans = {name: await plan_of(connection, each) for name, each in every_query().items()}
        blind = await plan_of(connection, unindexed())
        partial = {row[0] for row in await connection.fetch(PARTIAL)}
    finally:
        await connection.close()
    assert read_in_full(blind, partial) == {"bookings"}, "a sequential scan is not noticed"
    full = {name: found for name, plan in plans.items() if (found := read_in_full(plan, partial))}
    assert {name: found for name, found in full.items() if name not in FULL} == {}
    assert not set(FULL) - set(plans), "a reason for a query that is gone"
    lost = {name: wanted - indexes_of(plans[name]) for name, wanted in HOT.items()}
    assert {name: missing for name, missing in lost.items() if missing} == {}


def unindexed() -> Query:
    """Return a query that no index can serve."""
    query = next(iter(LIBRARY.queries.values()))
    text = "SELECT id FROM bookings WHERE price_cents > $1"
    statement = msgspec.structs.replace(query.statement, text=text)
    return msgspec.structs.replace(query, statement=statement)
