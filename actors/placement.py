"""Which calendars live in this process: by partition, a hash of the instructor's id.

Today the one `web` process hosts all partitions and everybody else none. The routing is the
subscription: whoever hosts a partition listens on its subject, so leases can move partitions
between processes later without an asker noticing; `calendars.version` is what keeps two hosts of
one calendar from harming it.
"""

from collections.abc import Iterable
from uuid import UUID

from domain.ids import PARTITIONS, partition_of

QUEUE = "calendars"
"""Hosts of one partition share its requests, so that each is worked once."""


class Placement:
    """The partitions this process hosts."""

    def __init__(self, partitions: Iterable[int]) -> None:
        """Made by `everything_here` and `nothing_here`."""
        self.partitions = frozenset(partitions)

    def is_here(self, instructor_id: UUID) -> bool:
        """Whether this process hosts an instructor's calendar."""
        return partition_of(instructor_id) in self.partitions


def everything_here() -> Placement:
    """For the process that hosts all calendars."""
    return Placement(range(PARTITIONS))


def nothing_here() -> Placement:
    """For processes that only ask."""
    return Placement(())


def subject_of(partition: int) -> str:
    """Where the calendars of a partition are asked."""
    return f"calendar.{partition}"
