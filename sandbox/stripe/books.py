"""Independent books: who owes what, derived anew from the objects and from nothing else.

The handlers write balance transactions and a journal as they work. This module never calls them
and reads neither: it looks at what the API objects say happened (a captured charge, a transfer, a
lost dispute) and books that by the rules of Stripe's documentation. `invariants` then compares.
Parties: `platform`, `acct_…`, and the world outside: `world:cards`, `world:bank`, `stripe:fees`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

PLATFORM: Final = "platform"
CARDS: Final = "world:cards"
BANK: Final = "world:bank"
FEES: Final = "stripe:fees"
FLOAT: Final = "float"
"""The source of money that a test moved to or from the platform's bank."""


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """Cents a party received; `source` is the object its balance transaction names."""

    party: str
    cents: int
    source: str = ""


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, balanced."""

    what: str
    object_id: str
    legs: tuple[Leg, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may look at beside its object: the account it lives in, prices, other objects."""

    store: Store
    config: Config
    account: str


Rule = Callable[[Facts, Doc], Iterator[Movement]]


def movement(what: str, doc: Doc, *legs: tuple[str, int, str]) -> Movement:
    """A movement of (party, cents, source) legs."""
    return Movement(
        what=what,
        object_id=doc["id"],
        legs=tuple(Leg(party=party, cents=cents, source=source) for party, cents, source in legs),
    )


def share_half_up(amount: int, permille: int) -> int:
    """Thousandths of an amount, a half rounded up."""
    whole, rest = divmod(amount * permille, 1_000)
    return whole + (2 * rest >= 1_000)


