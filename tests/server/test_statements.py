"""Statements over HTTP: whose they are, what they say, and sums that equal the accounts."""

import csv
import io
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from actors.ledger import post
from domain.ids import BookingId
from domain.journals import Journal, Line
from server import statements
from storage.database import Database
from storage.ledger import ledger_totals
from tests.server.conftest import (
    Person,
    Teacher,
    client_of,
    in_days,
    registered,
    teaching,
)
from tests.server.kit import admin_of


class Cast:
    """A student, an instructor with a booking between them, and an admin; and the database."""

    student: Person
    teacher: Teacher
    admin: Person
    booking_id: UUID
    db: Database


@pytest_asyncio.fixture(scope="module")
async def people(app: Litestar, database_url: str) -> AsyncIterator[Cast]:
    """Everybody, and a lesson that was paid, partly refunded, and turned into credit."""
    cast = Cast()
    cast.db = await Database.connect(database_url, size=1, reads_size=1)
    async with client_of(app) as http:
        cast.student, cast.teacher = await registered(http), await teaching(app, http)
        wish = cast.teacher.lesson(in_days(9), payment_method_id="pm_card_visa")
        made = await http.post("/api/bookings", json=wish, headers=cast.student.auth)
        cast.booking_id = UUID(made.json()["booking"]["id"])
        cast.admin = await admin_of(http, app, database_url)
    await play(cast, app)
    yield cast
    await cast.db.close()


async def play(cast: Cast, app: Litestar) -> None:
    """Post what a capture, a refund and a goodwill credit post."""
    student, teacher, booking = cast.student.id, cast.teacher.person.id, cast.booking_id
    wallet, transit, credit = f"WAL:{teacher}", f"CLR:{booking}", f"CRA:{student}"
    account = f"SC:acct_{booking.hex}"
    for kind, lines in (
        ("charge", {"SP": 5796, "XPR": 204, transit: -6000}),
        ("transfer", {"SP": -6000, account: 6000, transit: 6000, wallet: -6000}),
        ("application_fee", {account: -900, "SP": 900, wallet: 900, "REV": -900}),
        ("refund", {"SP": -1000, transit: 1000}),
        ("transfer_reversed", {"SP": 1000, account: -1000, wallet: 1000, transit: -1000}),
        ("credit_expired", {credit: -2500, "XGW": 2500}),
        ("credit_expired", {credit: 400, "XGW": -400}),
    ):
        now = app.state["parts"].clock.now()
        journal = Journal(
            kind=kind,
            dedupe_key=str(uuid4()),
            booking_id=BookingId(booking),
            user_ids=(UUID(student), UUID(teacher)),
            effective_at=now,
            source="=ch_1",
            lines=tuple(Line(account=each, amount_cents=cents) for each, cents in lines.items()),
        )
        async with cast.db.transaction() as tx:
            await post(tx, [journal], now=now)


async def balance_of(cast: Cast, account: str) -> int:
    """Return what an account holds."""
    totals = await ledger_totals(cast.db.reads)
    return sum(each.balance_cents for each in totals if each.account == account)


