"""Statements: two forms of every amount, sums at the end, and no formula in any cell."""

import csv
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import EntryId
from domain.statements import (
    RISKY,
    FinanceLine,
    FinanceSheet,
    InstructorLine,
    InstructorSheet,
    StudentLine,
    StudentSheet,
    cell,
    csv_row,
    decimal,
)

NOW = datetime(2027, 3, 10, 18, tzinfo=UTC)
ID = UUID("01a1f6c0-2b40-7c3e-9d52-6f1e8a7b9c10")


def read(text: str) -> list[dict[str, str]]:
    """Return the rows of a file by their columns."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (-10_000, "-100.00")],
)
def test_an_amount_has_two_decimals(cents: int, text: str) -> None:
    assert decimal(cents) == text


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_both_forms_of_an_amount_say_the_same(cents: int) -> None:
    assert int(decimal(cents).replace(".", "")) == cents
    assert cell(decimal(cents)) == decimal(cents)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        '=HYPERLINK("http://x")',
        "-2.5",
        "-1,00",
    ],
)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@given(st.text())
def test_a_cell_is_a_plain_number_or_begins_harmlessly(text: str) -> None:
    made = cell(text)
    assert not made.startswith(RISKY) or made.lstrip("-").replace(".", "").isdecimal()
    if "\x00" not in text:
        (row,) = csv.reader(io.StringIO(csv_row([text, "x"]), newline=""))
        assert row == [made, "x"]


def test_nothing_is_an_empty_cell() -> None:
    assert cell(None) == ""
    assert cell(-5) == "-5"


def test_a_students_statement_ends_with_its_sums() -> None:
    sheet = StudentSheet()
    lines = [(10_000, 0, 0), (0, 10_000, 0), (0, -2500, 0), (0, 0, 4000)]
    text = sheet.top()
    for card, credit, refund in lines:
        text += sheet.row(
            StudentLine(
                id=EntryId(ID),
                at=NOW,
                kind="charge",
                booking_id=None,
                card_cents=card,
                credit_cents=credit,
                refund_cents=refund,
                currency="usd",
                receipt_id="ch_1",
            )
        )
    rows = read(text + sheet.bottom("total"))
    assert rows[0]["at"] == "2027-03-10T18:00:00Z"
    assert (rows[2]["credit_cents"], rows[2]["credit"]) == ("-2500", "-25.00")
    total = rows[-1]
    assert total["journal_id"] == "total"
    assert (total["card_cents"], total["credit"], total["refund_cents"]) == (
        "10000",
        "75.00",
        "4000",
    )


def test_an_instructors_statement_runs_to_its_balance() -> None:
    sheet = InstructorSheet()
    moves = [
        ("transfer", 1, 10_000, "gross_share", 10_000),
        ("application_fee", 1, -1500, "fee", 8500),
        ("payout", 1, -8330, "payout", 170),
        ("payout", 2, -170, "fee", 0),
        ("something_new", 1, -1, "other", -1),
    ]
    text = sheet.top()
    for kind, part, cents, _, _ in moves:
        text += sheet.row(
            InstructorLine(
                id=EntryId(ID),
                at=NOW,
                kind=kind,
                booking_id=ID,
                part=part,
                amount_cents=cents,
                currency="usd",
            )
        )
    *rows, total = read(text + sheet.bottom("total"))
    for row, (_, _, cents, column, balance) in zip(rows, moves, strict=True):
        assert row[f"{column}_cents"] == str(cents)
        assert row["balance_cents"] == str(balance)
    assert (total["fee_cents"], total["payout"], total["balance_cents"]) == (
        "-1670",
        "-83.30",
        "-1",
    )


def test_the_sum_for_finance_is_that_of_its_postings() -> None:
    sheet = FinanceSheet()
    text = sheet.top()
    for number, cents in enumerate((9680, 320, -10_000), 1):
        text += sheet.row(
            FinanceLine(
                id=EntryId(ID),
                at=NOW,
                kind="charge",
                line=number,
                account="SP",
                amount_cents=cents,
                currency="usd",
                balance_transaction_id=None,
                booking_id=None,
            )
        )
    rows = read(text + sheet.bottom("total"))
    assert len(rows) == 4
    assert rows[-1]["amount_cents"] == "0"
    assert rows[0]["balance_transaction_id"] == ""
