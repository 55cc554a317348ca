"""Idempotency keys of many requests are claimed and finished together, each for itself."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg

from actors.idempotency import KEPT, STALE, Answered, Claim, Keys, Scope
from domain.ids import UserId
from tests.actors.calendar_world import Market

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def claim(user_id: UserId, key: str = "one", body: bytes = b"a") -> Claim:
    scope = Scope(user_id=user_id, method="POST", path="/api/bookings", key=key)
    return Claim(scope=scope, request_hash=hashlib.sha256(body).digest(), booking_id=uuid.uuid4())


async def kept(database_url: str) -> list[tuple[str, uuid.UUID, int | None]]:
    """Every key with its booking and the status of its answer."""
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch(
        "SELECT key, booking_id, response_status FROM idempotency_keys ORDER BY key"
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_many_claim_at_once_and_each_gets_its_own(shop: Market, database_url: str) -> None:
    keys, student = Keys(shop.db, Watch()), await shop.student()
    wanted = [claim(student, f"key {number:03}") for number in range(300)]
    claimed = await asyncio.gather(*(keys.claim(each) for each in wanted))
    assert claimed == [each.booking_id for each in wanted]
    answers = [Answered(scope=each.scope, status=201, body=b"{}") for each in wanted]
    await asyncio.gather(*(keys.finish(each) for each in answers))
    assert await kept(database_url) == [(each.scope.key, each.booking_id, 201) for each in wanted]


async def test_of_twins_in_one_batch_one_is_first(shop: Market) -> None:
    keys, student = Keys(shop.db, Watch()), await shop.student()
    twins = [claim(student) for _ in range(4)]
    others = [claim(other) for other in await shop.students(3)]
    claimed = await asyncio.gather(*(keys.claim(each) for each in [*twins, *others]))
    assert claimed[:4] == [twins[0].booking_id, None, None, None]
    assert claimed[4:] == [each.booking_id for each in others]
    assert await keys.claim(claim(student)) is None


async def test_a_dead_claim_is_taken_over_with_its_booking(shop: Market) -> None:
    watch = Watch()
    keys, student = Keys(shop.db, watch), await shop.student()
    first = claim(student)
    assert await keys.claim(first) == first.booking_id
    watch.now += STALE
    assert await keys.claim(claim(student)) is None
    watch.now += timedelta(microseconds=1)
    assert await keys.claim(claim(student, body=b"another")) is None
    assert await keys.claim(claim(student)) == first.booking_id


async def test_a_key_is_free_again_when_its_time_is_over(shop: Market) -> None:
    watch = Watch()
    keys, student = Keys(shop.db, watch), await shop.student()
    first = claim(student)
    await keys.claim(first)
    await keys.finish(Answered(scope=first.scope, status=201, body=b"{}"))
    watch.now += KEPT - timedelta(microseconds=1)
    assert await keys.claim(claim(student)) is None
    watch.now += timedelta(microseconds=1)
    again = claim(student, body=b"another")
    assert await keys.claim(again) == again.booking_id
