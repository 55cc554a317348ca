"""The deeds of random lives, done to a whole world through its public address."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.ids import new_id
from sandbox.client import JSON, Market, Person, Refused
from sandbox.world import World
from tests.journeys.kit import Lesson
from tests.model.books import opened
from tests.model.hands import State
from tests.model.invariants import violations


class CardRefused(Exception):
    """The bank says no, or asks its cardholder."""


class SlotGone(Exception):
    """Somebody else has the slot."""


@asynccontextmanager
async def told() -> AsyncGenerator[None]:
    """Tells a refused card and a taken slot from every other refusal."""
    try:
        yield
    except Refused as refusal:
        if refusal.code == "card-declined":
            raise CardRefused from refusal
        if refusal.code in {"slot-taken", "student-busy"}:
            raise SlotGone from refusal
        raise


class WorldHands:
    """Sends requests to a world whose clock stands still between them."""

    refusals: tuple[type[Exception], ...] = (Refused, SlotGone)
    declines: tuple[type[Exception], ...] = (CardRefused,)
    taken: tuple[type[Exception], ...] = (SlotGone,)
    price_min = 100
    """Half an hour of what is sold must cost half a dollar, too."""

    def __init__(self, world: World, market: Market, admin: Person, now: datetime) -> None:
        """Made by `of`."""
        self.world = world
        self.market = market
        self.admin = admin
        self.now = now
        self._keys: dict[int, UUID] = {}
        self._payouts: dict[UUID, tuple[int, int]] = {}

    @classmethod
    async def of(cls, world: World, market: Market) -> "WorldHands":
        """Stops the world's clock and signs its admin in."""
        at = (await market.now()).astimezone(UTC) + timedelta(minutes=1)
        await market.travel(at, is_frozen=True)
        return cls(world, market, await market.admin(), at)

    def new_id(self) -> UUID:
        """An id for a deed; as the key of its request it makes repeating harmless."""
        return new_id(self.now)

    def people(self, lesson: Lesson) -> tuple[UUID, UUID]:
        """Who teaches and who learns."""
        return UUID(lesson.offer.instructor.id), UUID(lesson.student.id)

    async def travel(self, at: datetime) -> None:
        """Goes there; a travel that was cut off is gone on with."""
        if at >= await self.market.now():
            await self.market.travel(at, is_frozen=True)
        self.now = (await self.market.now()).astimezone(UTC)

    async def settle(self) -> None:
        """Waits until the world is quiet."""
        await self.travel(self.now)

    async def revisit(self) -> None:
        """The worker does so by itself."""
        await self.settle()

    async def lesson(self, price: int, lead: timedelta) -> Lesson:
        """A lesson of new people that could be booked now."""
        made = await Lesson.arrange(self.market, price_cents=price, lead=lead)
        self.now = (await self.market.now()).astimezone(UTC)
        return made

    async def joined(self, lesson: Lesson, *, student_of: Lesson) -> Lesson:
        """The same lesson for a student there is already."""
        return self._beside(lesson, student_of.student, lesson.start_at)

    async def rival(self, lesson: Lesson, start: datetime) -> Lesson:
        """The same slot for somebody new."""
        mark = self.new_id().hex
        student = await self.market.register(f"r.{mark}@example.com", "Rita", "student", "UTC")
        return self._beside(lesson, student, start)

    def _beside(self, lesson: Lesson, student: Person, start: datetime) -> Lesson:
        made = Lesson(self.market, lesson.offer, student, start)
        made.world = lesson.world
        return made

    async def script(self, *steps: str) -> str:
        """A card whose charges follow the steps."""
        answer = await self.market.ask(
            "POST", f"{self.world.stripe_url}/_emulator/scripts", body={"steps": list(steps)}
        )
        return str(answer.json()["payment_method"])

    async def book(self, lesson: Lesson, token: str, *, again: bool) -> None:
        """Books with a card."""
        del again
        key = self._keys.setdefault(id(lesson), self.new_id())
        wish = lesson.offer.request(lesson.start_at.isoformat(), payment_method_id=token)
        try:
            async with told():
                answer = await lesson.student.post("/api/bookings", wish, key=str(key))
                lesson.booking = answer["booking"]
        except CardRefused as refusal:
            cause = refusal.__cause__
            assert isinstance(cause, Refused)
            lesson.booking = {"id": cause.problem["booking_id"]}
            raise

    def _path(self, lesson: Lesson, word: str) -> str:
        return f"/api/bookings/{lesson.booking['id']}/{word}"

    def _who(self, lesson: Lesson, side: str) -> Person:
        return lesson.offer.instructor if side == "instructor" else lesson.student

    async def cancel(self, lesson: Lesson, *, by: str) -> None:
        """One side takes it back."""
        await self._who(lesson, by).post(self._path(lesson, "cancel"), {})

    async def move(self, lesson: Lesson, to: datetime) -> None:
        """The student moves it alone."""
        await self._wish(lesson, to, by="student", key=self.new_id())

    async def propose(self, lesson: Lesson, to: datetime, *, by: str, proposal_id: UUID) -> None:
        """One side asks for another time."""
        await self._wish(lesson, to, by=by, key=proposal_id)

    async def _wish(self, lesson: Lesson, to: datetime, *, by: str, key: UUID) -> None:
        wish = {"start_at": to.isoformat()}
        path = self._path(lesson, "reschedule")
        await self._who(lesson, by).post(path, wish, key=str(key))

    async def accept(self, lesson: Lesson, *, by: str, proposal_id: UUID) -> None:
        """The other side agrees to the newest proposal."""
        del proposal_id
        listed = await lesson.student.get(self._path(lesson, "proposals"))
        found = [each for each in listed["items"] if each["state"] == "open"]
        if found:
            path = self._path(lesson, f"proposals/{found[-1]['id']}/accept")
            await self._who(lesson, by).post(path, {})

    async def new_card(self, lesson: Lesson, token: str) -> None:
        """Another card, or the one that pays a debt."""
        wish = {"booking_id": lesson.booking["id"], "payment_method_id": token}
        key = str(self.new_id())
        async with told():
            await lesson.student.post("/api/payments/update-method", wish, key=key)

    async def challenge(self, lesson: Lesson, *, is_passed: bool) -> None:
        """The cardholder answers their bank."""
        intents = await lesson.intents()
        word = "complete" if is_passed else "fail"
        await lesson.stripe_post(f"/_emulator/3ds/{intents[0]['id']}/{word}", {})
        await self.settle()

    async def report(self, lesson: Lesson, *, absent: str) -> None:
        """One side says that the other did not come."""
        who = "student" if absent == "instructor" else "instructor"
        key = str(self.new_id())
        await self._who(lesson, who).post(self._path(lesson, "no-show"), {"who": absent}, key=key)

    async def contest(self, lesson: Lesson, *, absent: str) -> None:
        """The other side says that they did."""
        await self._who(lesson, absent).post(self._path(lesson, "no-show/contest"), {})

    def _admins(self, lesson: Lesson, word: str) -> str:
        return f"/api/admin/bookings/{lesson.booking['id']}/{word}"

    async def resolve(self, lesson: Lesson, *, is_upheld: bool) -> None:
        """An admin decides."""
        path, key = self._admins(lesson, "no-show/resolve"), str(self.new_id())
        await self.admin.post(path, {"upheld": is_upheld}, key=key)

    async def refund(self, lesson: Lesson, amount: int, *, reverses: bool, refund_id: UUID) -> None:
        """An admin gives something back."""
        wish = {"amount_cents": amount, "reason": "Because.", "reverse_transfer": reverses}
        await self.admin.post(self._admins(lesson, "refund"), wish, key=str(refund_id))

    async def pay_out(self, lesson: Lesson, amount: int | None, *, payout_id: UUID) -> None:
        """The instructor wants their money at once."""
        wish: JSON = {} if amount is None else {"amount_cents": amount}
        answer = await lesson.offer.instructor.post(
            "/api/payments/instant-payout", wish, key=str(payout_id)
        )
        self._payouts[payout_id] = answer["net_cents"], answer["fee_cents"]

    async def judge(self, lesson: Lesson, verdict: str) -> None:
        """The bank decides."""
        listed = await self.admin.get("/api/admin/disputes")
        for each in listed["items"]:
            is_open = each["closed_at"] is None
            if each["booking_id"] == lesson.booking["id"] and is_open:
                word = "lose" if verdict == "lost" else "win"
                # a second time it is over already
                path = f"{self.world.stripe_url}/_emulator/disputes/{each['id']}/{word}"
                await self.market.ask("POST", path, body={})

    async def grant(self, lesson: Lesson, amount: int, *, lot_id: UUID) -> None:
        """An admin gives a student credit."""
        wish = {"user_id": lesson.student.id, "amount_cents": amount, "reason": "Sorry."}
        await self.admin.post("/api/admin/credits", wish, key=str(lot_id))

    async def state(self, lesson: Lesson) -> State:
        """Where booking and payment are, as the student sees it."""
        booking = await lesson.read()
        return booking["status"], booking.get("outcome"), booking["payment_status"]

    async def totals(self, lesson: Lesson) -> dict[str, int]:
        """The booking's ledger by account class, from the product's tables."""
        query = (
            "SELECT split_part(l.account, ':', 1), sum(l.amount_cents)::bigint FROM ledger_lines l"
            " JOIN ledger_entries e ON e.id = l.entry_id WHERE e.booking_id = $1 GROUP BY 1"
        )
        async with self._books() as books:
            found = await books.rows(query, UUID(lesson.booking["id"]))
        return {each[0]: each[1] for each in found if each[1]}

    def _books(self):  # noqa: ANN202 - what `opened` gives
        return opened(self.world.database_url, self.world.stripe_url, self.world.stripe_secret_key)

    async def kept_until(self, lesson: Lesson) -> datetime | None:
        """Until when the bank reserves the money, as Stripe says."""
        for each in await lesson.intents():
            if each["status"] == "requires_capture" and each["latest_charge"]:
                charge = await lesson.stripe(f"/v1/charges/{each['latest_charge']}")
                before = charge["payment_method_details"]["card"]["capture_before"]
                return datetime.fromtimestamp(before, tz=UTC)
        return None

    async def wallet(self, lesson: Lesson) -> int:
        """What the instructor has with us."""
        query = "SELECT coalesce(-sum(amount_cents), 0)::int FROM ledger_lines WHERE account = $1"
        async with self._books() as books:
            return int(str(await books.value(query, f"WAL:{lesson.offer.instructor.id}")))

    async def payout(self, payout_id: UUID) -> tuple[int, int] | None:
        """A payout's net and fee."""
        return self._payouts.get(payout_id)

    async def wrong(self) -> list[str]:
        """Which invariants are broken."""
        world = self.world
        return await violations(world.database_url, world.stripe_url, world.stripe_secret_key)
