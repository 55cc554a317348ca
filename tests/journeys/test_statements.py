"""Files for students, instructors and finance come to what the ledger says, whatever was played."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
import pytest

from sandbox.client import JSON, Market, Person, fresh_key
from tests.journeys.kit import Lesson
from tests.journeys.test_credits import another, with_credit
from tests.journeys.test_disputes import answer, disputed
from tests.journeys.test_refunds import paid, refund

pytestmark = pytest.mark.world

RISKY = ("=", "+", "@", "\t", "\r", "\n")
CODES = ("SP", "REV", "XPR", "XDF", "XGW", "IPF", "XIP", "DSP", "CRX", "CLR", "PAY", "SC", "WAL")
STUDENT = (
    "journal_id at booking_id card_cents card credit_cents credit refund_cents refund receipt_id"
)
INSTRUCTOR = "at booking_id gross_share_cents top_up_cents reversal_cents payout_cents fee_cents"
FINANCE = "journal_id kind account amount_cents amount currency balance_transaction_id booking_id"


async def file_of(person: Person, path: str, **params: str) -> list[JSON]:
    """Return the rows of a person's file, the sums last."""
    async with httpx.AsyncClient(base_url=person.market.url, trust_env=False, timeout=60) as http:
        headers = {"Authorization": f"Bearer {person.token}"}
        got = await http.get(path, headers=headers, params=params)
    assert got.status_code == 200, got.text
    assert got.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(got.text)))
    assert rows[-1]["journal_id"] == "total"
    for row in rows:
        assert not any(cell.startswith(RISKY) for cell in row.values())
        for name in (each for each in row if each.endswith("_cents")):
            assert cents_of(row[name.removesuffix("_cents")]) == int(row[name])
    for row in rows[:-1]:
        assert row["at"].endswith("Z")
        assert datetime.fromisoformat(row["at"]).utcoffset() is not None
    return rows


def cents_of(text: str) -> int:
    """Return an amount with two decimals in cents."""
    assert text[-3] == "."
    return int(text.replace(".", ""))


def total(rows: list[JSON], column: str) -> int:
    """Return a sum, and hold it to its rows."""
    cents = int(rows[-1][column])
    if column != "balance_cents":
        assert cents == sum(int(row[column]) for row in rows[:-1])
    return cents


async def balances(market: Market) -> dict[str, int]:
    """Return every account of the ledger."""
    admin = await market.admin()
    found = await admin.get("/api/admin/ledger/balances")
    assert found["total_cents"] == 0
    return {each["account"]: each["balance_cents"] for each in found["balances"]}


async def m19(market: Market) -> list[Lesson]:
    """Play a late cancellation whose credit pays for the next lesson."""
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    await lesson.cancel()
    later = await another(lesson, 5 * (lesson.end_at - lesson.start_at) * 24)
    await later.book(card=None)
    await later.after_end(hours=25)
    return [lesson, later]


async def m21(market: Market) -> list[Lesson]:
    """Play a lesson that goodwill pays a part of."""
    lesson = await with_credit(market, 3000)
    await lesson.book()
    await lesson.after_end(hours=30)
    return [lesson]


async def m31(market: Market) -> list[Lesson]:
    """Play a refund of a part."""
    lesson = await paid(market)
    await refund(lesson, 4000)
    return [lesson]


async def m32(market: Market) -> list[Lesson]:
    """Play an instant payout."""
    lesson = await paid(market)
    await lesson.offer.instructor.post("/api/payments/instant-payout", {}, key=fresh_key())
    await lesson.travel(await market.now())
    return [lesson]


async def m34(market: Market) -> list[Lesson]:
    """Play a dispute that is lost."""
    lesson = await disputed(market)
    await answer(lesson, "losing_evidence")
    return [lesson]


@pytest.mark.parametrize("play", [m19, m21, m31, m32, m34], ids=lambda play: play.__name__)
async def test_each_file_comes_to_the_balance_of_its_account(
    market: Market, play: Callable[[Market], Awaitable[list[Lesson]]]
) -> None:
    lessons = await play(market)
    student, instructor = lessons[0].student, lessons[0].offer.instructor
    held = await balances(market)

    rows = await file_of(student, "/api/payments/transactions.csv")
    assert set(STUDENT.split()) <= set(rows[0])
    assert total(rows, "credit_cents") == -held.get(f"CRA:{student.id}", 0)
    assert len(rows) > 1

    rows = await file_of(instructor, "/api/instructor/transactions.csv")
    assert set(INSTRUCTOR.split()) <= set(rows[0])
    assert total(rows, "balance_cents") == -held.get(f"WAL:{instructor.id}", 0)
    parts = ("gross_share", "top_up", "reversal", "payout", "fee", "other")
    assert sum(total(rows, f"{part}_cents") for part in parts) == total(rows, "balance_cents")

    admin = await market.admin()
    for account in (*CODES, f"WAL:{instructor.id}", f"CRA:{student.id}"):
        rows = await file_of(admin, "/api/admin/ledger.csv", account=account)
        assert set(FINANCE.split()) <= set(rows[0])
        of_code = (cents for name, cents in held.items() if name.split(":")[0] == account)
        expected = held.get(account, 0) if ":" in account else sum(of_code)
        assert total(rows, "amount_cents") == expected
