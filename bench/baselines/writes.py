"""What one confirmed booking writes: the same six statements for every baseline."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.ids import new_id
from domain.pricing import price_of, split

BOOKING = """
INSERT INTO bookings (
    id, instructor_id, student_id, learner_id, service_id, start_at, end_at, time_zone,
    start_local, tzdb_version, buffer_before_minutes, buffer_after_minutes, modality, status,
    created_at, confirmed_at, price_cents, fee_bps, platform_fee_cents, instructor_amount_cents,
    card_amount_cents, destination_cents, application_fee_cents, policy_version
) VALUES (
    {id}, {instructor_id}, {student_id}, {student_id}, {service_id}, {start_at}, {end_at}, 'UTC',
    {start_local}, '2026f', 0, 0, 'online', 'confirmed',
    {now}, {now}, {price}, 1500, {fee}, {share},
    {price}, {share}, {fee}, 1
)
"""
PAYMENT = """
INSERT INTO payments (booking_id, status, payment_method_id, created_at, updated_at)
VALUES ({id}, 'scheduled', {card}, {now}, {now})
"""
TIMING = """
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
VALUES ({timing_id}, 'authorize', {id}, {id}, {due_at}, {now})
"""
EVENT = """
INSERT INTO booking_events (
    id, booking_id, instructor_id, calendar_version, event, became, actor_kind, actor_id, cause, at
) VALUES (
    {event_id}, {id}, {instructor_id}, {version}, 'booking.confirmed', 'confirmed', 'student',
    {student_id}, 'book', {now}
)
"""
OUTBOX = """
INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at)
VALUES (
    {outbox_id}, 'booking.confirmed', {id}, {user_ids}, {payload}, {now}
)
"""
VERSION = "UPDATE calendars SET version = version + 1 WHERE instructor_id = {instructor_id}"


def facts(
    body: dict[str, Any], *, student_id: UUID, rate_cents: int, now: datetime
) -> dict[str, Any]:
    """Every value the statements need, from a request body like ours."""
    start_at = datetime.fromisoformat(body["start_at"])
    parts = split(price_of(rate_cents, body["duration_minutes"]), credit_cents=0, fee_bps=1500)
    booking_id, instructor_id = new_id(now), UUID(body["instructor_id"])
    return {
        "id": booking_id,
        "timing_id": new_id(now),
        "event_id": new_id(now),
        "outbox_id": new_id(now),
        "instructor_id": instructor_id,
        "student_id": student_id,
        "service_id": UUID(body["service_id"]),
        "start_at": start_at,
        "end_at": start_at + timedelta(minutes=body["duration_minutes"]),
        "start_local": body["start_at"],
        "due_at": start_at - timedelta(hours=24),
        "now": now,
        "price": parts.price_cents,
        "fee": parts.platform_fee_cents,
        "share": parts.instructor_amount_cents,
        "user_ids": [student_id, instructor_id],
        "payload": json.dumps({"booking_id": str(booking_id)}),
    }


def numbered(statement: str) -> tuple[str, list[str]]:
    """The statement with `$n` parameters and the names in their order, for asyncpg."""
    names: list[str] = []
    text = statement
    while "{" in text:
        name = text[text.index("{") + 1 : text.index("}")]
        names.append(name)
        text = text.replace("{" + name + "}", f"${len(names)}")
    return text, names


def named(statement: str) -> str:
    """The statement with `:name` parameters, for SQLAlchemy."""
    return statement.replace("{", ":").replace("}", "")
