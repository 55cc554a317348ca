"""What people and banks do about money in a random life: cards, refunds, payouts, disputes."""

from typing import TypeVar

from tests.model.cast import GOOD, MINUTE, Thread, Wrong
from tests.model.deeds import Deeds
from tests.model.reference import HOUR, paid_out
from tests.model.story import UNPAID

L = TypeVar("L")

PAYOUT_MINIMUM = 60
"""In cents; what arrives must be half a dollar."""


class MoneyDeeds(Deeds[L]):
    """Deeds of cardholders, admins, instructors and banks."""

    async def new_card(self, thread: Thread[L]) -> None:
        """Another card where one is needed, or for a debt."""
        story = self.ticked(thread)
        is_open = story.status == "pending" or (
            story.status == "confirmed" and self.now < story.start - 6 * HOUR
        )
        is_wanted = story.payment in UNPAID and is_open
        if not is_wanted and story.payment != "collection":
            return
        self.tell("card", story.status, story.payment)
        at = self.now
        await self.under_fire(lambda: self.hands.new_card(thread.lesson, GOOD.name))
        story.new_card(GOOD, at)

    async def challenge(self, thread: Thread[L]) -> None:
        """The cardholder answers their bank, well or badly; a webhook alone tells."""
        story = self.ticked(thread)
        if story.payment != "action_required" or (story.has_failed and story.status == "pending"):
            return
        is_passed = self.random.random() < 0.6
        self.tell("3ds", story.status, is_passed)
        at = self.now
        await self.calmly(lambda: self.hands.challenge(thread.lesson, is_passed=is_passed))
        if is_passed:
            story.challenge_passed(at)
        else:
            story.has_failed = True

    async def refund(self, thread: Thread[L]) -> None:
        """An admin gives a part or all of it back, with the instructor's part or without."""
        story = self.ticked(thread)
        left = story.part.card - story.refunded
        if story.payment not in {"settled", "partially_refunded"} or left <= 0:
            return
        if story.credit and self.paid[self.instructor(thread)]:
            return
        amount = left if self.random.random() < 0.3 else self.random.randint(1, left)
        if story.price == 9999 and self.random.random() < 0.5:
            amount = min(left, 3333)
        reverses = bool(story.credit) or self.random.random() < 0.8
        self.tell("refund", amount, "of", left, reverses)
        refund_id = self.hands.new_id()
        await self.under_fire(
            lambda: self.hands.refund(thread.lesson, amount, reverses=reverses, refund_id=refund_id)
        )
        story.refund(amount, reverses=reverses)

    async def pay_out(self, thread: Thread[L]) -> None:
        """An instructor wants all or a part of what they have now."""
        who = self.instructor(thread)
        own = [self.ticked(each) for each in self.threads if self.instructor(each) == who]
        has = self.balance_of(who)
        if has < PAYOUT_MINIMUM or any(each.before_dispute for each in own):
            return
        is_part = has > 2 * PAYOUT_MINIMUM and self.random.random() < 0.5
        wanted = self.random.randint(PAYOUT_MINIMUM, has) if is_part else None
        self.tell("payout", wanted, "of", has)
        payout_id = self.hands.new_id()
        await self.under_fire(
            lambda: self.hands.pay_out(thread.lesson, wanted, payout_id=payout_id)
        )
        made = await self.hands.payout(payout_id)
        if made is None:
            raise Wrong(f"SEED={self.seed}: no payout was made of {wanted}, of {has}")
        gross = sum(made)
        fee = -paid_out(gross)["IPF"]
        is_right = made[1] == fee and (
            gross == has if wanted is None else wanted - 2 <= gross <= wanted
        )
        if not is_right:
            raise Wrong(f"SEED={self.seed}: {wanted} of {has} brought {made}, the fee is {fee}")
        self.paid[who] += gross

    async def judge(self, thread: Thread[L]) -> None:
        """The bank hears us and decides, or gives its inquiry up."""
        story = self.ticked(thread)
        if story.payment != "disputed":
            return
        is_inquiry = story.card.dispute == "inquiry"
        verdict = "closed" if is_inquiry else self.random.choice(("won", "lost"))
        self.tell("dispute", verdict)

        async def act() -> None:
            await self.hands.judge(thread.lesson, verdict)
            await self.hands.travel(self.now + 5 * MINUTE)

        await self.under_fire(act)
        story.judged(verdict, self.now)
