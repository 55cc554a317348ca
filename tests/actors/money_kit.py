"""One marketplace in this process: real Postgres, NATS and Stripe emulator, virtual time.

`Market.travel` stands for clock and worker, so that a test can stop between any two things.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from aiosmtpd.smtp import SMTP

from actors.bookings import BookingAnswer, BookLesson
from actors.wiring import Money
from domain.bookings import Booking
from domain.ids import BookingId, ServiceId, UserId, new_id
from domain.people import Viewer
from gateways.bus import Bus
from gateways.clock import SharedClock
from gateways.settings import Settings
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from storage.bookings import booking_of_anyone
from storage.database import Database
from storage.ledger import ledger_entries
from storage.outbox import mark_events_published, waiting_events
from storage.stripe_events import waiting_events as waiting_stripe_events
from storage.timings import claim_due_timings, rescue_timings
from tests.actors.money_faults import Mails, Receiver
from tests.actors.money_process import Fuse, Process

LESSON = datetime(2027, 3, 10, 18, tzinfo=UTC)
BOOKED_AT = LESSON - timedelta(days=5)
FAR = datetime(9999, 1, 1, tzinfo=UTC)
ROUNDS_MAX = 200


class Market:
    """The parts, the people, and time."""

    def __init__(
        self,
        db: Database,
        process: Process,
        settings: Settings,
        writer: ClockWriter,
        stripe: tuple[Emulator, httpx.AsyncClient],
    ) -> None:
        """Made by `open_market`. `db` belongs to who looks on; the process has its own."""
        self.db = db
        self.process = process
        self.settings = settings
        self.clock = SharedClock(writer.path)
        self.writer = writer
        self.emulator, self.http = stripe
        self.receiver = Receiver()
        self.mails = Mails()
        self.fired: list[str] = []

    @property
    def money(self) -> Money:
        """The money side of the process that lives now."""
        return self.process.money

    @property
    def fuse(self) -> Fuse:
        """What counts the effects of the process that lives now."""
        return self.process.fuse

    @property
    def bus(self) -> Bus:
        """The bus of the process that lives now."""
        return self.process.bus

    async def travel(self, target: datetime, *, rescues: bool = False) -> list[str]:
        """Goes to `target`, firing (and rescuing) all that is due on the way; what fired."""
        self.fired = []
        await self.settle()
        while True:
            next_at = min([at for at in await self._next_instants() if at is not None] or [FAR])
            if next_at > target:
                break
            self.writer.freeze(max(next_at, self.clock.now()))
            await self.settle()
            if rescues and await self.money.payments.rescue(is_boot=True):
                await self.settle()
        self.writer.freeze(target)
        await self.settle()
        return self.fired

    async def settle(self) -> None:
        """Does all there is to do at this instant."""
        for _ in range(ROUNDS_MAX):
            due = await self.control("/_emulator/clock", {})
            worked = await self._fire() + await self._work_events() + await self._deliver()
            if not worked and not due["deliveries_due"]:
                return
            if not worked:
                await asyncio.sleep(0.01)
        raise AssertionError("the market does not come to rest")

    async def survive(self, act: Callable[[], Awaitable[object]]) -> bool:
        """Whether the process outlived an act; if not, another has been started."""
        fuse = self.fuse
        acting, blown = asyncio.ensure_future(act()), asyncio.ensure_future(fuse.blown.wait())
        await asyncio.wait({acting, blown}, return_when=asyncio.FIRST_COMPLETED)
        blown.cancel()
        if not fuse.blown.is_set():
            await acting
            return True
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        await self.reborn()
        return False

    async def reborn(self) -> None:
        """A new process with fresh memory, and what it does first: rescue."""
        self.receiver.money = None
        await self.process.die()
        self.process = await Process.start(self.settings, self.clock)
        # real time passes for the dead: nobody beats for what it held
        silent = self.clock.wall_now() + timedelta(hours=1)
        async with self.db.transaction() as tx:
            await rescue_timings(tx, beat_before=silent, limit=100)
        await self.money.payments.rescue(is_boot=True)
        self.receiver.money = self.money

    async def _next_instants(self) -> list[datetime | None]:
        timing = await self.value("SELECT min(due_at) FROM timings WHERE state = 'scheduled'")
        event = await self.value(
            "SELECT min(next_attempt_at) FROM stripe_events WHERE state = 'received'"
        )
        due = (await self.http.get("/_emulator/due")).json()
        emulator = due["next_at"] and datetime.fromisoformat(due["next_at"])
        return [timing, event, emulator]

    async def _fire(self) -> int:
        due = "SELECT 1 FROM timings WHERE state = 'scheduled' AND due_at <= $1 LIMIT 1"
        if await self.value(due, self.clock.now()) is None:
            return 0
        async with self.process.db.transaction() as tx:
            claimed = await claim_due_timings(
                tx, now=self.clock.now(), wall_now=self.clock.wall_now(), limit=50
            )
        for each in claimed:
            self.fired.append(each.kind)
            await self.money.timings.fire(each.id)
        return len(claimed)

    async def _work_events(self) -> int:
        waiting = await waiting_stripe_events(self.db.reads, now=self.clock.now(), most=50)
        for each in waiting:
            await self.money.stripe_events.work(each.id)
        return len(waiting)

    async def _deliver(self) -> int:
        events = await waiting_events(self.db.reads, kicked_before=self.clock.wall_now(), limit=100)
        if not events:
            return 0
        self.fuse.burn()  # the hint that the worker is given
        async with self.process.db.transaction() as tx:
            ids = [each.id for each in events]
            await mark_events_published(tx, event_ids=ids, now=self.clock.now())
        return len(events)

    async def value(self, query: str, *arguments: object) -> object:
        """One value of the database."""
        rows = await self.db.reads.fetch(query, *arguments)
        return rows[0][0] if rows else None

    async def control(self, path: str, body: object) -> dict[str, object]:
        """A request to the emulator's own addresses."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def script(self, *steps: str) -> str:
        """A card whose charges follow the steps."""
        return str((await self.control("/_emulator/scripts", {"steps": steps}))["payment_method"])

    async def totals(self, booking_id: UUID) -> dict[str, int]:
        """A booking's ledger by account class; zeros are left out."""
        sums: dict[str, int] = defaultdict(int)
        for entry in await ledger_entries(self.db.reads, booking_id=booking_id):
            assert sum(line.amount_cents for line in entry.lines) == 0
            for line in entry.lines:
                sums[line.account.split(":")[0]] += line.amount_cents
        return {account: cents for account, cents in sums.items() if cents}

    async def intents(self, booking_id: UUID) -> list[dict[str, object]]:
        """A booking's payment intents at Stripe."""
        listed = (await self.http.get("/v1/payment_intents", params={"limit": 100})).json()
        return [i for i in listed["data"] if i["metadata"].get("booking_id") == str(booking_id)]

    async def writes(self, booking_id: UUID, suffix: str) -> int:
        """How many `POST …{suffix}` the booking's intents took."""
        wanted = [f"/v1/payment_intents/{i['id']}{suffix}" for i in await self.intents(booking_id)]
        log = (await self.http.get("/_emulator/log", params={"limit": 1000})).json()
        return sum(1 for r in log["data"] if r["method"] == "POST" and r["path"] in wanted)

    async def booking(self, booking_id: UUID) -> Booking:
        """A booking as it is now."""
        found = await booking_of_anyone(self.db.reads, booking_id=BookingId(booking_id))
        assert found is not None
        return found

    async def lesson(
        self, *, price_cents: int = 10_000, lead: timedelta = timedelta(days=5)
    ) -> "Lesson":
        """An instructor with a service, a student, and the instant `lead` before the start."""
        start_at = (self.clock.now() + lead).replace(minute=0, second=0, microsecond=0)
        start_at += timedelta(hours=1)
        await self.travel(start_at - lead)
        instructor = await self._person("instructor")
        student = await self._person("student")
        service_id = ServiceId(new_id(self.clock.now()))
        await self._teaches(instructor, service_id, price_cents)
        return Lesson(self, instructor, student, service_id, start_at)

    async def _person(self, role: str) -> Viewer:
        now = self.clock.now()
        user_id = UserId(new_id(now))
        async with self.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO users (id, email, password_hash, display_name, time_zone, roles,"
                " created_at) VALUES ($1, $2, '', $3, 'UTC', $4, $5)",
                *(user_id, f"{user_id}@example.com", f"A {role}", [role], now),
            )
            await tx.execute(
                "INSERT INTO learners (id, student_id, display_name, created_at)"
                " VALUES ($1, $1, 'Same', $2)",
                *(user_id, now),
            )
        return Viewer(
            user_id=user_id, roles=frozenset({role}), session_id=uuid4(), request_id=str(uuid4())
        )

    async def _teaches(self, who: Viewer, service_id: ServiceId, price_cents: int) -> None:
        stripe, now = self.money.stripe, self.clock.now()
        account = await stripe.create_account(
            instructor_id=who.user_id, email="i@example.com", public_url="http://localhost"
        )
        link = await stripe.account_link(
            account, return_url="http://localhost/a", refresh_url="http://localhost/b"
        )
        assert (await self.http.post(link)).status_code < 400
        async with self.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO instructors (id, is_published, stripe_account_id, has_transfers,"
                " has_payouts, created_at) VALUES ($1, true, $2, true, true, $3)",
                *(who.user_id, account, now),
            )
            await tx.execute(
                "INSERT INTO services (id, instructor_id, skill, title, hourly_rate_cents,"
                " durations_minutes, modalities, created_at)"
                " VALUES ($1, $2, 'piano', 'Piano', $3, '{60}', '{online}', $4)",
                *(service_id, who.user_id, price_cents, now),
            )
            await tx.execute(
                "INSERT INTO calendars (instructor_id, time_zone, minimum_notice_minutes)"
                " VALUES ($1, 'UTC', 0)",
                who.user_id,
            )
            for weekday in range(7):
                await tx.execute(
                    "INSERT INTO availability_rules VALUES ($1, $2, 0, 1440)", who.user_id, weekday
                )


