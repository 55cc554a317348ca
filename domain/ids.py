"""Identifiers: UUIDv7, ordered by the instant they were made at."""

import secrets
from datetime import datetime
from typing import NewType
from uuid import UUID

UserId = NewType("UserId", UUID)
LearnerId = NewType("LearnerId", UUID)
ServiceId = NewType("ServiceId", UUID)
BookingId = NewType("BookingId", UUID)
TimingId = NewType("TimingId", UUID)
OperationId = NewType("OperationId", UUID)
LotId = NewType("LotId", UUID)
EntryId = NewType("EntryId", UUID)
CommandId = NewType("CommandId", UUID)

PARTITIONS = 64


def new_id(now: datetime) -> UUID:
    """A fresh UUIDv7; its first 48 bits are `now` in milliseconds (RFC 9562 §5.7)."""
    milliseconds = int(now.timestamp() * 1000)
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)


def least_id(at: datetime) -> UUID:
    """What no id made at `at` or later is below: for reading ids by their time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def partition_of(instructor_id: UUID) -> int:
    """The partition (0 … 63) of an instructor's calendar, from the random bits of the id."""
    return (instructor_id.int & ((1 << 62) - 1)) % PARTITIONS
