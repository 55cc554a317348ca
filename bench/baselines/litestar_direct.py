"""Baseline: the booking endpoint in Litestar and asyncpg, one transaction a booking, a row lock."""

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
    for text in (writes.BOOKING, writes.PAYMENT, writes.TIMING, writes.EVENT, writes.OUTBOX)
]
READ = """
SELECT s.hourly_rate_cents, (
    SELECT id FROM payment_methods WHERE user_id = $2 AND detached_at IS NULL LIMIT 1
) FROM services s WHERE s.id = $1
"""
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
    async with pool.acquire() as tx, tx.transaction():
        rate, card = await tx.fetchrow(READ, UUID(data["service_id"]), student_id)
        facts = writes.facts(
            data, student_id=student_id, rate_cents=rate, now=datetime.now(UTC)
        ) | {"card": card}
        facts["version"] = await tx.fetchval(
            "SELECT version FROM calendars WHERE instructor_id = $1 FOR UPDATE",
            facts["instructor_id"],
        )
        taken = await tx.fetchval(
            OVERLAP, facts["instructor_id"], facts["start_at"], facts["end_at"]
        )
        if taken:
            raise HTTPException(status_code=409, detail="slot-taken")
        for text, names in STATEMENTS:
            await tx.execute(text, *(facts[name] for name in names))
        text, names = writes.numbered(writes.VERSION)
        await tx.execute(text, *(facts[name] for name in names))
    return {"booking": {"id": str(facts["id"]), "status": "confirmed"}}


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Opens the pool."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=20, max_size=20) as pool:
        app.state.pool = pool
        yield


app = Litestar([book], lifespan=[lifespan], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
