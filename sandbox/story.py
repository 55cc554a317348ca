"""`make demo`: one lesson from an empty calendar to a paid instructor, told in the terminal.

Each step is safe to repeat, so the same story also runs while processes are being killed.
"""

import asyncio
import os
import secrets
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import msgspec
import websockets

from domain.money import words
from sandbox.client import JSON, Market, Offer, Person, Refused, fresh_key, open_for_lessons

RACERS = 50
PRICE_CENTS = 10_000
Tell = Callable[[str], None]


def quietly(_line: str) -> None:
    """Tells nothing: for tests."""


class Story:
    """The whole main job on one marketplace; `steps` in order, each repeatable."""

    def __init__(self, market: Market, *, tell: Tell = print, racers: int = RACERS) -> None:
        """`tell` gets one line at a time; `racers` compete for the slot."""
        self.market = market
        self.tell = tell
        self.racers = racers
        self.mark = secrets.token_hex(3)
        self.keys: dict[str, str] = defaultdict(fresh_key)
        self.students: list[Person] = []
        self.offer: Offer | None = None
        self.slot: JSON = {}
        self.booking: JSON = {}
        self.winner: Person | None = None
        self.frames: list[JSON] = []

    @property
    def steps(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Title and deed of every step."""
        return [
            ("An instructor opens for lessons", self.open),
            ("A student looks, and watches live", self.look),
            (f"{self.racers} students want the same hour", self.race),
            ("24 hours before: the card is authorised", self.authorize),
            ("The lesson takes place", self.teach),
            ("24 hours after: the card is charged, the instructor paid", self.capture),
        ]

    async def play(self) -> None:
        """Plays every step in order."""
        for number, (title, deed) in enumerate(self.steps, start=1):
            self.tell(f"\n{number}. {title}")
            await deed()

    async def open(self) -> None:
        """Registers an instructor, publishes a week and connects payouts."""
        email = f"ada.{self.mark}@example.com"
        ada = await self.market.register(email, "Ada Okafor", "instructor", "America/New_York")
        self.offer = await open_for_lessons(
            ada,
            skill="piano",
            title="Piano for beginners",
            hourly_rate_cents=PRICE_CENTS,
            headline="Piano, patiently",
        )
        self.tell("   Ada offers piano at $100.00 an hour, Monday to Friday, 9:00-17:00 New York.")
        self.tell("   Her payouts are connected, so she can be booked.")

    async def look(self) -> None:
        """Students register; one sees free slots and starts watching."""
        offer = self._offer()
        self.students = list(await asyncio.gather(*(self._student(n) for n in range(self.racers))))
        now = await self.market.now()
        window = {
            "from": (now + timedelta(days=3)).isoformat(),
            "to": (now + timedelta(days=10)).isoformat(),
        }
        listed = await self.market.slots(offer.instructor.id, offer.service_id, 60, **window)
        self.slot = self.slot or listed["slots"][8]
        self.tell(f"   {len(listed['slots'])} free starts in a week; they choose {self._start()}.")

    async def _student(self, number: int) -> Person:
        email = f"student{number}.{self.mark}@example.com"
        return await self.market.register(email, f"Student {number}", "student", "Europe/Berlin")

    async def race(self) -> None:
        """Everybody books the same slot at once; one wins, all watchers see it go."""
        watcher = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        results = await asyncio.gather(*(self._try_to_book(one) for one in self.students))
        refused = results.count("slot-taken")
        await watcher
        self.tell(f"   {results.count('booked')} booked, {refused} were told the time is taken.")
        self.tell(f"   Watchers saw it leave: {len(self._removals())} slots gone in one change.")
        await self._tell_booking("   The winner's card is saved, nothing is charged:")

    async def _try_to_book(self, student: Person) -> str:
        request = self._offer().request(self.slot["start_at"], payment_method_id="pm_card_visa")
        try:
            answer = await student.post("/api/bookings", request, key=self.keys[student.id])
        except Refused as refusal:
            return refusal.code
        self.booking, self.winner = answer["booking"], student
        return "booked"

    async def _watch(self) -> None:
        """Follows the slots until one goes away; a lost socket is opened again."""
        address = self.market.url.replace("http", "ws", 1) + "/api/live"
        ask = {
            "type": "subscribe",
            "instructor_id": self._offer().instructor.id,
            "duration_minutes": 60,
            "from": self.slot["start_at"],
            "to": (datetime.fromisoformat(self.slot["end_at"]) + timedelta(hours=1)).isoformat(),
        }
        for _ in range(100):
            try:
                await self._listen(address, msgspec.json.encode(ask).decode())
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.2)
            if self.frames and self._is_gone():
                return
        raise TimeoutError("the watcher did not see the slot leave")

    async def _listen(self, address: str, ask: str) -> None:
        async with asyncio.timeout(60), websockets.connect(address) as socket:
            await socket.send(ask)
            async for frame in socket:
                self.frames.append(msgspec.json.decode(frame))
                if self._is_gone():
                    return

    def _is_gone(self) -> bool:
        frame = self.frames[-1]
        has_left = self.booking and frame["type"] == "snapshot" and self.slot not in frame["slots"]
        return bool(self._removals() or has_left)

    def _removals(self) -> list[JSON]:
        return next((f["removed"] for f in self.frames if f.get("removed")), [])

    async def authorize(self) -> None:
        """Travels to 24 hours before the start."""
        await self._travel(self._instant("start_at") - timedelta(hours=24))
        await self._tell_booking("   Reserved on the card, not taken:")

    async def teach(self) -> None:
        """Travels to the end of the lesson."""
        await self._travel(self._instant("end_at"))
        await self._tell_booking("   Taught:")

    async def capture(self) -> None:
        """Travels to 24 hours after the end and reads every balance."""
        await self._travel(self._instant("end_at") + timedelta(hours=24))
        await self._tell_booking("   Charged and paid:")
        totals = await self.totals()
        connected = -totals.get("WAL", 0)
        share, platform = words(connected), words(totals.get("SP", 0))
        self.tell(f"   Ada's connected account holds {share}: 85 % of {words(PRICE_CENTS)}.")
        self.tell(f"   The platform keeps {platform}: 15 % less Stripe's {words(totals['XPR'])}.")
        books = await self.connected_balance()
        self.tell(f"   Stripe's own books say the same of Ada: {words(books)}.")

    async def totals(self) -> dict[str, int]:
        """The booking's ledger, summed by account class, in cents; zero lines left out."""
        admin = await self.market.admin()
        ledger = await admin.get("/api/admin/ledger", booking_id=self.booking["id"])
        sums: dict[str, int] = defaultdict(int)
        for entry in ledger["items" if "items" in ledger else "entries"]:
            for line in entry["lines"]:
                sums[line["account"].split(":")[0]] += line["amount_cents"]
        return {account: cents for account, cents in sums.items() if cents}

    async def connected_balance(self) -> int:
        """What Stripe says the instructor's account holds, in cents."""
        status = await self._offer().instructor.get("/api/instructor/stripe/status")
        balance = await self.market.stripe("/v1/balance", account=status["account_id"])
        return sum(part["amount"] for part in balance["available"] + balance["pending"])

    async def _travel(self, at: datetime) -> None:
        if await self.market.now() >= at:
            return
        fired = await self.market.travel(at)
        mine = [f["kind"] for f in fired["fired"] if f["booking_id"] == self.booking["id"]]
        self.tell(f"   Time travels to {at:%a %d %b %Y, %H:%M} UTC; fired: {', '.join(mine)}.")

    async def _tell_booking(self, head: str) -> None:
        student = self._winner()
        answer = await student.get(f"/api/bookings/{self.booking['id']}")
        self.booking = answer["booking"]
        self.tell(f"{head} {self.booking['status']}, payment {self.booking['payment_status']}.")
        sums = await self.totals()
        lines = "  ".join(f"{account} {cents:+d}" for account, cents in sorted(sums.items()))
        self.tell(f"   Ledger: {lines or 'empty'}  (sum {sum(sums.values())})")

    def _instant(self, field: str) -> datetime:
        return datetime.fromisoformat(self.booking[field])

    def _start(self) -> str:
        return f"{datetime.fromisoformat(self.slot['start_at']):%A %d %B, %H:%M} UTC"

    def _offer(self) -> Offer:
        if self.offer is None:
            raise RuntimeError("the story begins with the instructor")
        return self.offer

    def _winner(self) -> Person:
        if self.winner is None:
            raise RuntimeError("nobody won the race")
        return self.winner


async def main() -> None:
    """Plays the story against a running `make run`."""
    url = os.environ.get("URL") or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    async with Market(url) as market:
        try:
            await market.send("GET", "/health/ready")
        except httpx.TransportError:
            sys.exit(f"Nobody answers at {url}. Start the marketplace with `make run` first.")
        await Story(market).play()


if __name__ == "__main__":
    asyncio.run(main())
