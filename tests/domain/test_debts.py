"""Who may owe after a journal, and what they are told."""

from datetime import UTC, datetime
from uuid import UUID

from domain.debts import debtors
from domain.journals import Journal, JournalKind, Line
from domain.money_letters import account_letter
from domain.occasions import Reader

WHO = UUID(int=7)


def journal(kind: JournalKind, cents: int) -> Journal:
    return Journal(
        kind=kind,
        dedupe_key="one",
        booking_id=None,
        user_ids=(WHO,),
        effective_at=datetime(2027, 3, 8, tzinfo=UTC),
        source="one",
        lines=(
            Line(account=f"WAL:{WHO}", amount_cents=cents),
            Line(account="SC:acct_1", amount_cents=-cents),
        ),
    )


def test_only_what_is_taken_back_can_make_a_debt() -> None:
    assert debtors([journal("transfer_reversed", 8500), journal("payout", 100)]) == [WHO]
    assert debtors([journal("transfer", -8500)]) == []
    assert debtors([journal("application_fee", 1500)]) == []
    assert debtors([journal("payout_returned", -8330)]) == []


def test_a_cent_is_a_debt_and_nothing_is_none() -> None:
    assert debtors([journal("payout", 1)]) == [WHO]
    assert debtors([journal("payout", 0)]) == []
    assert debtors([journal("payout", -1)]) == [], "Stripe's own account owes nobody"


def test_letters_about_money_name_the_amount() -> None:
    reader = Reader(user_id=WHO, email="i@example.com", display_name="Ines", time_zone="UTC")
    owes = account_letter("instructor.owes", {"amount_cents": 8500, "currency": "usd"}, reader)
    assert owes is not None
    assert "$85.00" in owes.subject
    failed = account_letter("payout.failed", {"amount_cents": 8330, "failure_code": "x"}, reader)
    assert failed is not None
    assert "$83.30" in failed.subject
    paid = account_letter("payout.paid", {"amount_cents": 8330, "failure_code": None}, reader)
    assert paid is not None
    assert "$83.30" in paid.subject
    assert account_letter("credit.expired", {"amount_cents": 1}, reader) is None
