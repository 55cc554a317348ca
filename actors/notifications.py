"""Tells people by mail, once, what the outbox says: in their zone and in plain words."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from domain.errors import Unavailable
from domain.events import OutboxEvent
from domain.ids import UserId
from domain.letters import letter_of
from domain.money_letters import account_letter
from domain.occasions import Lesson, Letter, Occasion, Reader
from domain.offers import offered_slots
from domain.settings import POLICY, Policy
from domain.times import Span
from gateways.clock import Clock
from gateways.mail import Mail, MailGateway, Undeliverable
from storage.calendars import calendar_by_instructor
from storage.database import Database
from storage.notifications import event_to_deliver, lesson_of_booking, readers
from storage.outbox import count_event_failure, mark_events_published

log = structlog.get_logger()

MINUTE = timedelta(minutes=1)
LOOKED_AHEAD = timedelta(days=7)
"""How far behind a lost slot others are looked for."""


class Notifications:
    """Writes and sends the mails of events."""

    def __init__(
        self,
        *,
        db: Database,
        mail: MailGateway,
        clock: Clock,
        public_url: str,
        policy: Policy = POLICY,
    ) -> None:
        """`public_url` is where people find their lessons."""
        self._db = db
        self._mail = mail
        self._clock = clock
        self._public_url = public_url
        self._policy = policy

    async def deliver(self, event_id: UUID) -> None:
        """Sends an event's mails and closes it. A repetition sends the same Message-IDs again.

        Raises `Unavailable` when the mail server does not take them; the event then waits.
        """
        reads = self._db.reads
        event = await event_to_deliver(reads, event_id=event_id)
        if event is None:
            return
        booking_id = event.payload.get("booking_id") or event.subject_id
        lesson = await lesson_of_booking(reads, booking_id=UUID(str(booking_id)))
        try:
            free = () if lesson is None else await self._alternatives(event, lesson)
            for reader in await readers(reads, user_ids=event.user_ids):
                if lesson is None:
                    await self._write_apart(event, reader)
                else:
                    await self._write(event, lesson, reader, free)
        except Unavailable:
            async with self._db.transaction() as tx:
                await count_event_failure(tx, event_id=event_id)
            raise
        async with self._db.transaction() as tx:
            await mark_events_published(tx, event_ids=[event_id], now=self._clock.now())

    async def _alternatives(self, event: OutboxEvent, lesson: Lesson) -> tuple[datetime, ...]:
        """The two free starts nearest to one that was lost."""
        if event.topic != "booking.slot_lost":
            return ()
        now = self._clock.now()
        calendar = await calendar_by_instructor(
            self._db.reads, instructor_id=UserId(lesson.instructor_id), now=now
        )
        if calendar is None or not calendar.is_bookable:
            return ()
        found = offered_slots(
            calendar.rules,
            calendar.bookings,
            calendar.services,
            service_id=None,
            duration_minutes=int((lesson.end_at - lesson.start_at) / MINUTE),
            window=Span(now, max(lesson.start_at, now) + LOOKED_AHEAD),
            now=now,
            policy=self._policy,
        )
        nearest = sorted(
            (each.start_at for each in found), key=lambda at: abs(at - lesson.start_at)
        )
        return tuple(sorted(nearest[:2]))

    async def _write(
        self, event: OutboxEvent, lesson: Lesson, reader: Reader, free: tuple[datetime, ...]
    ) -> None:
        now = self._clock.now()
        letter = letter_of(
            Occasion(
                topic=event.topic,
                payload=event.payload,
                lesson=lesson,
                reader=reader,
                now=now,
                policy=self._policy,
                alternatives=free,
            )
        )
        if letter is not None:
            await self._send(
                event, reader, letter, f"{self._public_url}/lessons/{lesson.booking_id}"
            )

    async def _write_apart(self, event: OutboxEvent, reader: Reader) -> None:
        """Writes of money that belongs to no lesson."""
        letter = account_letter(event.topic, event.payload, reader)
        if letter is not None:
            page = "billing" if event.topic.startswith("credit.") else "teach"
            await self._send(event, reader, letter, f"{self._public_url}/{page}")

    async def _send(self, event: OutboxEvent, reader: Reader, letter: Letter, link: str) -> None:
        mail = Mail(
            to=reader.email,
            subject=letter.subject,
            text=letter.text(link),
            html=letter.html(link),
            key=f"{event.id}.{reader.user_id}",
            at=self._clock.now(),
        )
        try:
            await self._mail.send(mail)
        except Undeliverable:
            log.warning("mail.undeliverable", event_id=event.id, user=reader.user_id)
            return
        log.info("mail.sent", event_id=event.id, topic=event.topic, user=reader.user_id)
