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
from zoneinfo import ZoneInfo

import httpx

from domain.money import words
from sandbox.client import (
    JSON,
    PASSWORD,
    Market,
    Offer,
    Person,
    Refused,
    fresh_key,
    open_for_lessons,
)
from sandbox.watcher import Watcher

RACERS = 50
PRICE_CENTS = 10_000
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
ACCOUNTS = {
    "SP": "Platform's balance at Stripe",
    "SC": "Ada's balance at Stripe",
    "WAL": "Ada's own money behind it",
    "CLR": "Captured, not yet shared out",
    "REV": "Platform fee, earned",
    "XPR": "Stripe's fee for the card, paid",
}
"""The ledger's account classes in words: debits are positive, credits negative."""
FIRED = {
    "confirm": "confirmed the lesson",
    "authorize": "reserved the price on the card",
    "start": "began the lesson",
    "complete": "completed the lesson",
    "capture": "charged the card and paid the share",
}
LEFT = {"held": "somebody holds it", "booked": "somebody booked it"}
PAYMENTS = {
    "scheduled": "the card is saved, nothing is reserved and nothing charged",
    "authorized": "the price is reserved on the card, nothing is charged",
    "settled": "the card is charged and everybody has their share",
}
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
        self.watcher: Watcher | None = None

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
        offer, winner = self._offer(), self._winner()
        self.tell("\nLook for yourself:")
        self.tell(f"   {self.market.url}/instructors/{offer.instructor.id}  Ada's page")
        self.tell(f"   {self.market.url}/login  password of both: {PASSWORD}")
        self.tell(f"   {offer.instructor.email}  Ada, who taught")
        self.tell(f"   {winner.email}  {winner.name}, who won the race")

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
        price = words(PRICE_CENTS)
        self.tell(f"   Ada teaches piano for {price} an hour, Monday to Friday, 9:00 to 17:00")
        self.tell("   in New York. Her bank account is connected, so she can be booked.")

    async def look(self) -> None:
        """Students register; one sees free slots and leaves the page open."""
        offer = self._offer()
        self.students = list(await asyncio.gather(*(self._student(n) for n in range(self.racers))))
        now = await self.market.now()
        window = {
            "from": (now + timedelta(days=3)).isoformat(),
            "to": (now + timedelta(days=10)).isoformat(),
        }
        listed = await self.market.slots(offer.instructor.id, offer.service_id, 60, **window)
        self.slot = self.slot or listed["slots"][8]
        self.tell(f"   {len(listed['slots'])} free starts in a week; the students choose")
        self.tell(f"   {self._start()}.")
        self.watcher = Watcher(self.market.url, offer, self.slot)
        await self.watcher.open()
        self.tell(
            f"   One leaves the page open: it shows {len(self.watcher.slots)} starts around it."
        )

    async def _student(self, number: int) -> Person:
        email = f"student{number}.{self.mark}@example.com"
        return await self.market.register(email, f"Student {number}", "student", "Europe/Berlin")

    async def race(self) -> None:
        """Everybody books the same slot at once; one wins, who watches sees it go."""
        results = await asyncio.gather(*(self._try_to_book(one) for one in self.students))
        booked, refused = results.count("booked"), results.count("slot-taken")
        self.tell(f"   {booked} booked, {refused} were told the time is taken.")
        await self._tell_what_left()
        await self._tell_booking()

    async def _tell_what_left(self) -> None:
        """What the open page has shown meanwhile, without being loaded again."""
        if self.watcher is None:
            raise RuntimeError("nobody watches")
        await self.watcher.until_gone()
        why = LEFT.get(self.watcher.reason, "somebody was quicker")
        others = max(len(self.watcher.left) - 1, 0)
        self.tell(f"   The open page saw it live: {self._start(is_short=True)} is gone ({why}),")
        self.tell(f"   and with it {others} starts that overlap it.")

    async def _try_to_book(self, student: Person) -> str:
        request = self._offer().request(self.slot["start_at"], payment_method_id="pm_card_visa")
        try:
            answer = await student.post("/api/bookings", request, key=self.keys[student.id])
        except Refused as refusal:
            return refusal.code
        self.booking, self.winner = answer["booking"], student
        return "booked"

    async def authorize(self) -> None:
        """Travels to 24 hours before the start."""
        await self._travel(self._instant("start_at") - timedelta(hours=24))
        await self._tell_booking()

    async def teach(self) -> None:
        """Travels to the end of the lesson."""
        await self._travel(self._instant("end_at"))
        await self._tell_booking()

    async def capture(self) -> None:
        """Travels to 24 hours after the end and reads every balance."""
        await self._travel(self._instant("end_at") + timedelta(hours=24))
        await self._tell_booking()
        totals = await self.totals()
        connected = -totals.get("WAL", 0)
        share, platform = words(connected), words(totals.get("SP", 0))
        self.tell(f"   Ada has {share}: 85 % of {words(PRICE_CENTS)}.")
        self.tell(f"   The platform keeps {platform}: 15 % less Stripe's {words(totals['XPR'])}.")
        books = await self.connected_balance()
        self.tell(f"   Stripe's own books say of Ada: {words(books)}.")

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
        done = " and ".join(FIRED.get(kind, kind) for kind in mine) or "had nothing to do"
        self.tell(f"   The clock moves to {_in_words(at)}.")
        self.tell(f"   On its way the marketplace {done}.")

    async def _tell_booking(self) -> None:
        student = self._winner()
        answer = await student.get(f"/api/bookings/{self.booking['id']}")
        self.booking = answer["booking"]
        status, payment = self.booking["status"], self.booking["payment_status"]
        self.tell(f"   The lesson is {status}; {PAYMENTS.get(payment, f'payment {payment}')}.")
        sums = await self.totals()
        if not sums:
            self.tell("   Ledger: empty, for no money has moved.")
            return
        self.tell("   Ledger of this lesson (debits +, credits -; the sum is always zero):")
        for account, cents in sorted(sums.items(), key=lambda each: _place(each[0])):
            self.tell(f"      {ACCOUNTS.get(account, account):<34}{words(cents):>10}")
        self.tell(f"      {'Sum':<34}{words(sum(sums.values())):>10}")

    def _instant(self, field: str) -> datetime:
        return datetime.fromisoformat(self.booking[field])

    def _start(self, *, is_short: bool = False) -> str:
        at = datetime.fromisoformat(self.slot["start_at"])
        if is_short:
            return f"{at.astimezone(NEW_YORK):%H:%M}"
        return f"{_in_words(at)} ({at.astimezone(BERLIN):%H:%M} for the students in Berlin)"

    def _offer(self) -> Offer:
        if self.offer is None:
            raise RuntimeError("the story begins with the instructor")
        return self.offer

    def _winner(self) -> Person:
        if self.winner is None:
            raise RuntimeError("nobody won the race")
        return self.winner


def _place(account: str) -> int:
    """Where an account stands in a list for people: what is there, whose it is, who earned."""
    return list(ACCOUNTS).index(account) if account in ACCOUNTS else len(ACCOUNTS)


def _in_words(at: datetime) -> str:
    """An instant as Ada reads it."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M} in New York"


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
