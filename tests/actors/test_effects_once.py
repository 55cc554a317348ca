"""Whatever a write at Stripe meets on its way, it has one effect, and the books end the same."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from domain.errors import DomainError
from domain.ids import new_id
from tests.actors.books_kit import account_of
from tests.actors.money_kit import Lesson, Market
from tests.actors.test_chaos_credits import with_credit
from tests.actors.test_chaos_effects import ledger, paid_lesson
from tests.actors.test_stale_reads import made, refund_of
from tests.model.reference import given_back, paid, shares, spent

PART = shares(10_000)
CREDIT = shares(10_000, 10_000)
KEYS = "SELECT array_agg(idempotency_key ORDER BY id) FROM stripe_operations WHERE kind = $1"
STATES = "SELECT array_agg(state ORDER BY id) FROM stripe_operations WHERE kind = $1"
OPEN = "SELECT count(*)::int FROM stripe_operations WHERE finished_at IS NULL"
LONG = timedelta(hours=24)


class Write:
    """One kind of write: how it comes about, where it goes, and what is true after it."""

    path: str
    kind: str

    def __init__(self, market: Market) -> None:
        """In this market."""
        self.market = market
        self.lesson: Lesson
        self.ask: Callable[[], Awaitable[object]]

    async def prepare(self) -> None:
        """Everything up to the write."""

    async def act(self) -> None:
        """The write, whoever asks for it."""
        with suppress(DomainError):
            await self.ask()
        await self.market.settle()

    async def act_again(self) -> None:
        """The same wish again, as its asker or a timing has it."""
        await self.act()

    async def prove(self) -> None:
        """One effect at Stripe, and the books as ever."""


class Capture(Write):
    """Taking what a lesson costs, a day after it."""

    path, kind = "/capture$", "capture_intent"

    async def prepare(self) -> None:
        """A lesson of yesterday."""
        self.lesson = await self.market.lesson()
        await self.lesson.book()
        await self.lesson.after_end(hours=23)
        self.ask = lambda: self.market.travel(self.lesson.end_at + LONG)

    async def prove(self) -> None:
        """Taken once and whole."""
        (intent,) = await self.market.intents(self.lesson.id)
        assert (intent["status"], intent["amount_received"]) == ("succeeded", 10_000)
        assert await self.lesson.totals() == ledger(paid(PART))


class TopUp(Write):
    """Paying an instructor what credit paid."""

    path, kind = "/v1/transfers$", "create_transfer"

    async def prepare(self) -> None:
        """A lesson of yesterday, paid with credit."""
        self.lesson = await with_credit(self.market, 10_000)
        await self.lesson.book()
        await self.lesson.after_end(hours=23)
        self.ask = lambda: self.market.travel(self.lesson.end_at + LONG)

    async def act_again(self) -> None:
        """An hour later."""
        await self.market.travel(self.market.clock.now() + timedelta(hours=1))

    async def prove(self) -> None:
        """Transferred once."""
        assert await made(self.market, "/v1/transfers") == [CREDIT.top_up]
        assert await self.lesson.totals() == ledger(paid(CREDIT), spent(CREDIT))


class Refund(Write):
    """Giving 40 dollars back."""

    path, kind = "/v1/refunds$", "create_refund"

    async def prepare(self) -> None:
        """A lesson that is paid."""
        self.lesson = await paid_lesson(self.market)
        self.ask = refund_of(self.market, self.lesson)

    async def prove(self) -> None:
        """Refunded once, with what the instructor and the fee gave."""
        assert await made(self.market, "/v1/refunds") == [4000]
        assert await self.lesson.totals() == ledger(
            paid(PART), given_back(PART, 4000, reverses=True)
        )


class Payout(Write):
    """Paying an instructor out at once."""

    path, kind = "/v1/payouts$", "create_payout"

    async def prepare(self) -> None:
        """A lesson that is paid."""
        self.lesson = await paid_lesson(self.market)
        self.wish()

    def wish(self) -> None:
        """What an instructor asks for; a refused one is asked for anew."""
        payouts, viewer = self.market.money.payouts, self.lesson.instructor
        payout_id = new_id(self.market.clock.now())
        self.ask = lambda: payouts.pay_out(None, payout_id=payout_id, viewer=viewer)

    async def act_again(self) -> None:
        """The same, unless it was refused."""
        states = "SELECT array_agg(state) FROM payouts WHERE instructor_id = $1"
        if await self.market.value(states, self.lesson.instructor.user_id) == ["refused"]:
            self.wish()
        await self.act()

    async def prove(self) -> None:
        """Sent to the bank once."""
        market, instructor = self.market, self.lesson.instructor.user_id
        account = await account_of(market, instructor)
        assert len(await made(market, "/v1/payouts", **{"Stripe-Account": account})) == 1
        states = "SELECT count(*)::int FROM payouts WHERE instructor_id = $1 AND state <> 'refused'"
        assert await market.value(states, instructor) == 1
        assert await market.value("SELECT sum(amount_cents)::int FROM ledger_lines") == 0


WRITES = (Capture, TopUp, Refund, Payout)
FAULTS: dict[str, dict[str, object]] = {
    "500_stored": {},
    "500_stored_after_all": {"action": "500_stored", "effects": True},
    "429_lock": {"times": 2},
    "429_lock_for_long": {"action": "429_lock", "times": 20},
    "timeout_after": {"seconds": 0.1},
    "timeout_after_each_try": {"action": "timeout_after", "seconds": 0.1, "times": 3},
    "truncate": {},
    "truncate_each_try": {"action": "truncate", "times": 3},
}


async def rescued(market: Market) -> None:
    """Looks again at once, and once more a minute of real time later."""
    for _ in range(2):
        await market.money.payments.rescue(is_boot=True)
        await market.settle()
        async with market.db.transaction() as tx:
            await tx.execute(
                "UPDATE stripe_operations SET absent_since = absent_since - interval '1 minute'"
            )
    assert await market.value(OPEN) == 0


async def afflict(market: Market, write: Write, name: str) -> None:
    """Lets the next writes of this kind go wrong."""
    rule = {"action": name, "match": {"method": "POST", "path": write.path}, **FAULTS[name]}
    await market.control("/_emulator/faults", rule)


@pytest.mark.parametrize("kind", WRITES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_write_that_meets_a_fault_has_one_effect(
    market: Market, name: str, kind: type[Write]
) -> None:
    write = kind(market)
    await write.prepare()
    await afflict(market, write, name)
    market.receiver.is_closed = True
    await write.act()
    await market.http.delete("/_emulator/faults")
    await rescued(market)
    market.receiver.is_closed = False
    await write.act_again()
    await rescued(market)
    await write.prove()
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, run.unseen_checks) == (0, [])
    keys = await market.value(KEYS, kind.kind)
    is_new_attempt = name == "500_stored"
    assert len(keys) == len(set(keys)) == (2 if is_new_attempt else 1)


@pytest.mark.parametrize("kind", WRITES, ids=lambda each: each.__name__)
async def test_a_new_attempt_is_made_only_when_a_look_says_that_nothing_happened(
    market: Market, kind: type[Write]
) -> None:
    write = kind(market)
    await write.prepare()
    await afflict(market, write, "500_stored")
    looks = "^/v1/(payment_intents|transfers|refunds|payouts)"
    blind = {"action": "500_before", "match": {"method": "GET", "path": looks}, "times": 0}
    await market.control("/_emulator/faults", blind)
    await write.act()
    assert await market.value(STATES, kind.kind) == ["unknown"]
    await market.money.payments.rescue()
    assert await market.value(STATES, kind.kind) == ["unknown"], "nobody could look"
    await market.http.delete("/_emulator/faults")
    await rescued(market)
    await write.act_again()
    await write.prove()


@pytest.mark.parametrize("kind", WRITES, ids=lambda each: each.__name__)
async def test_what_stripe_has_forgotten_the_key_of_is_only_looked_for(
    market: Market, kind: type[Write]
) -> None:
    write = kind(market)
    await write.prepare()
    match = {"method": "POST", "path": write.path}
    rule = {"action": "500_after_commit", "match": match, "times": 0}
    await market.control("/_emulator/faults", rule)
    market.receiver.is_closed = True
    await write.act()
    assert await market.value(STATES, kind.kind) == ["unknown"]
    sent = await count(market, write)
    market.writer.freeze(market.clock.now() + timedelta(hours=23, minutes=1))
    await market.http.delete("/_emulator/faults")
    await market.control("/_emulator/faults", {**rule, "action": "key_expiry_now"})
    await market.money.payments.rescue()
    assert await market.value(STATES, kind.kind) == ["succeeded"]
    assert await count(market, write) == sent, "it was sent again without its key"
    market.receiver.is_closed = False
    await market.settle()
    await write.prove()


async def count(market: Market, write: Write) -> int:
    """How often a write was sent."""
    log = (await market.http.get("/_emulator/log", params={"limit": 1000})).json()["data"]
    end = write.path.rstrip("$")
    return sum(1 for each in log if each["method"] == "POST" and each["path"].endswith(end))