class Lesson:
    """One lesson's people and its booking."""

    def __init__(
        self,
        market: Market,
        instructor: Viewer,
        student: Viewer,
        service_id: ServiceId,
        start_at: datetime,
    ) -> None:
        """Made by `Market.lesson`."""
        self.market = market
        self.instructor = instructor
        self.student = student
        self.service_id = service_id
        self.start_at = start_at
        self.end_at = start_at + timedelta(hours=1)
        self.id = uuid4()

    async def book(
        self,
        card: str | None = "pm_card_visa",
        *,
        by: Viewer | None = None,
        again: bool = False,
        use_credits: bool = True,
    ) -> BookingAnswer:
        """Books; `again` repeats the same request."""
        if not again:
            self.id = new_id(self.market.clock.now())
        request = BookLesson(
            instructor_id=self.instructor.user_id,
            service_id=self.service_id,
            start_at=self.start_at,
            duration_minutes=60,
            modality="online",
            payment_method_id=card,
            use_credits=use_credits,
        )
        answer = await self.market.money.bookings.book(
            request, viewer=by or self.student, booking_id=self.id
        )
        self.id = answer.booking.id
        return answer

    async def cancel(self, *, by: Viewer | None = None) -> Booking:
        """Cancels, and lets the money follow."""
        await self.market.money.bookings.cancel(self.id, reason=None, viewer=by or self.student)
        await self.market.settle()
        return await self.read()

    async def read(self) -> Booking:
        """The booking as it is now."""
        return await self.market.booking(self.id)

    async def before(self, **distance: float) -> list[str]:
        """Travels to `distance` before the start."""
        return await self.market.travel(self.start_at - timedelta(**distance))

    async def after_end(self, **distance: float) -> list[str]:
        """Travels to `distance` after the end."""
        return await self.market.travel(self.end_at + timedelta(**distance))

    async def totals(self) -> dict[str, int]:
        """The booking's ledger by account class."""
        return await self.market.totals(self.id)


