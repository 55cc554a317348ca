"""Who of a batch gets a slot where it is not the calendar that decides: learners and limits.

The facts were read under the locks of the calendars and of all the students' learners, so they hold
until the transaction ends; earlier ones of the same batch count as well.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from actors.calendar_turns import Verdict
from domain.errors import HoldLimit, NotFound, StudentBusy
from domain.ids import BookingId, UserId
from domain.settings import Policy
from domain.times import Span
from storage.bookings import HoldFacts, LockedParty

HOUR = timedelta(hours=1)
RETRY_SECONDS = 60


class BehindAHold(StudentBusy):
    """The learner's other hold is over, but its calendar has not expired it yet."""

    code = StudentBusy.code

    def __init__(self, instructor_id: UserId, booking_id: BookingId) -> None:
        """Names the hold to expire before the command is tried again."""
        super().__init__()
        self.instructor_id = instructor_id
        self.booking_id = booking_id


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants a slot: a new booking, or an old one that takes its slot again."""

    booking_id: UUID
    instructor_id: UserId
    student_id: UUID
    learner_id: UUID
    span: Span
    is_hold: bool
    is_retake: bool
    is_move: bool = False
    spends_credit: bool = False


class Judge:
    """Judges the candidates of one batch, one after the other, in the order they arrived."""

    def __init__(self, locked: list[LockedParty], policy: Policy) -> None:
        """`locked` has all learners of the candidates' students."""
        self._learners: set[tuple[UUID, UUID]] = {
            (one.id, one.student_id) for one in locked if one.student_id is not None
        }
        self._policy = policy
        self._lessons: defaultdict[UUID, list[Span]] = defaultdict(list)
        self._held: defaultdict[tuple[UUID, UUID | None], int] = defaultdict(int)

    def verdict(self, one: Candidate, facts: HoldFacts) -> Verdict | None:
        """What speaks against a candidate; None when it gets its slot, which then counts."""
        verdict: Verdict | None
        if one.is_retake:
            verdict = "slot_lost" if self._is_busy(one, facts) else None
        else:
            verdict = self._verdict_on_new(one, facts)
        if verdict is None:
            self._lessons[one.learner_id].append(one.span)
            if one.is_hold:
                self._held[one.student_id, None] += 1
                self._held[one.student_id, one.instructor_id] += 1
        return verdict

    def _verdict_on_new(self, one: Candidate, facts: HoldFacts) -> Verdict | None:
        if facts.is_known and not one.is_move:
            return "known"
        if (one.learner_id, one.student_id) not in self._learners:
            return NotFound("you have no such learner")
        if self._is_busy(one, facts):
            behind = facts.is_rival_over and not self._is_busy_in_batch(one)
            if behind and facts.rival_id and facts.rival_instructor_id:
                return BehindAHold(facts.rival_instructor_id, facts.rival_id)
            return StudentBusy()
        return self._limit(one, facts) if one.is_hold else None

    def _is_busy(self, one: Candidate, facts: HoldFacts) -> bool:
        return facts.rival_id is not None or self._is_busy_in_batch(one)

    def _is_busy_in_batch(self, one: Candidate) -> bool:
        return any(one.span.overlaps(span) for span in self._lessons.get(one.learner_id, ()))

    def _limit(self, one: Candidate, facts: HoldFacts) -> HoldLimit | None:
        policy = self._policy
        new = self._held[one.student_id, None]
        here = facts.held_here + self._held[one.student_id, one.instructor_id]
        if here >= policy.holds_per_instructor:
            return HoldLimit("you hold another slot of this instructor", retry_after=RETRY_SECONDS)
        if facts.held_live + new >= policy.holds_per_student:
            return HoldLimit(retry_after=RETRY_SECONDS)
        if facts.held_this_hour + new >= policy.holds_per_hour:
            return HoldLimit("you held very many slots in this hour", retry_after=15 * 60)
        return None


def id_floor(instant: datetime) -> UUID:
    """The smallest UUIDv7 made at an instant: a bound for ids made since."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)
