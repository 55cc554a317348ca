"""What must hold after every step, whatever happened: I1 to I10.

Each function reads the product's tables or the emulator's own books and returns sentences about
what is wrong. Nothing of the product's rules is used to judge them.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.emulator import SECRET_KEY
from tests.model.books import Books, opened
from tests.model.shares_due import Refunded, Taken, share_due

FLOAT = {"topup", "stripe_fee", "payout", "payout_failure", "payout_cancel"}
"""What moves beside bookings, and only a reconciliation takes in: the float, bills, payouts."""
UNNAMED = {"application_fee_refund"}
"""A fee's way back on the connected side: the ledger names the platform's transaction alone."""
RESERVES = {"reserve_transaction", "reserved_funds"}
"""Moves money from one pocket of an account to another; sums to nothing in time."""


async def ledger_is_balanced(books: Books) -> list[str]:
    """I1: every entry and the whole ledger sum to zero."""
    found = await books.rows(
        "SELECT entry_id FROM ledger_lines GROUP BY entry_id, currency"
        " HAVING sum(amount_cents) <> 0",
    )
    total = await books.value("SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_lines")
    return [f"entry {each[0]} is not zero" for each in found] + (
        [f"total {total}"] if total else []
    )


async def nothing_happens_twice(books: Books) -> list[str]:
    """I2: one capture, one transfer, one release of credit a cycle; no more back than was taken."""
    twice = await books.rows(
        "SELECT booking_id, kind, count(*) FROM ledger_entries"
        " WHERE kind IN ('charge', 'transfer', 'application_fee', 'credit_rule', 'top_up')"
        " GROUP BY booking_id, kind HAVING count(*) > 1",
    )
    wrong = [f"{each[0]}: {each[1]} {each[2]} times" for each in twice]
    listed = [each async for each in books.everything("/v1/payment_intents")]
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
    charges = [each async for each in books.everything("/v1/charges")]
    over = [
        each["id"]
        for each in charges
        if each["captured"] and each["amount_refunded"] > each["amount_captured"]
    ]
    wrong += [f"{each} gave back too much" for each in over]
    return wrong


BOOKED = """
SELECT b.id, b.price_cents, b.credit_applied_cents, b.status, b.outcome, p.status AS payment_status,
    p.version AS payment_version,
    p.captured_cents, p.withheld_cents, p.top_up_id,
    coalesce((SELECT sum(amount_cents) FROM refunds r WHERE r.booking_id = b.id
        AND r.state IN ('pending', 'succeeded') AND NOT r.is_credit), 0)::bigint AS refunded,
    coalesce((SELECT sum(granted_cents) FROM credit_lots c
        WHERE c.booking_id = b.id AND c.source = 'cancellation'), 0)::bigint AS issued,
    coalesce((SELECT sum(amount_cents) FROM credit_uses c
        WHERE c.booking_id = b.id AND c.state = 'consumed'), 0)::bigint AS consumed,
    coalesce((SELECT -sum(l.amount_cents) FROM ledger_lines l
        JOIN ledger_entries e ON e.id = l.entry_id
        WHERE e.booking_id = b.id AND l.account LIKE 'WAL:%'), 0)::bigint AS instructor,
    coalesce((SELECT sum(l.amount_cents) FROM ledger_lines l
        JOIN ledger_entries e ON e.id = l.entry_id
        WHERE e.booking_id = b.id AND l.account LIKE 'CLR:%'), 0)::bigint AS transit,
    (SELECT d.previous_status FROM disputes d
        WHERE d.booking_id = b.id ORDER BY d.created_at, d.id LIMIT 1) AS before_dispute,
    (SELECT d.recovery FROM disputes d WHERE d.booking_id = b.id AND d.status = 'lost'
        ORDER BY d.created_at, d.id LIMIT 1) AS recovery,
    coalesce((SELECT sum(d.amount_cents) FROM disputes d
        WHERE d.booking_id = b.id AND d.status = 'lost'), 0)::bigint AS lost
