"""Statements: what an account's owner is shown of the journal, line by line, and as CSV.

Every statement is of one account and ends with the sums, so the last row must equal what the
account holds: a student's credit, an instructor's own money, or for finance any account.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from domain.ids import EntryId
from domain.times import rfc3339

ROWS_MAX = 250_000
"""A file ends here; who needs more asks for less time at once."""
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Spreadsheets take a cell that begins so for a formula."""
NUMBER = re.compile(r"-?\d+(\.\d\d)?")

INSTRUCTOR_COLUMNS = ("gross_share", "top_up", "reversal", "payout", "fee", "other")
COLUMN_OF_KIND: Mapping[str, str] = {
    "transfer": "gross_share",
    "top_up": "top_up",
    "transfer_reversed": "reversal",
    "top_up_reversed": "reversal",
    "payout": "payout",
    "payout_returned": "payout",
    "payout_fee_refunded": "fee",
    "application_fee": "fee",
    "application_fee_refunded": "fee",
    "credit_rule": "fee",
    "share_withheld": "fee",
}
"""Where a journal of this kind stands on an instructor's statement; others are `other`."""


class StudentLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one journal did to a student's card and credit. Credit spent or reserved is negative."""

    id: EntryId
    at: datetime
    kind: str
    booking_id: UUID | None
    card_cents: int
    credit_cents: int
    refund_cents: int
    currency: str
    receipt_id: str


class InstructorLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one journal did to an instructor's own money; positive is theirs."""

    id: EntryId
    at: datetime
    kind: str
    booking_id: UUID | None
    part: int
    """Which line of the journal: the second of a payout is the fee for having it at once."""
    amount_cents: int
    currency: str

    @property
    def column(self) -> str:
        """Where it stands on the statement."""
        if self.kind == "payout" and self.part > 1:
            return "fee"
        return COLUMN_OF_KIND.get(self.kind, "other")


class FinanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One posting with the journal it stands in, debit positive."""

    id: EntryId
    at: datetime
    kind: str
    line: int
    account: str
    amount_cents: int
    currency: str
    balance_transaction_id: str | None
    booking_id: UUID | None


class Sheet:
    """One CSV file in the making: rows in, text out, sums at the end."""

    head: tuple[str, ...]

    def __init__(self) -> None:
        """Nothing written yet."""
        self.rows = 0
        self._sums: dict[str, int] = {}

    def top(self) -> str:
        """The first line: what the columns are called."""
        return csv_row(self.head)

    def _amounts(self, **cents: int) -> list[str]:
        """Amounts in both forms, added to the sums."""
        self.rows += 1
        for name, amount in cents.items():
            self._sums[name] = self._sums.get(name, 0) + amount
        return both_forms(cents.values())

    def _sum(self, name: str) -> int:
        return self._sums.get(name, 0)


class StudentSheet(Sheet):
    """A student's statement; the credit column comes to what can be spent."""

    head = (
        "journal_id", "at", "kind", "booking_id", "receipt_id", "currency", "card_cents", "card",
        "credit_cents", "credit", "refund_cents", "refund",
    )  # fmt: skip

    def row(self, line: StudentLine) -> str:
        """One line."""
        amounts = self._amounts(
            card=line.card_cents, credit=line.credit_cents, refund=line.refund_cents
        )
        first = (line.id, rfc3339(line.at), line.kind, line.booking_id)
        return csv_row((*first, line.receipt_id, line.currency, *amounts))

    def bottom(self, word: str) -> str:
        """The last line: `word` and the sums."""
        sums = [self._sum(name) for name in ("card", "credit", "refund")]
        return csv_row((word, "", "", "", "", "", *both_forms(sums)))


class InstructorSheet(Sheet):
    """An instructor's statement with a running balance, oldest first."""

    head = (
        "journal_id", "at", "kind", "booking_id", "currency",
        *(form for name in INSTRUCTOR_COLUMNS for form in (f"{name}_cents", name)),
        "balance_cents", "balance",
    )  # fmt: skip

    def row(self, line: InstructorLine) -> str:
        """One line; the balance is that after it."""
        cents = dict.fromkeys(INSTRUCTOR_COLUMNS, 0) | {line.column: line.amount_cents}
        amounts = self._amounts(**cents) + both_forms([self._balance()])
        first = (line.id, rfc3339(line.at), line.kind, line.booking_id, line.currency)
        return csv_row((*first, *amounts))

    def bottom(self, word: str) -> str:
        """The last line: `word`, the sums and the balance."""
        sums = [self._sum(name) for name in INSTRUCTOR_COLUMNS]
        return csv_row((word, "", "", "", "", *both_forms([*sums, self._balance()])))

    def _balance(self) -> int:
        return sum(self._sum(name) for name in INSTRUCTOR_COLUMNS)


class FinanceSheet(Sheet):
    """Postings for finance; their sum is the balance of the account asked for."""

    head = (
        "journal_id", "at", "kind", "line", "account", "amount_cents", "amount", "currency",
        "balance_transaction_id", "booking_id",
    )  # fmt: skip

    def row(self, line: FinanceLine) -> str:
        """One posting."""
        amounts = self._amounts(amount=line.amount_cents)
        first = (line.id, rfc3339(line.at), line.kind, line.line, line.account)
        last = (line.currency, line.balance_transaction_id, line.booking_id)
        return csv_row((*first, *amounts, *last))

    def bottom(self, word: str) -> str:
        """The last line: `word` and the sum."""
        return csv_row((word, "", "", "", "", *both_forms([self._sum("amount")]), "", "", ""))


def decimal(amount_cents: int) -> str:
    """An amount with two decimals and a point: `-12.05`."""
    sign = "-" if amount_cents < 0 else ""
    whole, cents = divmod(abs(amount_cents), 100)
    return f"{sign}{whole}.{cents:02d}"


def both_forms(amounts_cents: Iterable[int]) -> list[str]:
    """Each amount as whole cents and with two decimals."""
    return [form for cents in amounts_cents for form in (str(cents), decimal(cents))]


def cell(value: object) -> str:
    """A cell's text; one that a spreadsheet would take for a formula gets a quote before it.

    Plain numbers are none: a negative amount stays a number.
    """
    text = "" if value is None else str(value)
    is_formula = text.startswith(RISKY) and NUMBER.fullmatch(text) is None
    return f"'{text}" if is_formula else text


def csv_row(values: Iterable[object]) -> str:
    """One line of CSV (RFC 4180)."""
    line = io.StringIO()
    csv.writer(line).writerow([cell(value) for value in values])
    return line.getvalue()
