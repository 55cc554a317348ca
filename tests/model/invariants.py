"""What must hold after every step, whatever happened: I1 to I10.

Each function reads the product's tables or the emulator's own books and returns sentences about
what is wrong. Nothing of the product's rules is used to judge them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.actors.money_kit import Market
from tests.model.reference import shares

Rows = list[Any]
FLOAT = {"topup", "stripe_fee", "payout", "payout_failure", "payout_cancel"}
"""What moves on the platform's balance beside bookings: its float, Stripe's bills, its payouts."""


async def rows(market: Market, query: str) -> Rows:
    """Rows of the product's database."""
    return await market.db.reads.fetch(query)


async def ledger_is_balanced(market: Market) -> list[str]:
    """I1: every entry and the whole ledger sum to zero."""
    found = await rows(
        market,
        "SELECT entry_id FROM ledger_lines GROUP BY entry_id, currency"
        " HAVING sum(amount_cents) <> 0",
    )
    total = await market.value("SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_lines")
    return [f"entry {each[0]} is not zero" for each in found] + (
        [f"total {total}"] if total else []
    )


async def nothing_happens_twice(market: Market) -> list[str]:
    """I2: one capture, one transfer, one release of credit a cycle; no more back than was taken."""
    twice = await rows(
        market,
        "SELECT booking_id, kind, count(*) FROM ledger_entries"
        " WHERE kind IN ('charge', 'transfer', 'application_fee', 'credit_rule', 'top_up')"
        " GROUP BY booking_id, kind HAVING count(*) > 1",
    )
    wrong = [f"{each[0]}: {each[1]} {each[2]} times" for each in twice]
    listed = [each async for each in everything(market, "/v1/payment_intents")]
    taken = Counter(
        each["metadata"].get("booking_id") for each in listed if each["status"] == "succeeded"
    )
    wrong += [f"{booking} was captured {n} times" for booking, n in taken.items() if n > 1]
    live = Counter(
        each["metadata"].get("booking_id")
        for each in listed
        if each["status"] == "requires_capture"
    )
    wrong += [f"{booking} has {n} authorizations" for booking, n in live.items() if n > 1]
    charges = [each async for each in everything(market, "/v1/charges")]
    over = [
        each["id"]
        for each in charges
        if each["captured"] and each["amount_refunded"] > each["amount_captured"]
    ]
    wrong += [f"{each} gave back too much" for each in over]
    return wrong


BOOKED = """
SELECT b.id, b.price_cents, b.credit_applied_cents, b.status, b.outcome, p.status AS payment_status,
    p.captured_cents,
    coalesce((SELECT sum(amount_cents) FROM refunds r
        WHERE r.booking_id = b.id AND r.state IN ('pending', 'succeeded')), 0) AS refunded,
    coalesce((SELECT sum(granted_cents) FROM credit_lots c
        WHERE c.booking_id = b.id AND c.source = 'cancellation'), 0) AS issued,
    coalesce((SELECT sum(amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'consumed'), 0) AS consumed,
    coalesce((SELECT -sum(l.amount_cents) FROM ledger_lines l
        JOIN ledger_entries e ON e.id = l.entry_id
        WHERE e.booking_id = b.id AND l.account LIKE 'WAL:%'), 0) AS instructor,
    coalesce((SELECT sum(l.amount_cents) FROM ledger_lines l
        JOIN ledger_entries e ON e.id = l.entry_id
        WHERE e.booking_id = b.id AND l.account LIKE 'CLR:%'), 0) AS transit
FROM bookings b JOIN payments p ON p.booking_id = b.id
"""
MOVING = {"refunding", "payout_pending", "dispute_lost", "refund_failed"}


async def instructors_have_their_share(market: Market) -> list[str]:
    """I3: what a booking brings its instructor is nothing, their share, or it less a refund's."""
    wrong: list[str] = []
    for each in await rows(market, BOOKED):
        share = shares(each["price_cents"], each["credit_applied_cents"]).instructor
        has = each["instructor"]
        is_whole = has in {0, share}
        is_part = each["refunded"] > 0 and 0 <= has <= share
        if each["payment_status"] not in MOVING and not (is_whole or is_part):
            wrong.append(f"{each['id']}: the instructor has {has} of {share}")
    return wrong


async def students_pay_the_price_or_nothing(market: Market) -> list[str]:
    """I4: taken − given back + credit used − credit issued is the price, nothing, or less."""
    wrong: list[str] = []
    for each in await rows(market, BOOKED):
        price = each["price_cents"]
        net = each["captured_cents"] + each["consumed"] - each["refunded"] - each["issued"]
        if net not in {0, price, price - each["refunded"]}:
            wrong.append(f"{each['id']}: the student pays {net} of {price}")
    return wrong


async def nobody_owes_the_wrong_way(market: Market) -> list[str]:
    """I5: what is owed in credit, reservations and top-ups is never negative; caches are true."""
    bad = await rows(
        market,
        "SELECT account, sum(amount_cents) FROM ledger_lines WHERE account ~ '^(CRA|CRR|PAY):'"
        " GROUP BY account HAVING sum(amount_cents) > 0",
    )
    stale = await rows(
        market,
        "SELECT b.account, b.balance_cents, sum(l.amount_cents) FROM ledger_balances b"
        " LEFT JOIN ledger_lines l ON l.account = b.account GROUP BY b.account, b.balance_cents"
        " HAVING b.balance_cents <> coalesce(sum(l.amount_cents), 0)",
    )
    lots = await rows(
        market,
        "SELECT u.id FROM users u WHERE"
        " coalesce((SELECT sum(remaining_cents) FROM credit_lots c WHERE c.user_id = u.id), 0)"
        " <> -coalesce((SELECT sum(amount_cents) FROM ledger_lines l"
        " WHERE l.account = 'CRA:' || u.id), 0)",
    )
    return (
        [f"{each[0]} is {each[1]}" for each in bad]
        + [f"{each[0]} is cached as {each[1]}, not {each[2]}" for each in stale]
        + [f"the lots of {each[0]} are not their account" for each in lots]
    )


