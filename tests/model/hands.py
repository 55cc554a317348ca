"""What a driver of random lives can do to a marketplace, and see of it.

`Hands` is the list; `MarketHands` does it to the marketplace of this process
(`tests/actors/money_kit.py`), `world_hands.py` to a whole world through its public address. A deed
is done once however often it is repeated with the same id.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from actors.credits import Grant
from actors.moves import MoveWish
from actors.payment_records import Why
from actors.refunds import RefundWish
from domain.bookings import Actor
from domain.disputes import CLOSED
from domain.errors import CardDeclined, DomainError, SlotTaken
from domain.ids import BookingId, new_id
from storage.disputes import disputes_of_booking
from tests.actors.money_kit import Lesson, Market
from tests.model.invariants import violations

L = TypeVar("L")
State = tuple[str, str | None, str]
"""A booking's status, its outcome, the status of its payment."""


class Hands(Protocol[L]):
    """Deeds and looks. A lesson is what `lesson` made; people are told apart by their ids."""

    refusals: tuple[type[Exception], ...]
    declines: tuple[type[Exception], ...]
    taken: tuple[type[Exception], ...]
    price_min: int

    @property
    def now(self) -> datetime: ...
    def new_id(self) -> UUID: ...
    def people(self, lesson: L) -> tuple[UUID, UUID]: ...
    async def travel(self, at: datetime) -> None: ...
    async def settle(self) -> None: ...
    async def revisit(self) -> None: ...
    async def lesson(self, price: int, lead: timedelta) -> L: ...
    async def joined(self, lesson: L, *, student_of: L) -> L: ...
    async def rival(self, lesson: L, start: datetime) -> L: ...
    async def script(self, *steps: str) -> str: ...
    async def book(self, lesson: L, token: str, *, again: bool) -> None: ...
    async def cancel(self, lesson: L, *, by: str) -> None: ...
    async def move(self, lesson: L, to: datetime) -> None: ...
    async def propose(self, lesson: L, to: datetime, *, by: str, proposal_id: UUID) -> None: ...
    async def accept(self, lesson: L, *, by: str, proposal_id: UUID) -> None: ...
    async def new_card(self, lesson: L, token: str) -> None: ...
    async def challenge(self, lesson: L, *, is_passed: bool) -> None: ...
    async def report(self, lesson: L, *, absent: str) -> None: ...
    async def contest(self, lesson: L, *, absent: str) -> None: ...
    async def resolve(self, lesson: L, *, is_upheld: bool) -> None: ...
    async def refund(self, lesson: L, amount: int, *, reverses: bool, refund_id: UUID) -> None: ...
    async def pay_out(self, lesson: L, amount: int | None, *, payout_id: UUID) -> None: ...
    async def judge(self, lesson: L, verdict: str) -> None: ...
    async def grant(self, lesson: L, amount: int, *, lot_id: UUID) -> None: ...
    async def state(self, lesson: L) -> State: ...
    async def totals(self, lesson: L) -> dict[str, int]: ...
    async def kept_until(self, lesson: L) -> datetime | None: ...
    async def wallet(self, lesson: L) -> int: ...
    async def payout(self, payout_id: UUID) -> tuple[int, int] | None: ...
    async def wrong(self) -> list[str]: ...


