"""Posts journals: once by their key, whole, and in the transaction of what they record."""

from collections.abc import Sequence
from datetime import datetime

from actors.debts import promise_first_notices
from domain.ids import new_id
from domain.journals import Journal
from domain.money import CURRENCY
from storage.ledger import post_journals
from storage.query import Tx


async def post(tx: Tx, journals: Sequence[Journal], *, now: datetime) -> None:
    """Adds journals that were not posted before; the database refuses what is not zero-sum."""
    if not journals:
        return
    # in the order given: what happened at one instant is read in the order it was posted
    ids = sorted(new_id(now) for _ in journals)
    lines = [
        (entry_id, number, line)
        for entry_id, journal in zip(ids, journals, strict=True)
        for number, line in enumerate(journal.lines, 1)
    ]
    await post_journals(
        tx,
        ids=ids,
        kinds=[each.kind for each in journals],
        dedupe_keys=[each.dedupe_key for each in journals],
        booking_ids=[each.booking_id for each in journals],
        instants=[each.effective_at for each in journals],
        sources=[each.source for each in journals],
        user_ids=list(dict.fromkeys(user for each in journals for user in each.user_ids)),
        entry_ids=[entry_id for entry_id, _, _ in lines],
        lines=[number for _, number, _ in lines],
        accounts=[line.account for _, _, line in lines],
        amounts_cents=[line.amount_cents for _, _, line in lines],
        balance_transaction_ids=[line.balance_transaction_id for _, _, line in lines],
        currency=CURRENCY,
    )
    await promise_first_notices(tx, journals, now=now)
