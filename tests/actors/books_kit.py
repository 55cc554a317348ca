"""Looks at incidents and balances, and moves money past the marketplace."""

from uuid import UUID

from actors.ledger import post
from domain.ids import new_id
from domain.journals import Journal, JournalKind, Line
from domain.reconciliation import Check
from storage.ledger import ledger_totals
from storage.reconciliation import Incident, incidents
from tests.actors.money_kit import Market

FLOAT = 100_000_000
"""What the platform has at Stripe when the emulator begins."""


async def found(market: Market, state: str = "open") -> dict[tuple[Check, str], Incident]:
    """Return the incidents by what they are of."""
    listed = await incidents(market.db.reads, state=state, most=100)
    return {(each.check, each.account.split(":")[0]): each for each in listed}


async def balances(market: Market) -> dict[str, int]:
    """Return the whole ledger by account class."""
    sums: dict[str, int] = {}
    for each in await ledger_totals(market.db.reads):
        name = each.account.split(":")[0]
        sums[name] = sums.get(name, 0) + each.balance_cents
    return {name: cents for name, cents in sums.items() if cents}


async def transfer_by_hand(market: Market, account: str, amount_cents: int = 700) -> dict[str, str]:
    """Move money at Stripe without telling the marketplace."""
    form = {"amount": str(amount_cents), "currency": "usd", "destination": account}
    answer = await market.http.post("/v1/transfers", data=form)
    assert answer.status_code == 200, answer.text
    await market.settle()
    return answer.json()


async def account_of(market: Market, instructor_id: UUID) -> str:
    """Return an instructor's account at Stripe."""
    query = "SELECT stripe_account_id FROM instructors WHERE id = $1"
    return str(await market.value(query, instructor_id))


async def write(market: Market, kind: JournalKind, *lines: Line) -> None:
    """Post a journal that nothing at Stripe stands behind."""
    now = market.clock.now()
    journal = Journal(
        kind=kind,
        dedupe_key=str(new_id(now)),
        booking_id=None,
        user_ids=(),
        effective_at=now,
        source="by hand",
        lines=lines,
    )
    async with market.db.transaction() as tx:
        await post(tx, [journal], now=now)


def line(account: str, cents: int, transaction: str | None = None) -> Line:
    """Return one posting."""
    return Line(account=account, amount_cents=cents, balance_transaction_id=transaction)
