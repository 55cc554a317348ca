"""Reports that somebody did not come, what the other side says, and what holds in the end."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

import structlog

from actors.calendar_commands import MarkNoShow
from actors.calendars import Calendars
from actors.payment_records import Why
from actors.payments import Payments
from domain.bookings import SYSTEM, Actor, Booking
from domain.cancellation import Side
from domain.errors import BookingState, DomainError, NotFound
from domain.events import Topic
from domain.ids import BookingId, CommandId, new_id
from domain.no_shows import (
    UNDECIDED,
    Attended,
    Report,
    ReportState,
    refuse_contest,
    refuse_report,
)
from domain.people import Viewer
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from storage.bookings import booking_by_id, booking_of_anyone
from storage.database import Database
from storage.no_shows import contest_report, insert_report, report_of_booking, resolve_report
from storage.outbox import stage_event
from storage.payments import lock_money, record_payment_event
from storage.query import Tx
from storage.timings import sync_timings

log = structlog.get_logger()


class NoShows:
    """The owner of reports; an upheld one becomes a command to the calendar."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        payments: Payments,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """The calendar ends the booking, `payments` does what follows for the money."""
        self._db = db
        self._calendars = calendars
        self._payments = payments
        self._clock = clock
        self._policy = policy

    async def report(self, booking_id: BookingId, absent: Side, *, viewer: Viewer) -> Booking:
        """Says that the other side did not come; an answer in kind contests the first report.

        Raises `NotFound`, `Forbidden`, `BookingState` (too early, too late, ended).
        """
        booking, side = await self._booking(booking_id, viewer)
        lesson = Attended(status=booking.status, start_at=booking.start_at, end_at=booking.end_at)
        now, policy = self._clock.now(), self._policy
        if refused := refuse_report(lesson, by=side, absent=absent, now=now, policy=policy):
            raise refused
        actor = _actor(viewer, side)
        async with self._db.transaction() as tx:
            await lock_money(tx, booking_id=booking_id)
            known = await report_of_booking(tx, booking_id=booking_id)
            if known is not None and known.absent != absent:
                await self._contest(tx, booking, known, side, actor, now)
            elif known is None:
                await self._open(tx, booking, absent, actor, now)
        return booking

    async def contest(self, booking_id: BookingId, *, viewer: Viewer) -> Booking:
        """Says that one did come: a person decides. `NotFound`, `Forbidden`, `BookingState`."""
        booking, side = await self._booking(booking_id, viewer)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            await lock_money(tx, booking_id=booking_id)
            known = await report_of_booking(tx, booking_id=booking_id)
            await self._contest(tx, booking, known, side, _actor(viewer, side), now)
        return booking

    async def resolve(self, booking_id: BookingId, *, is_upheld: bool, viewer: Viewer) -> Booking:
        """An admin's word on a report; the same word again changes nothing."""
        booking = await booking_of_anyone(self._db.reads, booking_id=booking_id)
        if booking is None:
            raise NotFound
        state: ReportState = "upheld" if is_upheld else "rejected"
        actor = Actor(kind="admin", id=viewer.user_id, request_id=viewer.request_id)
        report = await self._decide(booking, state, actor)
        return await self._follow(booking, report, state, actor)

    async def uphold(self, booking_id: UUID) -> None:
        """Lets a report hold that nobody has contested in time; raises what calendars refuse."""
        booking = await booking_of_anyone(self._db.reads, booking_id=BookingId(booking_id))
        report = await report_of_booking(self._db.reads, booking_id=BookingId(booking_id))
        if booking is None or report is None or report.state not in {"open", "upheld"}:
            return
        if self._clock.now() < report.upheld_at and report.state == "open":
            return
        try:
            await self._decide(booking, "upheld", SYSTEM, undecided={"open"})
        except BookingState:
            return  # contested or decided since it was read: a person's word
        await self._follow(booking, report, "upheld", SYSTEM)

    async def _booking(self, booking_id: BookingId, viewer: Viewer) -> tuple[Booking, Side]:
        booking = await booking_by_id(
            self._db.reads, booking_id=booking_id, viewer_id=viewer.user_id
        )
        if booking is None:
            raise NotFound
        return booking, "student" if viewer.user_id == booking.student_id else "instructor"

    async def _open(
        self, tx: Tx, booking: Booking, absent: Side, actor: Actor, now: datetime
    ) -> None:
        await insert_report(
            tx,
            booking_id=booking.id,
            absent=absent,
            reported_by=actor.id or booking.student_id,
            upheld_at=now + self._policy.contest_within,
            now=now,
        )
        await self._record(tx, booking, "reported", was="none", became="open", actor=actor)
        await self._tell(tx, "booking.no_show_reported", booking, absent)
        await sync_timings(tx, booking_id=booking.id, now=now, policy=self._policy)

    async def _contest(
        self,
        tx: Tx,
        booking: Booking,
        known: Report | None,
        side: Side,
        actor: Actor,
        now: datetime,
    ) -> None:
        if refused := refuse_contest(known, by=side, now=now):
            raise refused
        if await contest_report(tx, booking_id=booking.id, now=now) is None or known is None:
            raise BookingState("the report is decided")
        await self._record(tx, booking, "contested", was="open", became="contested", actor=actor)
        await self._tell(tx, "booking.no_show_contested", booking, known.absent)
        await sync_timings(tx, booking_id=booking.id, now=now, policy=self._policy)

    async def _decide(
        self,
        booking: Booking,
        state: ReportState,
        actor: Actor,
        *,
        undecided: Set[ReportState] = UNDECIDED,
    ) -> Report:
        """Keeps the first decision, read under the lock: of two at once only one may be followed.

        The same once more is told again. Raises `NotFound`, `BookingState` for another.
        """
        now = self._clock.now()
        async with self._db.transaction() as tx:
            await lock_money(tx, booking_id=booking.id)
            report = await report_of_booking(tx, booking_id=booking.id)
            if report is None:
                raise NotFound
            if report.state == state:
                return report
            if report.state not in undecided:
                raise BookingState(f"the report is {report.state}")
            await resolve_report(
                tx, booking_id=booking.id, state=state, resolved_by=actor.id, now=now
            )
            await self._record(tx, booking, state, was=report.state, became=state, actor=actor)
            await sync_timings(tx, booking_id=booking.id, now=now, policy=self._policy)
        return report

    async def _follow(
        self, booking: Booking, report: Report, state: ReportState, actor: Actor
    ) -> Booking:
        """The booking's end and its money; what fails here its timings do again."""
        if state == "upheld":
            command = MarkNoShow(
                command_id=CommandId(new_id(self._clock.now())),
                actor=actor,
                booking_id=booking.id,
                absent=report.absent,
            )
            await self._calendars.ask(booking.instructor_id, command)
        try:
            await self._payments.drive(booking.id, Why(actor=actor, cause="no_show"))
        except DomainError as error:
            log.warning("booking.no_show_money_later", booking=booking.id, code=error.code)
        found = await booking_of_anyone(self._db.reads, booking_id=booking.id)
        return found or booking

    async def _record(
        self, tx: Tx, booking: Booking, what: str, *, was: str, became: str, actor: Actor
    ) -> None:
        now = self._clock.now()
        await record_payment_event(
            tx,
            event_id=new_id(now),
            booking_id=booking.id,
            instructor_id=booking.instructor_id,
            event=f"no_show.{what}",
            was=was,
            became=became,
            actor_kind=actor.kind,
            actor_id=actor.id,
            cause="no_show",
            request_id=actor.request_id,
            details={},
            now=now,
        )

    async def _tell(self, tx: Tx, topic: Topic, booking: Booking, absent: Side) -> None:
        now = self._clock.now()
        await stage_event(
            tx,
            event_id=new_id(now),
            topic=topic,
            subject_id=booking.id,
            user_ids=[booking.student_id, booking.instructor_id],
            payload={
                "booking_id": str(booking.id),
                "version": booking.version,
                "absent": absent,
            },
            now=now,
        )


def _actor(viewer: Viewer, side: Side) -> Actor:
    return Actor(kind=side, id=viewer.user_id, request_id=viewer.request_id)
