"""Random life in a marketplace, told twice: by the product and by the reference.

A driver of our own instead of Hypothesis' RuleBasedStateMachine: every step awaits real servers on
one event loop and a whole story takes a minute, so a search that replays it dozens of times to
shrink it finds nothing in time. The seed alone decides a run; the story it tells is the report.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from actors.credits import Grant
from actors.payment_records import Why
from actors.refunds import RefundWish
from domain.bookings import Actor
from domain.disputes import CLOSED
from domain.errors import SlotTaken
from domain.ids import new_id
from domain.people import Viewer
from storage.disputes import disputes_of_booking
from tests.actors.money_kit import Lesson, Market
from tests.model.invariants import violations
from tests.model.misfortune import Misfortune
from tests.model.reference import HOUR, UNPAID, Card, Story, paid_out, shares
from tests.model.wire import Wire

SECOND = timedelta(seconds=1)
CARDS = (
    Card("pm_card_visa"),
    Card("pm_card_visa"),
    Card("script", ("soft", "ok")),
    Card("script", ("soft", "soft", "soft", "ok")),
    Card("script", ("hard",)),
    Card("pm_card_chargeCustomerFail", ("soft",)),
    Card("pm_card_authenticationRequired", ("asks",)),
    Card("pm_card_createDispute", is_disputed=True),
)
GOOD = CARDS[0]
STEPS = {"soft": "insufficient_funds", "ok": "ok", "hard": "stolen_card"}
LEADS = (5 * 24, 5 * 24, 30, 24, 23, 13, 7, 3)
PRICES = (10_000, 10_000, 4999, 2000, 50, 58, 333, 1, 12_345)
LESSONS_MAX = 4


class Wrong(AssertionError):
    """Product and reference disagree, or an invariant is broken."""


class Thread:
    """One lesson with its story."""

    def __init__(self, lesson: Lesson, story: Story) -> None:
        """The lesson is the product's, the story the reference's."""
        self.lesson = lesson
        self.story = story
        self.paid_out = 0


class Run(Misfortune):
    """One seed's life: lessons, told by the product and by the reference."""

    def __init__(self, market: Market, seed: int, wire: Wire | None = None) -> None:
        """Nothing has happened yet."""
        super().__init__(market, seed, wire)
        self.threads: list[Thread] = []
        self.purses: Counter[UUID] = Counter()
        self.tempted: Thread | None = None
        """Whose edge time has just stopped at: the best moment to cancel."""

    async def live(self, steps: int) -> None:
        """Takes so many steps and looks at everything after each; raises `Wrong`."""
        for _ in range(steps):
            await self.step()
            await self.check()

    async def step(self) -> None:
        """One command that does something."""
        told = len(self.told)
        tempted, self.tempted = self.tempted, None
        if tempted is not None and self.random.random() < 0.35:
            await self.cancel(tempted)
        while len(self.told) == told:
            await self.try_one()

    async def try_one(self) -> None:
        """A command that may find nothing to do now."""
        choices: list[Callable[[], Awaitable[None]]] = [self.pass_time]
        if len(self.threads) < LESSONS_MAX:
            choices += [self.book, self.book, self.goodwill]
        if self.threads:
            thread = self.random.choice(self.threads)
            choices += [
                lambda each=each: each(thread)
                for each in (
                    self.cancel, self.refund, self.new_card, self.challenge,
                    self.pay_out, self.judge, self.rival,
                )
            ]  # fmt: skip
        await self.random.choice(choices)()

    async def check(self) -> None:
        """Compares each lesson with its story, then asks every invariant."""
        wrong: list[str] = []
        for thread in self.threads:
            thread.story.tick(self.now)
            booking = await thread.lesson.read()
            story = thread.story
            seen = (booking.status, booking.outcome, booking.payment_status)
            expected = (story.status, story.outcome, story.payment)
            if seen != expected:
                wrong.append(f"{thread.lesson.id}: is {seen}, should be {expected}")
            totals = await thread.lesson.totals()
            if totals != story.totals():
                wrong.append(f"{thread.lesson.id}: has {totals}, should have {story.totals()}")
        wrong += await violations(self.market)
        self.counted["checks"] += 1
        if wrong:
            raise Wrong("\n".join([f"SEED={self.seed}", *self.told, "--", *wrong]))

    def may_lose(self) -> bool:
        """A dispute is told by webhooks alone: what is lost of one for ever is not found again."""
        return not any(each.story.card.is_disputed for each in self.threads)

    # --- commands ---------------------------------------------------------------------------------

    async def book(self) -> None:
        """A new lesson with new people."""
        price, lead = self.random.choice(PRICES), self.random.choice(LEADS)
        price = max(price, 50)
        lesson = await self.market.lesson(price_cents=price, lead=lead * HOUR)
        rich = [each for each in self.threads if self.credit_of(each.lesson.student) > 0]
        if rich and self.random.random() < 0.7:
            student = self.random.choice(rich).lesson.student
            lesson = Lesson(
                self.market, lesson.instructor, student, lesson.service_id, lesson.start_at
            )
        await self._book(lesson, price)

    def credit_of(self, student: Viewer) -> int:
        """What a student can spend: given and earned, less what their bookings use."""
        own = [each.story for each in self.threads if each.lesson.student == student]
        for story in own:
            story.tick(self.now)
        return self.purses[student.user_id] + sum(
            story.credit_earned - story.credit_used for story in own
        )

    async def goodwill(self) -> None:
        """An admin gives a student credit."""
        if not self.threads:
            return
        student = self.random.choice(self.threads).lesson.student
        amount = self.random.choice((1000, 3000, 20, 9980, 20_000))
        self.tell("goodwill", amount)
        lot_id = new_id(self.now)
        grant = Grant(
            user_id=student.user_id, amount_cents=amount, expires_at=None, reason="Sorry."
        )
        await self.under_fire(
            lambda: self.market.money.credits.grant(grant, lot_id=lot_id, viewer=student)
        )
        self.purses[student.user_id] += amount

    async def rival(self, thread: Thread) -> None:
        """Somebody else wants the very slot: it is free exactly when nothing blocks it."""
        story, old = thread.story, thread.lesson
        story.tick(self.now)
        if self.now + HOUR > story.start or len(self.threads) > LESSONS_MAX:
            return
        student = await self.market._person("student")
        is_free = not any(
            each.story.status in {"pending", "confirmed"}
            and each.lesson.instructor.user_id == old.instructor.user_id
            for each in self.threads
        )
        lesson = Lesson(self.market, old.instructor, student, old.service_id, old.start_at)
        if is_free:
            await self._book(lesson, story.price)
            return
        self.tell("rival")
        try:
            await lesson.book(by=student)
        except SlotTaken:
            return
        raise Wrong(f"SEED={self.seed}: a slot was sold twice")

    async def _book(self, lesson: Lesson, price: int) -> None:
        card = self.random.choice(CARDS)
        token = card.name
        if token == "script":
            token = await self.market.script(*(STEPS[each] for each in card.answers))
        purse = min(self.credit_of(lesson.student), price)
        if purse and card.is_disputed:
            card, token = GOOD, GOOD.name
        story = Story(
            price=price, start=lesson.start_at, card=card, credit=shares(price, purse).credit
        )
        self.tell("book", price, f"L-{lesson.start_at - self.now}", card, story.credit)
        at, is_again = self.now, False

        async def act() -> None:
            nonlocal is_again
            again, is_again = is_again, True
            await lesson.book(token, again=again)

        await self.under_fire(act, is_deaf_allowed=True)
        story.book(at)
        self.threads.append(Thread(lesson, story))

    async def cancel(self, thread: Thread) -> None:
        """The student or the instructor takes it back."""
        story = thread.story
        story.tick(self.now)
        if not story.can_be_cancelled(self.now):
            return
        by = (
            "instructor"
            if self.random.random() < 0.3 and story.status == "confirmed"
            else "student"
        )
        who = thread.lesson.instructor if by == "instructor" else thread.lesson.student
        self.tell("cancel", by, story.tier(self.now), f"L-{story.start - self.now}")
        at = self.now
        await self.under_fire(lambda: thread.lesson.cancel(by=who))
        story.cancel(at, by=by)

    async def pass_time(self) -> None:
        """Goes to an edge of one of the stories, or just beside it, or somewhere."""
        edges: list[tuple[datetime, Thread | None]] = [
            (self.now + timedelta(minutes=self.random.randint(1, 300)), None)
        ]
        for thread in self.threads:
            story = thread.story
            found = [story.start - hours * HOUR for hours in (24, 22, 20, 18, 12, 6, 0)]
            found += [story.end, story.end + 24 * HOUR]
            beside = self.random.choice((-SECOND, timedelta(), timedelta(), SECOND))
            edges += [(at + beside, thread) for at in found]
        ahead = sorted((each for each in edges if each[0] > self.now), key=lambda each: each[0])
        far = 3 if self.random.random() < 0.7 else 12
        target, self.tempted = ahead[min(self.random.randrange(far), len(ahead) - 1)]
        self.tell("travel", f"{target:%m-%dT%H:%M:%S}")
        await self.under_fire(lambda: self.market.travel(target), is_deaf_allowed=True)

    async def new_card(self, thread: Thread) -> None:
        """Another card where one is needed."""
        story = thread.story
        story.tick(self.now)
        is_open = story.status == "pending" or (
            story.status == "confirmed" and self.now < story.start - 6 * HOUR
        )
        if story.payment not in UNPAID or not is_open:
            return
        self.tell("card", story.status, story.payment)
        lesson = thread.lesson
        await self.under_fire(
            lambda: self.market.money.bookings.update_method(
                lesson.id, payment_method_id=GOOD.name, viewer=lesson.student
            )
        )
        story.new_card(GOOD)

    async def challenge(self, thread: Thread) -> None:
        """The cardholder answers their bank; a webhook alone tells."""
        story = thread.story
        story.tick(self.now)
        if story.payment != "action_required":
            return
        self.tell("3ds", story.status)
        (intent,) = await self.market.intents(thread.lesson.id)

        async def act() -> None:
            await self.market.control(f"/_emulator/3ds/{intent['id']}/complete", {})
            await self.market.settle()

        await self.calmly(act)
        story.challenge_passed()

    async def refund(self, thread: Thread) -> None:
        """An admin gives a part or all of it back."""
        story = thread.story
        story.tick(self.now)
        if story.payment not in {"settled", "partially_refunded"} or story.credit:
            return
        left = story.part.card - story.refunded
        is_round = story.price % 2000 == 0
        amount = min(left, 20 * self.random.randint(1, left // 20)) if is_round else left
        reverses = self.random.random() < 0.8 or story.refunded > 0
        wish = RefundWish(amount_cents=amount, reason="Because.", reverses_transfer=reverses)
        self.tell("refund", amount, reverses)
        refund_id = new_id(self.now)

        async def act() -> None:
            await self.market.money.refunds.refund(
                thread.lesson.id, wish, refund_id=refund_id, viewer=thread.lesson.student
            )

        await self.under_fire(act)
        story.refund(amount, reverses=reverses)

    async def pay_out(self, thread: Thread) -> None:
        """An instructor wants everything now."""
        story, lesson = thread.story, thread.lesson
        story.tick(self.now)
        others = [t for t in self.threads if t.lesson.instructor == lesson.instructor]
        if (
            story.payment != "settled"
            or story.price != 10_000
            or len(others) > 1
            or thread.paid_out
        ):
            return
        if self.now > story.end + 47 * HOUR or story.before_dispute:
            return
        self.tell("payout")
        payout_id: UUID = new_id(self.now)
        gross = story.part.instructor

        async def act() -> None:
            await self.market.money.payouts.pay_out(
                None, payout_id=payout_id, viewer=lesson.instructor
            )

        await self.under_fire(act)
        thread.paid_out = gross
        fee = await self.market.value("SELECT fee_cents FROM payouts WHERE id = $1", payout_id)
        if fee != paid_out(gross)["IPF"] * -1:
            raise Wrong(f"SEED={self.seed}: a payout of {gross} cost {fee}")

    async def judge(self, thread: Thread) -> None:
        """The bank hears us and decides."""
        story, lesson = thread.story, thread.lesson
        story.tick(self.now)
        if story.payment != "disputed":
            return
        verdict = self.random.choice(("won", "lost"))
        self.tell("dispute", verdict)
        async with self.market.db.transaction() as tx:
            found = await disputes_of_booking(tx, booking_id=lesson.id)
        (opened,) = [each for each in found if each.status not in CLOSED]
        text = "winning_evidence" if verdict == "won" else "losing_evidence"
        why = _why(lesson)

        async def act() -> None:
            await self.market.money.disputes.answer(
                opened.id, text=text, key=f"dsp:{opened.id}", why=why
            )
            await self.market.travel(self.now + timedelta(minutes=5))

        await self.under_fire(act)
        story.judged(verdict)


def _why(lesson: Lesson) -> Why:
    """An admin's word."""
    actor = Actor(kind="admin", id=lesson.student.user_id, request_id=lesson.student.request_id)
    return Why(actor=actor, cause="evidence")
