"""One transaction for the turns of many calendars: set-based, in one order of locks.

Lock calendars and learners, compare versions → lock bookings → write what gives time free →
judge who gets a slot → insert the winners with everything that follows → take slots again → audit
rows, events, timings → raise the versions that no winner raised. Losers leave before any write of
theirs.
"""

from collections.abc import Sequence
from datetime import datetime

from actors.calendar_credits import Spending
from actors.calendar_effects import Change, NewBooking, NewRules
from actors.calendar_holds import booking_of
from actors.calendar_judgement import HOUR, Candidate, Judge, id_floor
from actors.calendar_moves import agreed, candidate_of_move, write_moves
from actors.calendar_rows import (
    CHANGE_COLUMNS,
    FLAG_COLUMNS,
    HOLD_COLUMNS,
    JUDGE_COLUMNS,
    RECORD_COLUMNS,
    STRIKE_COLUMNS,
    Item,
    candidate_of_new,
    candidate_of_old,
    change_row,
    columns,
    flag_row,
    hold_row,
    items_of,
    judge_row,
    plain,
    record_row,
    strike_row,
    times_of_changed,
    times_of_new,
)
from actors.calendar_turns import Committed, Share, Stale, Turn, Verdict
from domain.bookings import Booking
from domain.errors import BookingState, SlotTaken
from domain.ids import BookingId, UserId
from domain.settings import Policy
from domain.times import TZDB_VERSION
from domain.timings import timings_for
from storage.bookings import (
    ChangedBooking,
    change_bookings,
    hold_slots,
    judge_holds,
    lock_bookings,
    lock_parties,
    record_changes,
)
from storage.calendars import raise_versions, replace_availability
from storage.flags import insert_flags
from storage.no_shows import insert_strikes
from storage.query import Tx
from storage.timings import Promise, keep_promises, needs_a_wake, notify_clock

PEOPLE = frozenset({"student", "instructor", "admin"})
"""Whoever asks for one of these goes on with the money by itself."""