def _charge(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """A captured card charge: the card pays, Stripe keeps its price, the platform gets the rest."""
    if not doc["captured"] or doc["source_transfer"] or not doc["payment_intent"]:
        return
    taken = doc["amount_captured"]
    permille, fixed = _prices(facts, doc)
    price = share_half_up(taken, permille) + fixed
    yield movement(
        "charge",
        doc,
        (CARDS, -taken, ""),
        (PLATFORM, taken - price, doc["id"]),
        (FEES, price, ""),
    )


def _prices(facts: Facts, charge: Doc) -> tuple[int, int]:
    """What Stripe took when the charge was captured: thousandths and cents.

    Each change of prices leaves a row in `prices`; the instant is that of the money's arrival.
    """
    row = facts.store.row(
        "SELECT permille, fixed FROM prices WHERE at <="
        " (SELECT created * 1000000 + 999999 FROM objects WHERE id = ?) ORDER BY at DESC LIMIT 1",
        charge["balance_transaction"],
    )
    if row is None:
        return facts.config.card_fee_permille, facts.config.card_fee_fixed_cents
    return row["permille"], row["fixed"]


def _transfer(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """Platform to account, however much of it came back later; an account debit goes up."""
    to = PLATFORM if facts.account else doc["destination"]
    yield movement(
        "transfer",
        doc,
        (facts.account or PLATFORM, -doc["amount"], doc["id"]),
        (to, doc["amount"], doc["destination_payment"]),
    )


def _reversal(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """Account to platform."""
    transfer = facts.store.find("transfer", doc["transfer"]) or {}
    yield movement(
        "transfer_reversal",
        doc,
        (transfer["destination"], -doc["amount"], doc["destination_payment_refund"]),
        (PLATFORM, doc["amount"], doc["id"]),
    )


def _application_fee(facts: Facts, doc: Doc) -> Iterator[Movement]:  # noqa: ARG001 -- every rule's form
    """The account pays the platform, out of a payment or out of a payout."""
    out_of = doc["fee_source"]
    yield movement(
        "application_fee",
        doc,
        (doc["account"], -doc["amount"], out_of[out_of["type"]]),
        (PLATFORM, doc["amount"], doc["id"]),
    )


def _fee_refund(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """The platform gives a part of its fee back."""
    fee = facts.store.find("application_fee", doc["fee"]) or {}
    yield movement(
        "fee_refund",
        doc,
        (PLATFORM, -doc["amount"], doc["id"]),
        (fee["account"], doc["amount"], doc["id"]),
    )


def _refund(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """Platform to card, unless it failed, was canceled, or still waits for funds.

    What a reversal took from a connected account is told by the reversal, not by its mirror there.
    """
    is_moved = doc["status"] in ("succeeded", "pending") and doc["balance_transaction"]
    if facts.account or not is_moved:
        return
    yield movement("refund", doc, (PLATFORM, -doc["amount"], doc["id"]), (CARDS, doc["amount"], ""))


def _payout(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """Balance to bank, unless it came back. Stripe keeps its price of an instant one either way.

    The price of an account's payout is billed to the platform, without naming the payout.
    """
    party = facts.account or PLATFORM
    if doc["status"] not in ("failed", "canceled"):
        yield movement("payout", doc, (party, -doc["amount"], doc["id"]), (BANK, doc["amount"], ""))
    if doc["method"] == "instant":
        whole, rest = divmod(doc["amount"] * doc["_"]["cost_bps"], 10_000)
        price = whole + (2 * rest >= 10_000)
        source = FLOAT if facts.account else doc["id"]
        yield movement("instant_price", doc, (PLATFORM, -price, source), (FEES, price, ""))


def _dispute(facts: Facts, doc: Doc) -> Iterator[Movement]:
    """A chargeback takes amount and fee, a win brings the amount back; an inquiry moves nothing.

    A blocked one has moved nothing in the end.
    """
    if doc["payment_method_details"]["card"]["case_type"] in ("inquiry", "block"):
        return
    party, amount, prices = facts.account or PLATFORM, doc["amount"], doc["_"]
    taken = (party, -amount - prices["fee"], doc["id"])
    yield movement("dispute", doc, taken, (CARDS, amount, ""), (FEES, prices["fee"], ""))
    if doc["status"] == "won":
        yield movement("dispute_won", doc, (party, amount, doc["id"]), (CARDS, -amount, ""))
    elif prices["counter_fee"]:
        paid = prices["counter_fee"]
        yield movement("dispute_countered", doc, (party, -paid, doc["id"]), (FEES, paid, ""))


def _topup(facts: Facts, doc: Doc) -> Iterator[Movement]:  # noqa: ARG001 -- every rule's form
    """Bank to platform, once it arrived."""
    if doc["status"] == "succeeded":
        yield movement(
            "topup", doc, (BANK, -doc["amount"], ""), (PLATFORM, doc["amount"], doc["id"])
        )


def _collection(facts: Facts, doc: Doc) -> Iterator[Movement]:  # noqa: ARG001 -- every rule's form
    """The platform pays what an account has owed too long."""
    amount, source = doc["amount"], doc["id"]
    legs = (PLATFORM, -amount, source), (doc["destination"], amount, source)
    yield movement("connect_collection_transfer", doc, *legs)


RULES: Final[dict[str, Rule]] = {
    "charge": _charge,
    "transfer": _transfer,
    "transfer_reversal": _reversal,
    "application_fee": _application_fee,
    "fee_refund": _fee_refund,
    "refund": _refund,
    "payout": _payout,
    "dispute": _dispute,
    "topup": _topup,
    "connect_collection_transfer": _collection,
}


def movements(store: Store, config: Config) -> Iterator[Movement]:
    """Everything that happened, kind by kind, oldest first."""
    for row in store.rows("SELECT cents FROM floats WHERE cents <> 0 ORDER BY rowid"):
        legs = (PLATFORM, row["cents"], FLOAT), (BANK, -row["cents"], "")
        yield movement("float", {"id": FLOAT}, *legs)
    for kind, rule in RULES.items():
        query = "SELECT account, body FROM objects WHERE kind = ? ORDER BY seq"
        for row in store.rows(query, kind):
            facts = Facts(store=store, config=config, account=row["account"])
            yield from rule(facts, msgspec.json.decode(row["body"]))


def by_party(moved: Sequence[Movement]) -> dict[str, int]:
    """Each party's sum."""
    sums: dict[str, int] = {}
    for each in moved:
        for leg in each.legs:
            sums[leg.party] = sums.get(leg.party, 0) + leg.cents
    return sums


def by_source(moved: Sequence[Movement]) -> dict[tuple[str, str], int]:
    """What each object should have moved on each balance: (party, source) to cents."""
    sums: dict[tuple[str, str], int] = {}
    for each in moved:
        for leg in each.legs:
            if leg.source:
                key = leg.party, leg.source
                sums[key] = sums.get(key, 0) + leg.cents
    return sums


def books_view(store: Store, config: Config) -> Doc:
    """Every movement with its legs, and the sums."""
    moved = list(movements(store, config))
    return {"data": [msgspec.to_builtins(each) for each in moved], "parties": by_party(moved)}