@asynccontextmanager
async def open_market(
    database_url: str,
    nats_url: str,
    emulator: Emulator,
    writer: ClockWriter,
    *,
    payout_rhythm: str = "manual",
) -> AsyncIterator[Market]:
    """A market on an empty database and at an empty Stripe, when the first lesson is booked."""
    stripe = httpx.AsyncClient(
        base_url=emulator.url, auth=(emulator.secret_key, ""), timeout=30, trust_env=False
    )
    (await stripe.post("/_emulator/reset")).raise_for_status()
    receiver = Receiver()
    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/webhooks/stripe"
    secrets = [await _endpoint(stripe, receiver.url, kind) for kind in ("false", "true")]
    mails = Mails()
    post = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mails, enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    settings = Settings(
        smtp_url=f"smtp://127.0.0.1:{post.sockets[0].getsockname()[1]}",
        database_url=database_url,
        nats_url=nats_url,
        stripe_secret_key=emulator.secret_key,
        stripe_publishable_key=emulator.publishable_key,
        stripe_webhook_secrets=tuple(secret for _, secret in secrets),
        stripe_api_base=emulator.url,
        token_secret="x" * 32,
        payout_schedule=payout_rhythm,
    )
    writer.freeze(max(BOOKED_AT, writer.now()))
    db = await Database.connect(database_url)
    process = await Process.start(settings, SharedClock(writer.path))
    market = Market(db, process, settings, writer, (emulator, stripe))
    receiver.money = market.money
    market.receiver, market.mails = receiver, mails
    try:
        yield market
    finally:
        await market.process.end()
        await db.close()
        await stripe.delete("/_emulator/faults")
        for endpoint, _ in secrets:
            await stripe.delete(f"/v1/webhook_endpoints/{endpoint}")
        await stripe.aclose()
        for listener in (server, post):
            listener.close()
            await listener.wait_closed()


async def _endpoint(stripe: httpx.AsyncClient, url: str, is_connect: str) -> tuple[str, str]:
    form = {"url": url, "enabled_events[]": "*", "connect": is_connect}
    made = (await stripe.post("/v1/webhook_endpoints", data=form)).json()
    return str(made["id"]), str(made["secret"])
