"""One lesson played through HTTP and the virtual clock, to be read like a story."""

import asyncio
import secrets
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Self

import httpx

from sandbox.client import JSON, Market, Offer, Person, fresh_key, open_for_lessons

PLAIN = {"attach": 1, "create": 1, "confirm": 1, "capture": 1}
"""What a lesson paid by card writes at Stripe when nothing goes wrong."""
ALL_WEEK = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7)]
WRITES = {
    "att": "attach",
    "pi": "create",
    "conf": "confirm",
    "cap": "capture",
    "rel": "release",
    "top": "transfer",
    "rev": "reverse",
    "tback": "reverse_top_up",
    "ref": "refund",
    "seti": "setup",
    "setc": "cancel_setup",
}
"""What the first part of an idempotency key asks of Stripe."""
LOG_LINES = 50_000
POLL_SECONDS = 0.02
POLLS_MAX = 500


class Lesson:
    """An instructor, a student and one start; money is read as changes since the beginning."""

    def __init__(self, market: Market, offer: Offer, student: Person, start_at: datetime) -> None:
        """Made by `arrange`."""
        self.market = market
        self.offer = offer
        self.student = student
        self.start_at = start_at
        self.end_at = start_at + timedelta(minutes=60)
        self.booking: JSON = {}
        self.world: JSON = {}

    @classmethod
    async def arrange(
        cls, market: Market, *, price_cents: int = 10_000, lead: timedelta = timedelta(days=5)
    ) -> Self:
        """People and a start `lead` ahead; the clock stands still exactly `lead` before it."""
        mark = secrets.token_hex(4)
        instructor, student = await asyncio.gather(
            market.register(f"i.{mark}@example.com", "Ines Teaches", "instructor", "UTC"),
            market.register(f"s.{mark}@example.com", "Sol Learns", "student", "UTC"),
        )
        offer = await open_for_lessons(
            instructor,
            skill="piano",
            title="Piano",
            hourly_rate_cents=price_cents,
            weekly=ALL_WEEK,
            policy={"minimum_notice_minutes": 0, "grid_minutes": 60},
        )
        now = await market.now()
        start_at = (now + lead).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        lesson = cls(market, offer, student, start_at)
        lesson.world = await market.send("GET", "/sandbox")
        await lesson.travel(start_at - lead)
        return lesson

    async def travel(self, at: datetime) -> list[JSON]:
        """Moves the clock and stops it there; answers what fired for this lesson."""
        answer = await self.market.travel(at, is_frozen=True)
        own = self.booking.get("id")
        return [fired for fired in answer["fired"] if own is None or fired["booking_id"] == own]

    async def before(self, **distance: float) -> list[JSON]:
        """Travels to `distance` before the start."""
        return await self.travel(self.start_at - timedelta(**distance))

    async def after_end(self, **distance: float) -> list[JSON]:
        """Travels to `distance` after the end."""
        return await self.travel(self.end_at + timedelta(**distance))

    async def book(self, card: str | None = "pm_card_visa", *, by: Person | None = None) -> JSON:
        """Books the start; keeps the booking; answers the whole body."""
        more = {"payment_method_id": card} if card else {}
        request = self.offer.request(self.start_at.isoformat(), **more)
        answer = await (by or self.student).post("/api/bookings", request, key=fresh_key())
        self.booking = answer["booking"]
        return answer

    async def read(self) -> JSON:
        """The booking as its student sees it now."""
        answer = await self.student.get(f"/api/bookings/{self.booking['id']}")
        self.booking = answer["booking"]
        return self.booking

    async def cancel(self, *, by: Person | None = None) -> JSON:
        """Cancels and waits until the money has followed."""
        await (by or self.student).post(f"/api/bookings/{self.booking['id']}/cancel", {})
        await self.travel(await self.market.now())
        return await self.read()

    async def totals(self) -> dict[str, int]:
        """This booking's ledger by account class; accounts at zero are left out."""
        admin = await self.market.admin()
        ledger = await admin.get("/api/admin/ledger", booking_id=self.booking["id"], limit=100)
        sums: dict[str, int] = defaultdict(int)
        for entry in ledger["entries"]:
            assert sum(line["amount_cents"] for line in entry["lines"]) == 0
            for line in entry["lines"]:
                sums[line["account"].split(":")[0]] += line["amount_cents"]
        assert ledger["balanced"] is True
        return {account: cents for account, cents in sums.items() if cents}

    async def journal_kinds(self) -> list[str]:
        """The kinds of this booking's ledger entries, oldest first."""
        admin = await self.market.admin()
        ledger = await admin.get("/api/admin/ledger", booking_id=self.booking["id"], limit=100)
        return [entry["kind"] for entry in reversed(ledger["entries"])]

    async def stripe(self, path: str, **params: str | int) -> JSON:
        """GET at Stripe with the platform's key."""
        base, secret = self.world["stripe_url"], self.world["stripe_secret_key"]
        async with httpx.AsyncClient(base_url=base, auth=(secret, ""), timeout=30) as client:
            return (await client.get(path, params=params)).raise_for_status().json()

    async def stripe_post(self, path: str, body: JSON) -> JSON:
        """POST JSON to the emulator's control addresses."""
        async with httpx.AsyncClient(base_url=self.world["stripe_url"], timeout=30) as client:
            return (await client.post(path, json=body)).raise_for_status().json()

    async def stripe_delete(self, path: str) -> None:
        """DELETE at the emulator's control addresses."""
        async with httpx.AsyncClient(base_url=self.world["stripe_url"], timeout=30) as client:
            (await client.delete(path)).raise_for_status()

    async def stripe_of(self, account: str, path: str) -> JSON:
        """GET at Stripe as the platform looking into a connected account."""
        base, secret = self.world["stripe_url"], self.world["stripe_secret_key"]
        headers = {"Stripe-Account": account}
        async with httpx.AsyncClient(base_url=base, auth=(secret, ""), timeout=30) as client:
            return (await client.get(path, headers=headers)).raise_for_status().json()

    async def stripe_form(self, path: str, **fields: str) -> JSON:
        """POST at Stripe with the platform's key, as somebody in its dashboard would."""
        base, secret = self.world["stripe_url"], self.world["stripe_secret_key"]
        async with httpx.AsyncClient(base_url=base, auth=(secret, ""), timeout=30) as client:
            return (await client.post(path, data=fields)).raise_for_status().json()

    async def intents(self) -> list[JSON]:
        """Every payment intent of this booking."""
        listed = await self.stripe("/v1/payment_intents", limit=100)
        own = self.booking["id"]
        return [i for i in listed["data"] if i["metadata"].get("booking_id") == own]

    async def script(self, *steps: str) -> str:
        """A card whose charges follow `steps`."""
        return (await self.stripe_post("/_emulator/scripts", {"steps": steps}))["payment_method"]

    async def writes(self, suffix: str) -> int:
        """How many requests `POST …{suffix}` this booking's intents got, as Stripe logged them."""
        log = await self.stripe("/_emulator/log", limit=1000)
        paths = [f"/v1/payment_intents/{i['id']}{suffix}" for i in await self.intents()]
        return sum(1 for r in log["data"] if r["method"] == "POST" and r["path"] in paths)

    async def writes_total(self) -> dict[str, int]:
        """Every write for this booking that Stripe worked, by kind, as the emulator logged it.

        A declined confirmation is one, answered or not; a stored answer given again is none.
        Payouts are an instructor's and not counted.
        """
        log = await self.stripe("/_emulator/log", method="POST", limit=LOG_LINES)
        own = [
            line["key"].split(":")[0]
            for line in log["data"]
            if self.booking["id"] in (line["key"] or "") and line["decision"] != "replayed"
        ]
        return dict(Counter(WRITES.get(each, each) for each in own))

    async def mails(self, subject_part: str, *, to: Person | None = None) -> list[JSON]:
        """Mails to somebody (else the student) whose subject has these words."""
        whom = {"to": (to or self.student).email}
        caught = await self.market.send("GET", "/sandbox/mail", params=whom)
        mails = caught["items"] if isinstance(caught, dict) else caught
        return [mail for mail in mails if subject_part in mail["subject"].lower()]

    async def is_listed(self) -> bool:
        """Whether the start is among the free slots."""
        window = {"from": self.start_at.isoformat(), "to": self.end_at.isoformat()}
        offer = self.offer
        listed = await self.market.slots(offer.instructor.id, offer.service_id, 60, **window)
        starts = [datetime.fromisoformat(slot["start_at"]) for slot in listed["slots"]]
        return self.start_at in starts
