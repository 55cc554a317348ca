"""Looks at payouts at Stripe and in our books, and earns what is paid out."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.people import Viewer
from tests.actors.books_kit import account_of
from tests.actors.money_kit import Lesson, Market

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
"""One lesson of $100, taught and paid."""
PAID_OUT = {"SP": 1180, "REV": -1500, "XPR": 320}
"""The same, and the instructor's share at their bank."""
FAILING_BANK = "000111111116"


SOON = timedelta(hours=30)


async def taught(
    market: Market, after: Lesson | None = None, *, lead: timedelta = timedelta(days=5)
) -> Lesson:
    """Teach a lesson `lead` ahead and let it be paid; with `after`, by the same instructor."""
    lesson = await market.lesson(lead=lead)
    if after is not None:
        lesson.instructor, lesson.service_id = after.instructor, after.service_id
    await lesson.book()
    await lesson.after_end(hours=25)
    return lesson


async def due(market: Market, who: Viewer) -> datetime:
    """When somebody's next standard payout is due."""
    query = (
        "SELECT due_at FROM timings"
        " WHERE kind = 'pay_out' AND state = 'scheduled' AND subject_id = $1"
    )
    due_at = await market.value(query, who.user_id)
    assert isinstance(due_at, datetime)
    return due_at


async def payouts_at_stripe(market: Market, who: Viewer) -> list[tuple[int, str]]:
    """Amount and status of an account's payouts at Stripe, oldest first."""
    listed = await listed_at_stripe(market, who)
    return [(int(str(each["amount"])), str(each["status"])) for each in listed]


async def listed_at_stripe(market: Market, who: Viewer) -> list[dict[str, object]]:
    """An account's payouts at Stripe, oldest first."""
    headers = {"Stripe-Account": await account_of(market, who.user_id)}
    answer = await market.http.get("/v1/payouts", params={"limit": 100}, headers=headers)
    return list(reversed(answer.json()["data"]))


async def states(market: Market) -> list[str]:
    """What we know of all payouts, oldest first."""
    rows = await market.db.reads.fetch("SELECT state FROM payouts ORDER BY created_at, id")
    return [str(row["state"]) for row in rows]


async def told(market: Market, topic: str) -> int:
    """How many events of a topic there were."""
    count = await market.value("SELECT count(*) FROM outbox WHERE topic = $1", topic)
    assert isinstance(count, int)
    return count


async def use_bank(market: Market, who: Viewer, number: str = "000123456789") -> None:
    """Let an account be paid to this bank from now on."""
    form = {
        "external_account[object]": "bank_account",
        "external_account[country]": "US",
        "external_account[currency]": "usd",
        "external_account[routing_number]": "110000000",
        "external_account[account_number]": number,
        "default_for_currency": "true",
    }
    account = await account_of(market, who.user_id)
    answer = await market.http.post(f"/v1/accounts/{account}/external_accounts", data=form)
    assert answer.status_code == 200, answer.text
    await market.settle()


async def instant(market: Market, who: Viewer, amount_cents: int | None = None) -> UUID:
    """Pay out at once."""
    made = await market.money.payouts.pay_out(amount_cents, payout_id=uuid4(), viewer=who)
    await market.settle()
    return made.id


async def agree(market: Market) -> None:
    """Assert that nothing differs between our books and Stripe's."""
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, run.unseen_accounts, run.unseen_checks) == (0, [], [])


async def dispute(market: Market, lesson: Lesson) -> str:
    """Let the cardholder question a lesson's charge."""
    (intent,) = await market.intents(lesson.id)
    charge = intent["latest_charge"]
    made = await market.control(f"/_emulator/charges/{charge}/dispute", {})
    await market.settle()
    return str(made["id"])


async def later(market: Market, **distance: float) -> list[str]:
    """Travel so far from now."""
    return await market.travel(market.clock.now() + timedelta(**distance))
