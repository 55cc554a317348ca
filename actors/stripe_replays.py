"""Puts stored webhook events back to be worked once more, with who wanted it in the audit trail."""

from collections.abc import Sequence
from datetime import datetime

from domain.ids import new_id
from domain.people import Viewer
from storage.audit import record_action
from storage.query import Tx
from storage.stripe_events import replay_events
from storage.timings import notify_clock


async def put_back(tx: Tx, event_ids: Sequence[str], *, viewer: Viewer, now: datetime) -> list[str]:
    """The ids of those there are; each is worked as if it had just come."""
    replayed = await replay_events(tx, event_ids=event_ids, now=now)
    for event_id in replayed:
        await record_action(
            tx,
            action_id=new_id(now),
            actor_id=viewer.user_id,
            action="webhook.replay",
            subject=event_id,
            request_id=viewer.request_id,
            details={},
            now=now,
        )
    await notify_clock(tx)
    return replayed
