"""Moves lessons: alone where the rules allow it, else by a proposal that the other side accepts.

The calendar decides about the time and writes it; the money follows from what is stored.
"""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from actors.calendar_commands import Decided, Move
from actors.calendars import Calendars
from actors.payment_records import Why
from actors.payments import Payments
from domain.bookings import SYSTEM, Actor, Booking
from domain.cancellation import Side
from domain.errors import BookingState, ConsentNeeded, DomainError, Forbidden, NotFound
from domain.events import Topic
from domain.ids import BookingId, CommandId, new_id
from domain.moves import Proposal, expiry_of
from domain.people import Viewer
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from storage.bookings import booking_by_id, booking_of_anyone
from storage.database import Database
from storage.moves import (
    end_proposal,
    insert_proposal,
    promise_expiry,
    proposals_of_booking,
    withdraw_proposals,
)
from storage.outbox import stage_event
from storage.payments import lock_money
from storage.query import Tx
from storage.timings import complete_timing, notify_clock

log = structlog.get_logger()


class MoveWish(msgspec.Struct, frozen=True, kw_only=True):
    """When a lesson should be instead, and why."""

    start_at: datetime
    reason: str | None = None


class Moves:
    """The owner of proposals."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        payments: Payments,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """The calendar decides about time, `payments` about what was reserved for the old one."""
        self._db = db
        self._calendars = calendars
        self._payments = payments
        self._clock = clock
        self._policy = policy

    async def reschedule(
        self, booking_id: BookingId, wish: MoveWish, *, proposal_id: UUID, viewer: Viewer
    ) -> Booking | Proposal:
        """Moves the lesson, or proposes it where the other side must agree.

        The same `proposal_id` again changes nothing. Raises what the calendar refuses.
        """
        booking, side = await self._booking(booking_id, viewer)
        if side == "student":
            try:
                decided = await self._move(booking, wish.start_at, by=side, viewer=viewer)
            except ConsentNeeded:
                pass
            else:
                return await self._followed(decided.booking, viewer)
        if (known := await self._find(booking_id, proposal_id)) is not None:
            return known
        await self._try(booking, wish.start_at, side)
        return await self._propose(booking, wish, side, proposal_id, viewer)

    async def accept(self, booking_id: BookingId, proposal_id: UUID, *, viewer: Viewer) -> Booking:
        """Agrees to what the other side proposed. `NotFound`, `Forbidden`, `BookingState`."""
        booking, side = await self._booking(booking_id, viewer)
        proposal = await self._find(booking_id, proposal_id)
        if proposal is None:
            raise NotFound
        if proposal.state == "accepted":
            return booking
        if proposal.state != "open":
            raise BookingState(f"the proposal is {proposal.state}")
        if proposal.proposed_by == side:
            raise Forbidden("the other side has to agree")
        decided = await self._move(
            booking,
            proposal.start_at,
            by=proposal.proposed_by,
            viewer=viewer,
            proposal_id=proposal_id,
        )
        return await self._followed(decided.booking, viewer)

    async def decline(self, booking_id: BookingId, proposal_id: UUID, *, viewer: Viewer) -> Booking:
        """Says no, or takes an own proposal back; the lesson stays when it is."""
        booking, side = await self._booking(booking_id, viewer)
        proposal = await self._find(booking_id, proposal_id)
        if proposal is None:
            raise NotFound
        is_own = proposal.proposed_by == side
        now = self._clock.now()
        async with self._db.transaction() as tx:
            ended = await end_proposal(
                tx,
                proposal_id=proposal_id,
                state="withdrawn" if is_own else "declined",
                now=now,
            )
            if ended is not None and not is_own:
                await self._tell(tx, "booking.move_declined", booking, proposal)
        if ended is None and proposal.state == "accepted":
            raise BookingState("the proposal is accepted")
        return booking

    async def expire(self, proposal_id: UUID, *, timing_id: UUID) -> None:
        """Ends a proposal that nobody has answered in time."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            await end_proposal(tx, proposal_id=proposal_id, state="expired", now=now)
            await complete_timing(tx, timing_id=timing_id, now=now)

    async def _booking(self, booking_id: BookingId, viewer: Viewer) -> tuple[Booking, Side]:
        booking = await booking_by_id(
            self._db.reads, booking_id=booking_id, viewer_id=viewer.user_id
        )
        if booking is None:
            raise NotFound
        return booking, "student" if viewer.user_id == booking.student_id else "instructor"

    async def _find(self, booking_id: BookingId, proposal_id: UUID) -> Proposal | None:
        found = await proposals_of_booking(
            self._db.reads, booking_id=booking_id, now=self._clock.now()
        )
        return next((each for each in found if each.id == proposal_id), None)

    async def _move(
        self,
        booking: Booking,
        start_at: datetime,
        *,
        by: Side,
        viewer: Viewer,
        proposal_id: UUID | None = None,
    ) -> Decided:
        is_student = viewer.user_id == booking.student_id
        actor = Actor(
            kind="student" if is_student else "instructor",
            id=viewer.user_id,
            request_id=viewer.request_id,
        )
        command = Move(
            command_id=CommandId(new_id(self._clock.now())),
            actor=actor,
            booking_id=booking.id,
            by=by,
            start_at=start_at,
            has_consent=proposal_id is not None,
            proposal_id=proposal_id,
        )
        return await self._calendars.ask(booking.instructor_id, command)

    async def _try(self, booking: Booking, start_at: datetime, side: Side) -> None:
        """Raises what would speak against the move if the other side agreed now."""
        command = Move(
            command_id=CommandId(new_id(self._clock.now())),
            actor=SYSTEM,
            booking_id=booking.id,
            by=side,
            start_at=start_at,
            has_consent=True,
            is_trial=True,
        )
        decided = await self._calendars.ask(booking.instructor_id, command)
        if decided.booking.start_at == start_at:
            raise BookingState("the lesson is at this time already")

    async def _propose(
        self, booking: Booking, wish: MoveWish, side: Side, proposal_id: UUID, viewer: Viewer
    ) -> Proposal:
        now = self._clock.now()
        expires_at = expiry_of(booking.start_at, now=now, policy=self._policy)
        async with self._db.transaction() as tx:
            await lock_money(tx, booking_id=booking.id)
            earlier = await proposals_of_booking(tx, booking_id=booking.id, now=now)
            asked = sum(1 for each in earlier if each.proposed_by == "instructor")
            if side == "instructor" and asked >= self._policy.proposals_most:
                raise BookingState("you have proposed another time often enough for this lesson")
            await withdraw_proposals(tx, booking_ids=[booking.id], now=now)
            await insert_proposal(
                tx,
                proposal_id=proposal_id,
                booking_id=booking.id,
                proposed_by=side,
                start_at=wish.start_at,
                reason=wish.reason,
                expires_at=expires_at,
                now=now,
            )
            await promise_expiry(
                tx,
                timing_id=new_id(now),
                proposal_id=proposal_id,
                booking_id=booking.id,
                due_at=expires_at,
                now=now,
            )
            await notify_clock(tx)
            proposal = await self._made(tx, booking.id, proposal_id, now)
            await self._tell(tx, "booking.move_proposed", booking, proposal)
        log.info("booking.move_proposed", booking=booking.id, by=side, user=viewer.user_id)
        return proposal

    async def _made(
        self, tx: Tx, booking_id: BookingId, proposal_id: UUID, now: datetime
    ) -> Proposal:
        found = await proposals_of_booking(tx, booking_id=booking_id, now=now)
        for each in found:
            if each.id == proposal_id:
                return each
        raise RuntimeError("a proposal that is not there")

    async def _tell(self, tx: Tx, topic: Topic, booking: Booking, proposal: Proposal) -> None:
        await stage_event(
            tx,
            event_id=new_id(self._clock.now()),
            topic=topic,
            subject_id=booking.id,
            user_ids=[booking.student_id, booking.instructor_id],
            payload={
                "booking_id": str(booking.id),
                "version": booking.version,
                "proposal_id": str(proposal.id),
                "proposed_by": proposal.proposed_by,
                "start_at": proposal.start_at.isoformat(),
                "expires_at": proposal.expires_at.isoformat(),
                "reason": proposal.reason,
            },
            now=self._clock.now(),
        )

    async def _followed(self, booking: Booking, viewer: Viewer) -> Booking:
        """The booking after its money has followed; what it still needs its timing does."""
        kind = "student" if viewer.user_id == booking.student_id else "instructor"
        actor = Actor(kind=kind, id=viewer.user_id, request_id=viewer.request_id)
        try:
            await self._payments.drive(booking.id, Why(actor=actor, cause="move"))
        except DomainError as error:
            log.warning("booking.moved_money_later", booking=booking.id, code=error.code)
        found = await booking_of_anyone(self._db.reads, booking_id=booking.id)
        return found or booking
