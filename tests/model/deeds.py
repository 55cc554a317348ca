"""What people do about lessons in a random life: book, want the same slot, cancel, move, miss."""

from datetime import datetime, timedelta
from typing import TypeVar

from tests.model.cast import (
    CARDS,
    GIFTS,
    GOOD,
    LEADS,
    LESSONS_MAX,
    MOVES,
    PRICES,
    PROPOSALS_MAX,
    STEPS,
    Thread,
    Wrong,
    hours,
)
from tests.model.life import Life
from tests.model.reference import HOUR, shares
from tests.model.story import DAY, UNPAID, Story

L = TypeVar("L")


class Deeds(Life[L]):
    """Deeds of students and instructors."""

    async def book(self) -> None:
        """A new lesson with new people, or with a student who has credit."""
        price = max(self.random.choice(PRICES), self.hands.price_min)
        lead = self.random.choice(LEADS)
        lesson = await self.hands.lesson(price, hours(lead))
        rich = [each for each in self.threads if self.credit_of(self.student(each)) > 0]
        start = self.now + hours(lead)
        free = [each for each in rich if self._is_free(start, student=each)]
        if free and self.random.random() < 0.7:
            lesson = await self.hands.joined(lesson, student_of=self.random.choice(free).lesson)
        await self._book(lesson, price, start)

    async def _book(self, lesson: L, price: int, start: datetime) -> None:
        card = self.random.choice(CARDS)
        token = card.name
        purse = min(self.credit_of(self.hands.people(lesson)[1]), price)
        if purse and card.dispute:
            card, token = GOOD, GOOD.name
        if token == "script":
            token = await self.hands.script(*(STEPS[each] for each in card.answers))
        story = Story(price=price, start=start, card=card, credit=shares(price, purse).credit)
        self.tell("book", price, f"L-{start - self.now}", card, story.credit)
        at, is_again = self.now, False

        async def act() -> None:
            nonlocal is_again
            again, is_again = is_again, True
            await self.hands.book(lesson, token, again=again)

        await self.under_fire(act, is_deaf_allowed=True)
        story.book(at)
        self.threads.append(Thread(lesson, story))

    def _is_free(
        self, start: datetime, *, student: Thread[L], besides: Thread[L] | None = None
    ) -> bool:
        """Whether neither the student nor the instructor of a thread has something near then."""
        people = {self.student(student)} | ({self.instructor(student)} if besides else set())
        return not any(
            each is not besides
            and self.ticked(each).status in {"pending", "confirmed"}
            and people & {self.student(each), self.instructor(each)}
            and abs(each.story.start - start) < 2 * HOUR
            for each in self.threads
        )

    async def goodwill(self) -> None:
        """An admin gives a student credit."""
        if not self.threads:
            return
        thread = self.random.choice(self.threads)
        amount = self.random.choice(GIFTS)
        self.tell("goodwill", amount)
        lot_id = self.hands.new_id()
        await self.under_fire(lambda: self.hands.grant(thread.lesson, amount, lot_id=lot_id))
        self.purses[self.student(thread)] += amount

    async def rival(self, thread: Thread[L]) -> None:
        """Somebody else wants the very slot: it is free exactly when nothing blocks it."""
        story = self.ticked(thread)
        if self.now + HOUR > story.start or len(self.threads) > LESSONS_MAX:
            return
        near = [
            each
            for each in self.threads
            if self.ticked(each).status in {"pending", "confirmed"}
            and self.instructor(each) == self.instructor(thread)
            and abs(each.story.start - story.start) < HOUR
        ]
        lesson = await self.hands.rival(thread.lesson, story.start)
        if not near:
            await self._book(lesson, story.price, story.start)
            return
        self.tell("rival")
        try:
            await self.hands.book(lesson, GOOD.name, again=False)
        except self.hands.taken:
            return
        raise Wrong(f"SEED={self.seed}: a slot was sold twice")

    async def cancel(self, thread: Thread[L]) -> None:
        """The student or the instructor takes it back."""
        story = self.ticked(thread)
        by = "instructor" if self.random.random() < 0.3 else "student"
        is_theirs = by == "student" or story.status != "pending"
        if not is_theirs or not story.can_be_cancelled(self.now, by=by):
            return
        self.tell("cancel", by, story.tier(self.now), f"L-{story.start - self.now}")
        at = self.now
        await self.under_fire(lambda: self.hands.cancel(thread.lesson, by=by))
        story.cancel(at, by=by)

    def _other_time(self, thread: Thread[L]) -> datetime | None:
        """Where a lesson may go: free for all, within bounds, and far enough to be paid for."""
        story = self.ticked(thread)
        if story.status != "confirmed" or self.now >= story.start - timedelta(minutes=1):
            return None
        to = story.start + hours(self.random.choice(MOVES))
        assert story.first_start is not None
        least = 7 * HOUR if story.payment in UNPAID or story.card.answers != ("ok",) else 2 * HOUR
        is_within = self.now + least < to <= story.first_start + 25 * DAY
        is_free = self._is_free(to, student=thread, besides=thread)
        return to if is_within and is_free and to != story.start else None

    async def move(self, thread: Thread[L]) -> None:
        """The student goes elsewhere, alone where that is allowed, else by a proposal."""
        to = self._other_time(thread)
        if to is None:
            return
        await self.reserved_until(thread)
        story = thread.story
        is_alone = story.may_move_alone(self.now)
        self.tell("move", "alone" if is_alone else "agreed", f"L-{story.start - self.now}", to)
        if is_alone:
            at = self.now
            await self.under_fire(lambda: self.hands.move(thread.lesson, to))
            story.move(at, to, by="student", is_alone=True)
        else:
            await self._agree(thread, to, by="student")

    async def propose(self, thread: Thread[L]) -> None:
        """The instructor asks for another time; the student agrees, or may cancel for nothing."""
        to = self._other_time(thread)
        if to is None or thread.story.asked >= PROPOSALS_MAX:
            return
        await self.reserved_until(thread)
        if self.random.random() < 0.5:
            self.tell("asked to move", f"L-{thread.story.start - self.now}", to)
            await self._agree(thread, to, by="instructor")
            return
        self.tell("asked", f"L-{thread.story.start - self.now}", to)
        wish = self.hands.new_id()
        await self.under_fire(
            lambda: self.hands.propose(thread.lesson, to, by="instructor", proposal_id=wish)
        )
        thread.story.asked += 1
        thread.story.is_excused = True

    async def _agree(self, thread: Thread[L], to: datetime, *, by: str) -> None:
        lesson, wish = thread.lesson, self.hands.new_id()
        other = "student" if by == "instructor" else "instructor"
        await self.calmly(lambda: self.hands.propose(lesson, to, by=by, proposal_id=wish))
        at = self.now
        await self.under_fire(lambda: self.hands.accept(lesson, by=other, proposal_id=wish))
        thread.story.asked += by == "instructor"
        thread.story.move(at, to, by=by, is_alone=False)

    async def miss(self, thread: Thread[L]) -> None:
        """Somebody did not come, says the other side; or what becomes of such a word."""
        story = self.ticked(thread)
        await self.reserved_until(thread)
        if story.report is not None:
            await self._answer(thread)
            return
        absent = self.random.choice(("student", "instructor"))
        if not story.can_be_reported(self.now, absent=absent):
            return
        self.tell("missed", absent, f"E+{self.now - story.end}")
        at = self.now
        await self.under_fire(lambda: self.hands.report(thread.lesson, absent=absent))
        story.reported(at, absent=absent)

    async def _answer(self, thread: Thread[L]) -> None:
        """Who is said to have been absent contests it; an admin decides."""
        story, lesson = thread.story, thread.lesson
        report = story.report
        is_open = report is not None and report.state in {"open", "contested"}
        if report is None or not is_open or story.status not in {"confirmed", "completed"}:
            return
        if report.state == "open" and self.random.random() < 0.5:
            self.tell("contested", report.absent)
            await self.calmly(lambda: self.hands.contest(lesson, absent=report.absent))
            story.contested()
            return
        is_upheld = self.random.random() < 0.5
        self.tell("resolved", report.absent, is_upheld)
        at = self.now
        await self.under_fire(lambda: self.hands.resolve(lesson, is_upheld=is_upheld))
        story.resolved(at, is_upheld=is_upheld)
