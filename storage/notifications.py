"""What mails are written from."""

from collections.abc import Sequence
from uuid import UUID

from domain.events import OutboxEvent
from domain.occasions import Lesson, Reader
from storage.query import Tx, query


@query
async def event_to_deliver(tx: Tx, *, event_id: UUID) -> OutboxEvent | None: ...


@query
async def readers(tx: Tx, *, user_ids: Sequence[UUID]) -> list[Reader]: ...


@query
async def lesson_of_booking(tx: Tx, *, booking_id: UUID) -> Lesson | None: ...
