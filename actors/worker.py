"""`python -m actors.worker`: one worker process; there may be several.

Its tasks are thin: each gets the id of a row and looks at it.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from actors.broker import kick, work
from actors.wiring import Process, serve
from gateways.mail import MailAway

log = structlog.get_logger()


async def run(process: Process, stopped: asyncio.Event) -> None:
    """Works what the clock sends."""
    money = process.money

    async def fire_timing(subject: str) -> None:
        await money.timings.fire(UUID(subject))

    async def deliver_event(subject: str) -> None:
        try:
            await money.notifications.deliver(UUID(subject))
        except MailAway as error:
            # the clock sends it again in a minute; meanwhile the places are for others
            log.warning("mail.waits", event_id=subject, reason=error.detail)

    async def rescue_operations(_: str) -> None:
        await money.payments.rescue()

    revisits: dict[str, Callable[[], Awaitable[object]]] = {
        "accounts": money.people.revisit,
        "untold_disputes": money.disputes.search,
        "disputes": money.disputes.revisit,
        "payouts": money.payouts.revisit,
    }

    async def reconcile(_: str) -> None:
        run = await money.reconciliation.run_when_due()
        if run is None:
            return
        for part in revisits:
            # tasks of their own: none may last as long as the queue waits for its end
            await kick(process.queue, "revisit", part, once=f"revisit:{part}:{run.id}")

    async def revisit(part: str) -> None:
        await revisits[part]()

    tasks = {
        "fire_timing": fire_timing,
        "work_stripe_event": money.stripe_events.work,
        "deliver_event": deliver_event,
        "sweep": money.timings.sweep,
        "rescue_operations": rescue_operations,
        "reconcile": reconcile,
        "revisit": revisit,
    }
    await work(process.queue, tasks, stopped)


def main() -> int:
    """Works until told to stop; exit code 1 with one sentence when it cannot begin."""
    return serve(run, name="worker")


if __name__ == "__main__":
    sys.exit(main())