async def nothing_is_left_in_transit(market: Market) -> list[str]:
    """I6: what was captured is allocated."""
    found = await rows(market, BOOKED)
    return [
        f"{each['id']}: {each['transit']} in transit"
        for each in found
        if each["transit"] and each["payment_status"] not in {"refunding", "refund_failed"}
    ]


async def stripes_books_are_ours(market: Market) -> list[str]:
    """I7: every balance transaction has one leg in the ledger, and the sums are the same."""
    lines = await rows(
        market,
        "SELECT balance_transaction_id, count(*) FROM ledger_lines"
        " WHERE balance_transaction_id IS NOT NULL GROUP BY 1",
    )
    legs = {each[0]: each[1] for each in lines}
    platform = [each async for each in everything(market, "/v1/balance_transactions")]
    own = [each for each in platform if each["type"] not in FLOAT]
    wrong = [
        f"{each['type']} {each['id']} has {legs.get(each['id'], 0)} legs"
        for each in own
        if legs.get(each["id"], 0) != 1
    ]
    bills = sum(each["net"] for each in platform if each["id"] in legs and each not in own)
    ledger = await market.value(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_lines WHERE account = 'SP'"
    )
    theirs = sum(each["net"] for each in own) + bills
    if theirs != ledger:
        wrong.append(f"SP is {ledger}, at Stripe {theirs}")
    return wrong


async def the_emulators_books_agree(market: Market) -> list[str]:
    """The second oracle: the emulator's own double entry, kept without any of ours."""
    shown = (await market.http.get("/_emulator/invariants")).json()
    return [
        f"the emulator: {each['name']}: {each['violations']}"
        for each in shown["checks"]
        if not each["ok"]
    ]


async def nobody_is_in_two_places(market: Market) -> list[str]:
    """I8: bookings that block time never overlap, for an instructor or for a learner."""
    found = await rows(
        market,
        "SELECT a.id, b.id FROM bookings a JOIN bookings b ON a.id < b.id"
        " AND (a.instructor_id = b.instructor_id OR a.learner_id = b.learner_id)"
        " AND a.status IN ('pending', 'confirmed') AND b.status IN ('pending', 'confirmed')"
        " AND tstzrange(a.start_at, a.end_at) && tstzrange(b.start_at, b.end_at)",
    )
    return [f"{each[0]} and {each[1]} overlap" for each in found]


async def everything_is_found_out(market: Market) -> list[str]:
    """I9: no operation is open once everything has come to rest."""
    found = await rows(
        market, "SELECT kind, state FROM stripe_operations WHERE finished_at IS NULL"
    )
    return [f"{each[0]} is {each[1]}" for each in found]


async def every_change_is_told(market: Market) -> list[str]:
    """I10: audit rows lead without a gap to where a booking and its payment are, and name who."""
    found = await rows(
        market,
        "SELECT booking_id, event, was, became, actor_kind, cause, request_id FROM booking_events"
        " WHERE became IS NOT NULL ORDER BY booking_id, position",
    )
    wrong: list[str] = []
    last: dict[tuple[Any, str], str] = {}
    for each in found:
        key = (each["booking_id"], each["event"].split(".")[0])
        if key in last and each["was"] is not None and each["was"] != last[key]:
            wrong.append(f"{key}: {each['event']} follows {each['was']}, not {last[key]}")
        last[key] = each["became"]
        is_person = each["actor_kind"] in {"student", "instructor", "admin"}
        if not each["cause"] or (is_person and not each["request_id"]):
            wrong.append(f"{key}: {each['event']} does not say who asked for it")
    for each in await rows(market, BOOKED):
        for noun, now in (("booking", each["status"]), ("payment", each["payment_status"])):
            told = last.get((each["id"], noun))
            if told is not None and told != now:
                wrong.append(f"{each['id']}: {noun} is {now}, the audit says {told}")
    return wrong


async def everything(market: Market, path: str) -> AsyncIterator[dict[str, Any]]:
    """All objects of a list at Stripe."""
    params: dict[str, Any] = {"limit": 100}
    while True:
        page = (await market.http.get(path, params=params)).json()
        for each in page["data"]:
            yield each
        if not page["has_more"]:
            return
        params["starting_after"] = page["data"][-1]["id"]


Invariant = Callable[[Market], Awaitable[list[str]]]
ALL: tuple[Invariant, ...] = (
    ledger_is_balanced,
    nothing_happens_twice,
    instructors_have_their_share,
    students_pay_the_price_or_nothing,
    nobody_owes_the_wrong_way,
    nothing_is_left_in_transit,
    stripes_books_are_ours,
    the_emulators_books_agree,
    nobody_is_in_two_places,
    everything_is_found_out,
    every_change_is_told,
)


async def violations(market: Market) -> list[str]:
    """Everything that is wrong now, by all invariants."""
    return [sentence for check in ALL for sentence in await check(market)]
