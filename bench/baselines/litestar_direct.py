"""Baseline: the booking endpoint in Litestar and asyncpg, one transaction a booking.

`GUARD=lock` takes a row lock and looks for an overlap; `GUARD=insert` leaves it to the constraint.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from litestar import Litestar, Request, post
from litestar.exceptions import HTTPException

from bench.baselines import writes

STATEMENTS = [
    writes.numbered(text)
    for text in (
        writes.BOOKING,
        writes.PAYMENT,
        writes.TIMING,
        writes.EVENT,
        writes.OUTBOX,
        writes.VERSION,
    )
]
READ = """
SELECT s.hourly_rate_cents, (
    SELECT id FROM payment_methods WHERE user_id = $2 AND detached_at IS NULL LIMIT 1
) FROM services s WHERE s.id = $1
"""
LOCK = "SELECT version FROM calendars WHERE instructor_id = $1 FOR UPDATE"
OVERLAP = """
SELECT 1 FROM bookings WHERE instructor_id = $1 AND status IN ('pending', 'confirmed')
AND tstzrange(start_at, end_at) && tstzrange($2, $3) LIMIT 1
"""


def _viewer(request: Request[Any, Any, Any]) -> UUID:
    token = request.headers["authorization"][7:]
    claims = jwt.decode(
        token, os.environ["TOKEN_SECRET"], algorithms=["HS256"], options={"verify_aud": False}
    )
    return UUID(claims["sub"])


@post("/api/bookings")
async def book(request: Request[Any, Any, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Books in one transaction; 409 when the time is taken."""
    student_id, pool = _viewer(request), request.app.state.pool
    try:
        async with pool.acquire() as tx, tx.transaction():
            booking_id = await _write(tx, data, student_id)
    except asyncpg.ExclusionViolationError as error:
        raise HTTPException(status_code=409, detail="slot-taken") from error
    return {"booking": {"id": str(booking_id), "status": "confirmed"}}


async def _write(tx: asyncpg.Connection, data: dict[str, Any], student_id: UUID) -> UUID:
    rate, card = await tx.fetchrow(READ, UUID(data["service_id"]), student_id)
    facts = writes.facts(data, student_id=student_id, rate_cents=rate, now=datetime.now(UTC))
    facts |= {"card": card, "version": None}
    if os.environ.get("GUARD") != "insert":
        facts["version"] = await tx.fetchval(LOCK, facts["instructor_id"])
        span = (facts["start_at"], facts["end_at"])
        if await tx.fetchval(OVERLAP, facts["instructor_id"], *span):
            raise HTTPException(status_code=409, detail="slot-taken")
    for text, names in STATEMENTS:
        await tx.execute(text, *(facts[name] for name in names))
    return facts["id"]


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Opens the pool."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=20, max_size=20) as pool:
        app.state.pool = pool
        yield


app = Litestar([book], lifespan=[lifespan], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