async def rows_of(
    http: httpx.AsyncClient, path: str, person: Person, **filters: str
) -> list[dict[str, str]]:
    """Return a file's rows by column; the last one holds the sums."""
    answer = await http.get(path, headers=person.auth, params=filters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_students_file_comes_to_the_credit_that_can_be_spent(
    http: httpx.AsyncClient, people: Cast
) -> None:
    *rows, total = await rows_of(http, "/api/payments/transactions.csv", people.student)
    assert [row["kind"] for row in rows] == ["credit_expired", "credit_expired", "refund", "charge"]
    assert (rows[-1]["card_cents"], rows[-1]["card"]) == ("6000", "60.00")
    assert rows[2]["refund_cents"] == "1000"
    assert rows[0]["credit_cents"] == "-400"
    assert total["journal_id"] == "total"
    assert int(total["credit_cents"]) == -await balance_of(people, f"CRA:{people.student.id}")
    assert (total["card_cents"], total["refund"]) == ("6000", "10.00")
    assert {row["receipt_id"] for row in rows} == {"'=ch_1"}, "no formula in any cell"


async def test_the_same_lines_come_as_json_page_by_page(
    http: httpx.AsyncClient, people: Cast
) -> None:
    path, cursor, kinds = "/api/payments/transactions", None, []
    for _ in range(4):
        params = {"limit": "1", **({"cursor": cursor} if cursor else {})}
        page = (await http.get(path, headers=people.student.auth, params=params)).json()
        kinds += [each["kind"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert (kinds, cursor) == (["credit_expired", "credit_expired", "refund", "charge"], None)
    whole = (await http.get(path, headers=people.student.auth)).json()["items"]
    assert {key: whole[-1][key] for key in ("card_cents", "credit_cents", "refund_cents")} == {
        "card_cents": 6000,
        "credit_cents": 0,
        "refund_cents": 0,
    }


async def test_an_instructors_file_runs_to_what_is_theirs(
    http: httpx.AsyncClient, people: Cast
) -> None:
    person = people.teacher.person
    *rows, total = await rows_of(http, "/api/instructor/transactions.csv", person)
    assert [row["balance_cents"] for row in rows] == ["6000", "5100", "4100"]
    assert (total["gross_share_cents"], total["fee_cents"], total["reversal"]) == (
        "6000",
        "-900",
        "-10.00",
    )
    assert int(total["balance_cents"]) == -await balance_of(people, f"WAL:{person.id}")


async def test_the_file_for_finance_comes_to_the_balance_of_its_account(
    http: httpx.AsyncClient, people: Cast
) -> None:
    for account in ("SP", "REV", f"WAL:{people.teacher.person.id}"):
        *rows, total = await rows_of(http, "/api/admin/ledger.csv", people.admin, account=account)
        assert {row["account"] for row in rows} == {account}
        assert int(total["amount_cents"]) == await balance_of(people, account)
    booking = str(people.booking_id)
    *rows, total = await rows_of(http, "/api/admin/ledger.csv", people.admin, booking_id=booking)
    assert (len(rows), total["amount_cents"]) == (21, "0")
    assert {row["booking_id"] for row in rows} == {booking}
    *rows, total = await rows_of(http, "/api/admin/ledger.csv", people.admin, account="WAL")
    assert {row["account"].split(":")[0] for row in rows} == {"WAL"}
    later = await rows_of(
        http, "/api/admin/ledger.csv", people.admin, **{"from": "2999-01-01T00:00:00Z"}
    )
    assert [row["journal_id"] for row in later] == ["total"]


async def test_a_file_is_written_page_by_page_and_ends_where_it_must(
    http: httpx.AsyncClient, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await rows_of(http, "/api/admin/ledger.csv", people.admin)
    monkeypatch.setattr(statements, "PAGE", 4)
    assert await rows_of(http, "/api/admin/ledger.csv", people.admin) == whole
    student = await rows_of(http, "/api/payments/transactions.csv", people.student)
    assert len(student) == 5
    monkeypatch.setattr(statements, "ROWS_MAX", 8)
    cut = await rows_of(http, "/api/admin/ledger.csv", people.admin)
    assert (len(cut), cut[-1]["journal_id"]) == (9, "truncated")


async def test_a_statement_is_its_owners_alone(http: httpx.AsyncClient, people: Cast) -> None:
    stranger = await registered(http)
    *rows, total = await rows_of(http, "/api/payments/transactions.csv", stranger)
    assert (rows, total["credit_cents"]) == ([], "0")
    assert (await http.get("/api/payments/transactions.csv")).status_code == 401
    for path in ("/api/instructor/transactions.csv", "/api/admin/ledger.csv"):
        assert (await http.get(path)).status_code == 401
        assert (await http.get(path, headers=people.student.auth)).status_code == 403
    as_student = await http.get("/api/payments/transactions", headers=people.teacher.person.auth)
    assert as_student.json()["items"] == [], "an instructor's own side is another statement"