class MarketHands:
    """Calls the parts of a process of ours directly; what they refuse is a `DomainError`."""

    refusals: tuple[type[Exception], ...] = (DomainError,)
    declines: tuple[type[Exception], ...] = (CardDeclined,)
    taken: tuple[type[Exception], ...] = (SlotTaken,)
    price_min = 50

    def __init__(self, market: Market) -> None:
        """Works on `market`, whichever process of it lives."""
        self.market = market

    @property
    def now(self) -> datetime:
        """The marketplace's time."""
        return self.market.clock.now()

    def new_id(self) -> UUID:
        """An id for a deed."""
        return new_id(self.now)

    def people(self, lesson: Lesson) -> tuple[UUID, UUID]:
        """Who teaches and who learns."""
        return lesson.instructor.user_id, lesson.student.user_id

    async def travel(self, at: datetime) -> None:
        """Goes there, doing all that is due on the way."""
        await self.market.travel(at, rescues=True)

    async def settle(self) -> None:
        """Does all there is to do now."""
        await self.market.settle()

    async def revisit(self) -> None:
        """What the worker does every hour about webhooks that never came."""
        await self.market.money.disputes.revisit()
        await self.market.settle()

    async def lesson(self, price: int, lead: timedelta) -> Lesson:
        """A lesson of new people that could be booked now."""
        return await self.market.lesson(price_cents=price, lead=lead)

    async def joined(self, lesson: Lesson, *, student_of: Lesson) -> Lesson:
        """The same lesson for a student there is already."""
        return Lesson(
            self.market, lesson.instructor, student_of.student, lesson.service_id, lesson.start_at
        )

    async def rival(self, lesson: Lesson, start: datetime) -> Lesson:
        """The same slot for somebody new."""
        student = await self.market._person("student")
        return Lesson(self.market, lesson.instructor, student, lesson.service_id, start)

    async def script(self, *steps: str) -> str:
        """A card whose charges follow the steps."""
        return await self.market.script(*steps)

    async def book(self, lesson: Lesson, token: str, *, again: bool) -> None:
        """Books with a card."""
        await lesson.book(token, again=again)

    async def cancel(self, lesson: Lesson, *, by: str) -> None:
        """One side takes it back."""
        who = lesson.instructor if by == "instructor" else lesson.student
        await self.market.money.bookings.cancel(lesson.id, reason=None, viewer=who)

    async def move(self, lesson: Lesson, to: datetime) -> None:
        """The student moves it alone."""
        await self._wish(lesson, to, by="student", proposal_id=self.new_id())

    async def propose(self, lesson: Lesson, to: datetime, *, by: str, proposal_id: UUID) -> None:
        """One side asks for another time."""
        await self._wish(lesson, to, by=by, proposal_id=proposal_id)

    async def _wish(self, lesson: Lesson, to: datetime, *, by: str, proposal_id: UUID) -> object:
        who = lesson.instructor if by == "instructor" else lesson.student
        return await self.market.money.moves.reschedule(
            BookingId(lesson.id), MoveWish(start_at=to), proposal_id=proposal_id, viewer=who
        )

    async def accept(self, lesson: Lesson, *, by: str, proposal_id: UUID) -> None:
        """The other side agrees."""
        who = lesson.instructor if by == "instructor" else lesson.student
        await self.market.money.moves.accept(BookingId(lesson.id), proposal_id, viewer=who)

    async def new_card(self, lesson: Lesson, token: str) -> None:
        """Another card, or the one that pays a debt."""
        await self.market.money.bookings.update_method(
            lesson.id, payment_method_id=token, viewer=lesson.student
        )

    async def challenge(self, lesson: Lesson, *, is_passed: bool) -> None:
        """The cardholder answers their bank; a webhook alone tells."""
        listed = await self.market.intents(lesson.id)
        intent = listed[0]["id"]
        word = "complete" if is_passed else "fail"
        await self.market.control(f"/_emulator/3ds/{intent}/{word}", {})
        await self.market.settle()

    async def report(self, lesson: Lesson, *, absent: str) -> None:
        """One side says that the other did not come."""
        who = lesson.student if absent == "instructor" else lesson.instructor
        side: Any = absent
        await self.market.money.no_shows.report(BookingId(lesson.id), side, viewer=who)

    async def contest(self, lesson: Lesson, *, absent: str) -> None:
        """The other side says that they did."""
        who = lesson.instructor if absent == "instructor" else lesson.student
        await self.market.money.no_shows.contest(BookingId(lesson.id), viewer=who)

    async def resolve(self, lesson: Lesson, *, is_upheld: bool) -> None:
        """An admin decides."""
        await self.market.money.no_shows.resolve(
            BookingId(lesson.id), is_upheld=is_upheld, viewer=lesson.student
        )

    async def refund(self, lesson: Lesson, amount: int, *, reverses: bool, refund_id: UUID) -> None:
        """An admin gives something back."""
        wish = RefundWish(amount_cents=amount, reason="Because.", reverses_transfer=reverses)
        await self.market.money.refunds.refund(
            lesson.id, wish, refund_id=refund_id, viewer=lesson.student
        )

    async def pay_out(self, lesson: Lesson, amount: int | None, *, payout_id: UUID) -> None:
        """The instructor wants their money at once."""
        await self.market.money.payouts.pay_out(
            amount, payout_id=payout_id, viewer=lesson.instructor
        )

    async def judge(self, lesson: Lesson, verdict: str) -> None:
        """The bank hears us and decides, or gives an inquiry up."""
        async with self.market.db.transaction() as tx:
            found = await disputes_of_booking(tx, booking_id=lesson.id)
        opened = [each.id for each in found if each.status not in CLOSED]
        for each in opened:
            if verdict == "closed":
                # a second time it is over already
                await self.market.http.post(f"/_emulator/disputes/{each}/win", json={})
                continue
            text = "winning_evidence" if verdict == "won" else "losing_evidence"
            await self.market.money.disputes.answer(
                each, text=text, key=f"dsp:{each}", why=_why(lesson)
            )

    async def grant(self, lesson: Lesson, amount: int, *, lot_id: UUID) -> None:
        """An admin gives a student credit."""
        user_id = lesson.student.user_id
        grant = Grant(user_id=user_id, amount_cents=amount, expires_at=None, reason="Sorry.")
        await self.market.money.credits.grant(grant, lot_id=lot_id, viewer=lesson.student)

    async def state(self, lesson: Lesson) -> State:
        """Where booking and payment are."""
        booking = await lesson.read()
        return booking.status, booking.outcome, booking.payment_status

    async def totals(self, lesson: Lesson) -> dict[str, int]:
        """The booking's ledger by account class."""
        return await lesson.totals()

    async def kept_until(self, lesson: Lesson) -> datetime | None:
        """Until when the bank reserves the money, as Stripe says."""
        for each in await self.market.intents(lesson.id):
            charge: Any = each["latest_charge"]
            if each["status"] != "requires_capture" or not charge:
                continue
            shown = (await self.market.http.get(f"/v1/charges/{charge}")).json()
            before = shown["payment_method_details"]["card"]["capture_before"]
            return datetime.fromtimestamp(before, tz=self.now.tzinfo)
        return None

    async def wallet(self, lesson: Lesson) -> int:
        """What the instructor has with us."""
        query = "SELECT coalesce(-sum(amount_cents), 0)::int FROM ledger_lines WHERE account = $1"
        found = await self.market.value(query, f"WAL:{lesson.instructor.user_id}")
        return int(str(found))

    async def payout(self, payout_id: UUID) -> tuple[int, int] | None:
        """A payout's net and fee; nothing for one that was refused."""
        rows = await self.market.db.reads.fetch(
            "SELECT net_cents, fee_cents FROM payouts WHERE id = $1 AND state <> 'refused'",
            payout_id,
        )
        return (rows[0][0], rows[0][1]) if rows else None

    async def wrong(self) -> list[str]:
        """Which invariants are broken."""
        settings = self.market.settings
        return await violations(settings.database_url, self.market.emulator.url)


def _why(lesson: Lesson) -> Why:
    """An admin's word."""
    actor = Actor(kind="admin", id=lesson.student.user_id, request_id=lesson.student.request_id)
    return Why(actor=actor, cause="evidence")