FROM bookings b JOIN payments p ON p.booking_id = b.id
"""
REFUNDS = """
SELECT booking_id, amount_cents, reverses_transfer FROM refunds
WHERE state IN ('pending', 'succeeded', 'failed', 'canceled') AND NOT is_credit ORDER BY id
"""


async def instructors_have_their_share(books: Books) -> list[str]:
    """I3: what a booking brings its instructor is what its end, refunds and disputes leave."""
    back: dict[Any, list[Refunded]] = {}
    for each in await books.rows(REFUNDS):
        refund = Refunded(each["amount_cents"], reverses=each["reverses_transfer"])
        back.setdefault(each["booking_id"], []).append(refund)
    wrong: list[str] = []
    for each in await books.rows(BOOKED):
        taken = Taken(
            price=each["price_cents"],
            credit=each["credit_applied_cents"],
            payment=each["payment_status"],
            before_dispute=each["before_dispute"],
            recovery=each["recovery"],
            lost=each["lost"],
            is_topped_up=each["top_up_id"] is not None,
            withheld=each["withheld_cents"],
        )
        due = share_due(taken, back.get(each["id"], []))
        if each["instructor"] not in due:
            told = " or ".join(map(str, due))
            wrong.append(
                f"{each['id']} ({each['status']}, {each['outcome']}, {each['payment_status']}):"
                f" the instructor has {each['instructor']}, should have {told}"
            )
    return wrong


async def students_pay_the_price_or_nothing(books: Books) -> list[str]:
    """I4: taken − given back + credit used − credit issued is the price, nothing, or less."""
    wrong: list[str] = []
    for each in await books.rows(BOOKED):
        price = each["price_cents"]
        net = each["captured_cents"] + each["consumed"] - each["refunded"] - each["issued"]
        if net not in {0, price, price - each["refunded"]}:
            wrong.append(f"{each['id']}: the student pays {net} of {price}")
    return wrong


CRR = """
WITH owed AS (
    SELECT l.account, -sum(l.amount_cents) AS cents FROM ledger_lines l
    WHERE l.account LIKE 'CRR:%' GROUP BY l.account
), held AS (
    SELECT 'CRR:' || b.student_id AS account, sum(u.amount_cents) AS cents
    FROM credit_uses u JOIN bookings b ON b.id = u.booking_id
    WHERE u.state = 'reserved' GROUP BY b.student_id
)
SELECT coalesce(o.account, h.account), coalesce(o.cents, 0), coalesce(h.cents, 0)
FROM owed o FULL JOIN held h ON h.account = o.account
WHERE coalesce(o.cents, 0) <> coalesce(h.cents, 0)
"""
PAY = """
WITH owed AS (
    SELECT l.account, -sum(l.amount_cents) AS cents FROM ledger_lines l
    WHERE l.account LIKE 'PAY:%' GROUP BY l.account
), due AS (
    SELECT 'PAY:' || b.instructor_id AS account, sum(p.withheld_cents - (
        f.cents - CASE WHEN f.cents = 0 THEN 0 ELSE div(
            2::numeric * (p.captured_cents - p.withheld_cents) * f.cents + p.captured_cents,
            2::numeric * p.captured_cents
        ) END
    ) + CASE WHEN EXISTS (
        SELECT FROM credit_uses u WHERE u.booking_id = b.id AND u.state = 'consumed'
    ) THEN b.top_up_cents ELSE 0 END) AS cents
    FROM bookings b JOIN payments p ON p.booking_id = b.id CROSS JOIN LATERAL (
        SELECT CASE WHEN p.withheld_cents > 0 AND p.status <> 'refunded'
            THEN -coalesce(sum(l.amount_cents), 0) ELSE 0 END AS cents
        FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id
        WHERE e.booking_id = b.id AND e.kind = 'application_fee_refunded' AND l.account = 'SP'
    ) f
    WHERE p.top_up_id IS NULL AND p.status <> 'refunded' GROUP BY b.instructor_id
)
SELECT coalesce(o.account, d.account), coalesce(o.cents, 0), coalesce(d.cents, 0)
FROM owed o FULL JOIN due d ON d.account = o.account
WHERE coalesce(o.cents, 0) <> coalesce(d.cents, 0)
"""


async def nobody_owes_the_wrong_way(books: Books) -> list[str]:
    """I5: what is owed in credit, reservations and top-ups is never negative; caches are true."""
    bad = await books.rows(
        "SELECT account, sum(amount_cents) FROM ledger_lines WHERE account ~ '^(CRA|CRR|PAY):'"
        " GROUP BY account HAVING sum(amount_cents) > 0",
    )
    stale = await books.rows(
        "SELECT b.account, b.balance_cents, sum(l.amount_cents) FROM ledger_balances b"
        " LEFT JOIN ledger_lines l ON l.account = b.account GROUP BY b.account, b.balance_cents"
        " HAVING b.balance_cents <> coalesce(sum(l.amount_cents), 0)",
    )
    lots = await books.rows(
        "SELECT u.id FROM users u WHERE"
        " coalesce((SELECT sum(remaining_cents) FROM credit_lots c WHERE c.user_id = u.id), 0)"
        " <> -coalesce((SELECT sum(amount_cents) FROM ledger_lines l"
        " WHERE l.account = 'CRA:' || u.id), 0)",
    )
    return (
        [f"{each[0]} is {each[1]}" for each in bad]
        + [f"{each[0]} is cached as {each[1]}, not {each[2]}" for each in stale]
        + [f"the lots of {each[0]} are not their account" for each in lots]
        + [f"{each[0]} is {each[1]}, reserved are {each[2]}" for each in await books.rows(CRR)]
        + [f"{each[0]} is {each[1]}, open are {each[2]}" for each in await books.rows(PAY)]
    )


async def nothing_is_left_in_transit(books: Books) -> list[str]:
    """I6: what was captured is allocated."""
    found = await books.rows(BOOKED)
    return [
        f"{each['id']}: {each['transit']} in transit"
        for each in found
        if each["transit"] and each["payment_status"] not in {"refunding", "refund_failed"}
    ]


async def stripes_books_are_ours(books: Books) -> list[str]:
    """I7: every balance transaction has one leg in the ledger, and the sums are the same.

    Of the platform and of each connected account alike.
    """
    lines = await books.rows(
        "SELECT balance_transaction_id, count(*) FROM ledger_lines"
        " WHERE balance_transaction_id IS NOT NULL GROUP BY 1",
    )
    legs = {each[0]: each[1] for each in lines}
    wrong = await _differing(books, "", "SP", legs)
    async for each in books.everything("/v1/accounts"):
        wrong += await _differing(books, each["id"], f"SC:{each['id']}", legs)
    return wrong


async def _differing(
    books: Books, account: str, ledger_account: str, legs: dict[str, int]
) -> list[str]:
    """What one account at Stripe and its account in the ledger do not agree about."""
    path = "/v1/balance_transactions"
    moved = [
        each
        async for each in books.everything(path, account)
        if each["type"] not in RESERVES and (each["type"] not in FLOAT or each["id"] in legs)
    ]
    wrong = [
        f"{ledger_account}: {each['type']} {each['id']} has {legs.get(each['id'], 0)} legs"
        for each in moved
        if each["net"] and each["type"] not in UNNAMED and legs.get(each["id"], 0) != 1
    ]
    ledger = await books.value(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_lines WHERE account = $1",
        ledger_account,
    )
    theirs = sum(each["net"] for each in moved)
    if theirs != ledger:
        wrong.append(f"{ledger_account} is {ledger}, at Stripe {theirs}")
    return wrong


async def the_emulators_books_agree(books: Books) -> list[str]:
    """The second oracle: the emulator's own double entry, kept without any of ours."""
    shown = await books.get("/_emulator/invariants")
    return [
        f"the emulator: {each['name']}: {each['violations']}"
        for each in shown["checks"]
        if not each["ok"]
    ]


