"""Whose money an object of Stripe's is."""

from uuid import UUID

from storage.query import Tx, query


@query
async def booking_of_movement(tx: Tx, *, object_id: str) -> UUID | None: ...
