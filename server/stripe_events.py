"""The webhook inbox, for admins: what came, what was set aside and why, and once more."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from domain.times import Instant
from server.availability_window import instant_in
from server.bodies import Body
from server.filters import FromAt, Text, ToAt
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.stripe_events import EventState, ReceivedEvent, events_received

EventIds = Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]


class AfterEvent(msgspec.Struct, frozen=True):
    """Where a list of events goes on."""

    at: Instant
    id: str


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Webhook events, newest first."""

    items: list[ReceivedEvent]
    next_cursor: str | None


class ReplayEvents(Body, frozen=True, kw_only=True):
    """Which events are worked once more."""

    event_ids: EventIds


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The events that are being worked again; unknown ones are left out."""

    event_ids: list[str]


class StripeEvents(Controller):
    """What Stripe told us."""

    path = "/api/admin/webhooks"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_stripe_events(
        self,
        request: Request,
        in_state: Annotated[EventState | None, QueryParameter(name="state")] = None,
        event_type: Annotated[str | None, QueryParameter(name="type", max_length=200)] = None,
        account: Text = None,
        object_id: Text = None,
        event_id: Text = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> EventPage:
        """Events by state, type (or its beginning), account, object and time."""
        after = key_in(cursor, AfterEvent)
        found = await events_received(
            request.parts.reads,
            state=in_state,
            type=event_type,
            account=account,
            object_id=object_id,
            event_id=event_id,
            from_at=instant_in(from_at, "from"),
            to_at=instant_in(to_at, "to"),
            before_at=after.at if after else None,
            before_id=after.id if after else None,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        cursor = _cursor(last.received_at, last.id) if last else None
        return EventPage(items=items, next_cursor=cursor)

    @post("/replay", status_code=200)
    async def replay_stripe_events(
        self, request: Request, data: JSONBody[ReplayEvents]
    ) -> Replayed:
        """Works events once more, quarantined ones too: their objects are fetched anew."""
        events = request.parts.stripe_events
        return Replayed(event_ids=await events.replay(data.event_ids, request.viewer))

    @post("/{event_id:str}/replay", status_code=200)
    async def replay_stripe_event(self, request: Request, event_id: FromPath[str]) -> Replayed:
        """Works one event once more."""
        events = request.parts.stripe_events
        return Replayed(event_ids=await events.replay([event_id], request.viewer))


def _cursor(at: datetime, event_id: str) -> str:
    return cursor_of(AfterEvent(at, event_id))