class Batch:
    """The work of one transaction and, at its end, what became of every turn."""

    def __init__(self, tx: Tx, shares: Sequence[Share], *, now: datetime, policy: Policy) -> None:
        """`shares` are of different calendars."""
        self._tx = tx
        self._shares = shares
        self._now = now
        self._policy = policy
        self._won: dict[Turn, Booking | None] = {}
        self._lost: dict[Turn, Verdict] = {}
        self._surprised: set[UserId] = set()
        self._raised: set[UserId] = set()
        self._holds = items_of(shares, NewBooking)
        self._changes = items_of(shares, Change)
        self._spending = Spending(tx, now=now, policy=policy)

    async def write(self) -> list[Committed | Stale]:
        """Writes everything that may be written; outcomes in the order of the shares."""
        current, judge = await self._lock_parties()
        good = await self._lock_bookings(current)
        ids = {share.instructor_id for share in good}
        holds = [item for item in self._holds if item.instructor_id in ids]
        changes = [item for item in self._changes if item.instructor_id in ids]
        retakes = [item for item in changes if item.effect.is_retake]
        moves = [item for item in changes if item.effect.moved]
        plain_ones = [i for i in changes if not i.effect.is_retake and not i.effect.moved]
        changed = await self._change(plain_ones)
        changed += await self._move(judge, moves)
        room = await self._judge(judge, holds, retakes)
        await self._hold([self._spending.paid(item) for item in holds if item.turn in room])
        changed += await self._change([item for item in retakes if item.turn in room])
        await self._follow(changed)
        await self._replace_rules(items_of(good, NewRules))
        versions = await self._raise(good)
        return [self._outcome(share, versions) for share in self._shares]

    async def _lock_parties(self) -> tuple[list[Share], Judge]:
        """The shares decided at the version their calendar has, and who judges their students.

        Every learner of the students who want slots is locked: their holds are counted, too.
        """
        shares = self._shares
        students = {item.effect.command.student_id for item in self._holds}
        students |= {
            UserId(item.effect.was.student_id)
            for item in self._changes
            if item.effect.is_retake or item.effect.moved
        }
        locked = await lock_parties(
            self._tx,
            instructor_ids=[share.instructor_id for share in shares],
            student_ids=list(students),
        )
        versions = {each.id: each.version for each in locked}
        current = [s for s in shares if versions.get(s.instructor_id) == s.version]
        return current, Judge(locked, self._policy)

    async def _lock_bookings(self, shares: list[Share]) -> list[Share]:
        """The shares whose bookings have the status they were decided upon."""
        current = {share.instructor_id for share in shares}
        changes = [item for item in self._changes if item.instructor_id in current]
        if not changes:
            return shares
        ids = sorted(BookingId(item.effect.was.booking_id) for item in changes)
        locked = await lock_bookings(self._tx, booking_ids=ids)
        statuses = {each.id: each.status for each in locked}
        wrong = {
            item.instructor_id
            for item in changes
            if statuses.get(BookingId(item.effect.was.booking_id)) != item.effect.was.status
        }
        return [share for share in shares if share.instructor_id not in wrong]

    async def _change(self, items: list[Item[Change]]) -> list[tuple[Item[Change], ChangedBooking]]:
        """Writes new states; what the payment does not allow is lost."""
        if not items:
            return []
        rows = [change_row(item.effect) for item in items]
        changed = await change_bookings(self._tx, **columns(CHANGE_COLUMNS, rows))
        by_id = {each.id: each for each in changed}
        done: list[tuple[Item[Change], ChangedBooking]] = []
        for item in items:
            found = by_id.get(BookingId(item.effect.was.booking_id))
            if found is None:
                self._lost[item.turn] = BookingState("the payment does not allow this")
            else:
                self._won[item.turn] = plain(found)
                done.append((item, found))
        return done

    async def _move(
        self, judge: Judge, items: list[Item[Change]]
    ) -> list[tuple[Item[Change], ChangedBooking]]:
        """Moves bookings, before anybody gets the times they leave."""
        room = await self._make_room(judge, [(i.turn, candidate_of_move(i)) for i in items])
        wanted = [item for item in items if item.turn in room]
        ready = await agreed(self._tx, wanted, now=self._now)
        done = await write_moves(self._tx, ready, now=self._now)
        self._won.update((item.turn, plain(booking)) for item, booking in done)
        self._lost.update(
            (item.turn, BookingState("the proposal is not open any more"))
            for item in wanted
            if item.turn not in self._won
        )
        return done

    async def _judge(
        self, judge: Judge, holds: list[Item[NewBooking]], retakes: list[Item[Change]]
    ) -> set[Turn]:
        """Who gets room; what is taken again comes after new bookings."""
        candidates = [(item.turn, candidate_of_new(item)) for item in holds]
        candidates += [(item.turn, candidate_of_old(item)) for item in retakes]
        return await self._make_room(judge, candidates)

    async def _make_room(self, judge: Judge, candidates: list[tuple[Turn, Candidate]]) -> set[Turn]:
        """Who of them gets room; for the others it is lost."""
        if not candidates:
            return set()
        facts = await judge_holds(
            self._tx,
            **columns(JUDGE_COLUMNS, [judge_row(one) for _, one in candidates]),
            now=self._now,
            hour_ago=self._now - HOUR,
            oldest_id=id_floor(self._now - 2 * HOUR),
        )
        by_id = {each.booking_id: each for each in facts}
        await self._spending.open([one for _, one in candidates], by_id)
        room: set[Turn] = set()
        for turn, one in candidates:
            wanted = self._spending.candidate(turn, one)
            verdict = judge.verdict(wanted, by_id[BookingId(one.booking_id)])
            if verdict is None:
                room.add(turn)
                self._spending.take(turn)
            else:
                self._lost[turn] = verdict
        return room

    async def _hold(self, items: list[Item[NewBooking]]) -> None:
        """Inserts bookings and everything that follows from each."""
        if not items:
            return
        policy, now = self._policy, self._now
        needs_wake = False
        rows: list[tuple[object, ...]] = []
        bookings: list[Booking] = []
        for item in items:
            booking = booking_of(item.effect, item.instructor_id)
            due = timings_for(times_of_new(booking), now=now, policy=policy)[0]
            needs_wake = needs_wake or needs_a_wake(due, now, is_driven=False)
            bookings.append(booking)
            rows.append(hold_row(item, booking, due, now))
        winners = await hold_slots(
            self._tx,
            **columns(HOLD_COLUMNS, rows),
            tzdb_version=TZDB_VERSION,
            fee_bps=policy.fee_bps,
            policy_version=policy.version,
        )
        won = set(winners)
        for item, booking in zip(items, bookings, strict=True):
            if booking.id in won:
                self._won[item.turn] = booking
                self._raised.add(item.instructor_id)
            else:
                # the constraint has the last word: memory missed something
                self._lost[item.turn] = SlotTaken()
                self._surprised.add(item.instructor_id)
        await self._spending.reserve([item for item in items if item.turn in self._won])
        if needs_wake:
            await notify_clock(self._tx)

    async def _follow(self, changed: list[tuple[Item[Change], ChangedBooking]]) -> None:
        """Audit rows, events and timings of what changed."""
        if not changed:
            return
        rows = [record_row(item, booking, self._now) for item, booking in changed]
        await record_changes(self._tx, **columns(RECORD_COLUMNS, rows))
        strikes = [row for item, booking in changed if (row := strike_row(item, booking))]
        if strikes:
            await insert_strikes(self._tx, **columns(STRIKE_COLUMNS, strikes), now=self._now)
        flags = [row for item, booking in changed if (row := flag_row(item, booking))]
        if flags:
            await insert_flags(self._tx, **columns(FLAG_COLUMNS, flags), now=self._now)
        promises = [
            Promise(
                times=times_of_changed(booking),
                kept=item.effect.kept,
                is_driven=item.effect.command.actor.kind in PEOPLE,
            )
            for item, booking in changed
        ]
        await keep_promises(self._tx, promises, now=self._now, policy=self._policy)

    async def _replace_rules(self, items: list[Item[NewRules]]) -> None:
        for item in items:
            await replace_availability(
                self._tx, instructor_id=item.instructor_id, rules=item.effect.rules
            )
            self._won[item.turn] = None

    async def _raise(self, shares: list[Share]) -> dict[UserId, int]:
        """The version of each share's calendar; only where something was written it rises."""
        versions = {
            share.instructor_id: share.version + (share.instructor_id in self._raised)
            for share in shares
        }
        ids = [
            share.instructor_id
            for share in shares
            if share.instructor_id not in self._raised
            and any(turn in self._won for turn in share.turns)
        ]
        if ids:
            raised = await raise_versions(self._tx, instructor_ids=ids)
            versions.update((each.instructor_id, each.version) for each in raised)
        return versions

    def _outcome(self, share: Share, versions: dict[UserId, int]) -> Committed | Stale:
        version = versions.get(share.instructor_id)
        if version is None:
            return Stale()
        return Committed(
            version=version,
            at=self._now,
            won=[(turn, self._won[turn]) for turn in share.turns if turn in self._won],
            lost=[(turn, self._lost[turn]) for turn in share.turns if turn in self._lost],
            is_surprised=share.instructor_id in self._surprised,
        )
