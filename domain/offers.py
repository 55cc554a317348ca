"""Which slots a visitor sees: those of one service, or of all that last as long. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain.availability import Busy, Rules, slots
from domain.bookings import Modality
from domain.settings import Policy
from domain.times import Span


class Offered(Protocol):
    """What is read of a service."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...

    @property
    def durations_minutes(self) -> Sequence[int]:
        """How long its lessons may last."""
        ...

    @property
    def modalities(self) -> Sequence[Modality]:
        """Where its lessons may be."""
        ...


def default_duration(services: Sequence[Offered], service_id: UUID | None) -> int | None:
    """The shortest lesson of a service, or of all; `None` when nothing is offered."""
    wanted = [each for each in services if service_id in {None, each.id}]
    return min((min(each.durations_minutes) for each in wanted), default=None)


def offered_slots(
    rules: Rules,
    busy: Sequence[Busy],
    services: Sequence[Offered],
    *,
    service_id: UUID | None,
    duration_minutes: int,
    window: Span,
    now: datetime,
    policy: Policy,
) -> list[Span]:
    """Every span that somebody could book now; none for a lesson that nobody offers.

    A span is listed when one of its modalities allows it: the notice floor depends on where.
    """
    fitting = [
        each
        for each in services
        if service_id in {None, each.id} and duration_minutes in each.durations_minutes
    ]
    if not fitting:
        return []
    return slots(
        rules,
        busy,
        duration_minutes=duration_minutes,
        window=window,
        notice_floor=lowest_floor(fitting, policy),
        shortest_minutes=min(min(each.durations_minutes) for each in services),
        now=now,
    )


def lowest_floor(services: Sequence[Offered], policy: Policy) -> timedelta:
    """The shortest notice that any of these services needs."""
    is_online = any("online" in each.modalities for each in services)
    return policy.notice_floor_online if is_online else policy.notice_floor_in_person