async def nobody_is_in_two_places(books: Books) -> list[str]:
    """I8: bookings that block time never overlap, for an instructor or for a learner."""
    found = await books.rows(
        "SELECT a.id, b.id FROM bookings a JOIN bookings b ON a.id < b.id"
        " AND (a.instructor_id = b.instructor_id OR a.learner_id = b.learner_id)"
        " AND a.status IN ('pending', 'confirmed') AND b.status IN ('pending', 'confirmed')"
        " AND tstzrange(a.start_at, a.end_at) && tstzrange(b.start_at, b.end_at)",
    )
    return [f"{each[0]} and {each[1]} overlap" for each in found]


async def everything_is_found_out(books: Books) -> list[str]:
    """I9: no operation is open once everything has come to rest."""
    found = await books.rows("SELECT kind, state FROM stripe_operations WHERE finished_at IS NULL")
    return [f"{each[0]} is {each[1]}" for each in found]


async def every_change_is_told(books: Books) -> list[str]:
    """I10: audit rows lead without a gap to where a booking and its payment are, and name who."""
    found = await books.rows(
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
    for each in await books.rows(BOOKED):
        for noun, now in (("booking", each["status"]), ("payment", each["payment_status"])):
            told = last.get((each["id"], noun))
            if told is None and noun == "payment" and each["payment_version"] == 1:
                # as it was born: the row of its booking's birth tells
                continue
            if told != now:
                wrong.append(f"{each['id']}: {noun} is {now}, the audit says {told}")
    return wrong


Invariant = Callable[[Books], Awaitable[list[str]]]
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


async def violations(database_url: str, stripe_url: str, stripe_key: str = SECRET_KEY) -> list[str]:
    """Everything that is wrong now, by all invariants: sentences, none when all is well.

    At rest only: nothing may be under way. Needs the product's database (as its owner) and the
    emulator, of any market or world.
    """
    async with opened(database_url, stripe_url, stripe_key) as books:
        return [sentence for check in ALL for sentence in await check(books)]
