"""Credit that pays for new bookings, found and reserved in the transaction that makes them.

The locks on the students' learners let one batch at a time spend a student's credit; the lots are
locked as well, against their end and against credit given back.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from actors.calendar_effects import NewBooking
from actors.calendar_judgement import Candidate
from actors.calendar_rows import Item
from actors.calendar_turns import Turn
from actors.ledger import post
from domain.credit_journals import reserve_journal
from domain.credits import Part, Purses
from domain.ids import BookingId, UserId
from domain.pricing import split
from domain.settings import Policy
from storage.bookings import HoldFacts
from storage.credits import lots_to_spend, reserve_credit
from storage.query import Tx


class Spending:
    """What credit pays in one batch; costs nothing where no student has any."""

    def __init__(self, tx: Tx, *, now: datetime, policy: Policy) -> None:
        """`tx` has the locks of all the students' learners."""
        self._tx = tx
        self._now = now
        self._policy = policy
        self._purses = Purses(())
        self._spenders: set[UUID] = set()
        self._paid: dict[Turn, NewBooking] = {}
        self._parts: dict[Turn, tuple[Part, ...]] = {}

    async def open(self, candidates: list[Candidate], facts: dict[BookingId, HoldFacts]) -> None:
        """Locks the credit of those candidates' students who have some and want to spend it."""
        spending = [one for one in candidates if facts[BookingId(one.booking_id)].has_credit]
        if not spending:
            return
        self._spenders = {one.booking_id for one in spending}
        students = {UserId(one.student_id) for one in spending}
        lots = await lots_to_spend(self._tx, user_ids=list(students), now=self._now)
        self._purses = Purses(lots)

    def candidate(self, turn: Turn, one: Candidate) -> Candidate:
        """The candidate as it is with credit: what credit pays wholly is no hold."""
        effect = turn.effect
        if one.booking_id not in self._spenders or not isinstance(effect, NewBooking):
            return one
        available = self._purses.cents_of(one.student_id)
        paid = with_credit(effect, available, fee_bps=self._policy.fee_bps)
        self._paid[turn] = paid
        return msgspec.structs.replace(one, is_hold=paid.status == "pending")

    def take(self, turn: Turn) -> None:
        """Sets aside what pays for a booking that got its slot."""
        paid = self._paid.get(turn)
        if paid is not None:
            student_id, cents = paid.command.student_id, paid.split.credit_applied_cents
            self._parts[turn] = self._purses.take(student_id, cents)

    def paid(self, item: Item[NewBooking]) -> Item[NewBooking]:
        """The new booking as credit pays for it."""
        paid = self._paid.get(item.turn)
        return item if paid is None else msgspec.structs.replace(item, effect=paid)

    async def reserve(self, won: list[Item[NewBooking]]) -> None:
        """Writes down what was set aside for those that were inserted."""
        rows = [
            (item.effect.command.booking_id, part.lot_id, part.cents)
            for item in won
            for part in self._parts.get(item.turn, ())
        ]
        if not rows:
            return
        booking_ids, lot_ids, amounts = zip(*rows, strict=True)
        await reserve_credit(
            self._tx,
            booking_ids=list(booking_ids),
            lot_ids=list(lot_ids),
            amounts_cents=list(amounts),
            now=self._now,
        )
        for item in won:
            if self._parts.get(item.turn):
                await self._post(item)

    async def _post(self, item: Item[NewBooking]) -> None:
        command, cents = item.effect.command, item.effect.split.credit_applied_cents
        journal = reserve_journal(
            command.booking_id, command.student_id, item.instructor_id, cents, at=self._now
        )
        await post(self._tx, [journal], now=self._now)


def with_credit(new: NewBooking, available_cents: int, *, fee_bps: int) -> NewBooking:
    """The new booking with what credit pays taken off; paid wholly, it is confirmed at once."""
    price = new.split.price_cents
    parts = split(price, credit_cents=min(available_cents, price), fee_bps=fee_bps)
    if parts.card_amount_cents:
        return msgspec.structs.replace(new, split=parts)
    return msgspec.structs.replace(
        new, split=parts, status="confirmed", hold_expires_at=None, payment_status="credit_only"
    )
