"""Baseline: the booking endpoint the usual way: FastAPI, SQLAlchemy, a thread pool, a row lock."""

import os
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from bench.baselines import writes

engine = create_engine(
    os.environ.get("DATABASE_URL", "").replace("postgresql://", "postgresql+psycopg://"),
    pool_size=20,
    max_overflow=20,
)
make_session = sessionmaker(engine)
STATEMENTS = [
    text(writes.named(one))
    for one in (writes.BOOKING, writes.PAYMENT, writes.TIMING, writes.EVENT, writes.OUTBOX)
]
RATE = text("SELECT hourly_rate_cents FROM services WHERE id = :id")
CARD = text("SELECT id FROM payment_methods WHERE user_id = :id AND detached_at IS NULL LIMIT 1")
LOCK = text("SELECT version FROM calendars WHERE instructor_id = :id FOR UPDATE")
OVERLAP = text(
    "SELECT 1 FROM bookings WHERE instructor_id = :id AND status IN ('pending', 'confirmed') "
    "AND tstzrange(start_at, end_at) && tstzrange(:start_at, :end_at) LIMIT 1"
)
VERSION = text(writes.named(writes.VERSION))


class Wanted(BaseModel):
    """The request body."""

    instructor_id: str
    service_id: str
    start_at: str
    duration_minutes: int
    modality: str


def viewer(authorization: Annotated[str, Header()]) -> UUID:
    """Who asks, from the bearer token."""
    claims = jwt.decode(
        authorization[7:],
        os.environ["TOKEN_SECRET"],
        algorithms=["HS256"],
        options={"verify_aud": False},
    )
    return UUID(claims["sub"])


app = FastAPI()


@app.post("/api/bookings", status_code=201)
def book(wanted: Wanted, student_id: Annotated[UUID, Depends(viewer)]) -> dict[str, Any]:
    """Books in one transaction under a row lock; 409 when the time is taken."""
    with make_session() as session, session.begin():
        return _book(session, wanted, student_id)


def _book(session: Session, wanted: Wanted, student_id: UUID) -> dict[str, Any]:
    rate = session.execute(RATE, {"id": wanted.service_id}).scalar_one()
    card = session.execute(CARD, {"id": student_id}).scalar()
    facts = writes.facts(
        wanted.model_dump(), student_id=student_id, rate_cents=rate, now=datetime.now(UTC)
    )
    facts |= {"card": card}
    facts["version"] = session.execute(LOCK, {"id": facts["instructor_id"]}).scalar_one()
    span = {key: facts[key] for key in ("start_at", "end_at")}
    if session.execute(OVERLAP, {"id": facts["instructor_id"], **span}).scalar():
        raise HTTPException(409, "slot-taken")
    for statement in STATEMENTS:
        session.execute(statement, facts)
    session.execute(VERSION, facts)
    return {"booking": {"id": str(facts["id"]), "status": "confirmed"}}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
