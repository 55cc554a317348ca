"""Examples for the OpenAPI document, made from the types themselves, the same every time."""

from collections.abc import Callable
from typing import cast

import msgspec
from msgspec import inspect

NOW = "2027-03-09T17:00:00Z"
LATER = "2027-03-09T18:00:00Z"
ID = "01a1f6c0-2b40-7c3e-9d52-6f1e8a7b9c10"

TEXTS: dict[str, str] = {
    "id": "pm_1",
    "email": "ada@example.org",
    "password": "blue tractor sings 9",
    "display_name": "Ada Long",
    "name": "Piano",
    "skill_name": "Piano",
    "slug": "piano",
    "skill": "piano",
    "category": "Music",
    "title": "Piano for beginners",
    "description": "First chords, first songs.",
    "headline": "Patient piano lessons",
    "bio": "Twenty years of teaching.",
    "languages": "en",
    "levels": "beginner",
    "age_groups": "adults",
    "time_zone": "Europe/Vienna",
    "opens": "09:00",
    "closes": "17:00",
    "currency": "usd",
    "access_token": "eyJ0eXAiOiJhY2Nlc3MiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
    "refresh_token": "n1Yb3q0T5p8s2v5x8zAbDdGgJjMmPpSs",
    "csrf_token": "8c2f0a7d",
    "ticket": "eyJ0eXAiOiJsaXZlIiwiYWxnIjoiSFMyNTYifQ.e30.c2lnbmF0dXJl",
    "client_secret": "seti_1_secret_2",
    "payment_method_id": "pm_card_visa",
    "account_id": "acct_1",
    "url": "https://connect.stripe.com/setup/e/acct_1",
    "brand": "visa",
    "last4": "4242",
    "place": "Mariahilfer Straße 1",
    "note": "My first lesson.",
    "reason": "I am ill.",
    "text": "piano",
    "account": "SC:cus_1",
    "kind": "capture",
    "event": "booking.confirmed",
    "was": "pending",
    "became": "confirmed",
    "cause": "book",
    "source": "stripe",
    "balance_transaction_id": "txn_1",
    "request_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "blockers": "no-service",
    "requirements_due": "external_account",
    "start_at": LATER,
    "end_at": "2027-03-09T19:00:00Z",
    "from": NOW,
    "to": "2027-03-23T17:00:00Z",
    "date": "2027-03-09",
    "at": NOW,
}
NUMBERS: dict[str, int] = {
    "price_cents": 6000,
    "card_amount_cents": 6000,
    "platform_fee_cents": 900,
    "instructor_amount_cents": 5100,
    "credit_applied_cents": 0,
    "hourly_rate_cents": 6000,
    "max_hourly_rate_cents": 8000,
    "balance_cents": 3000,
    "remaining_cents": 3000,
    "total_cents": 0,
    "amount_cents": 5100,
    "duration_minutes": 60,
    "expires_in": 600,
    "version": 41,
    "exp_month": 12,
    "exp_year": 2030,
    "travel_radius_km": 10,
    "minimum_notice_minutes": 120,
    "horizon_days": 60,
    "limit": 50,
}
EMPTY: frozenset[str] = frozenset(
    {
        "series_id",
        "outcome",
        "cancelled_at",
        "cancelled_by",
        "next_cursor",
        "hold_expires_at",
        "if_version",
        "lessons_per_day_max",
        "minutes_per_week_max",
        "referral_code",
        "csrf_token",
        "learner_id",
    }
)
"""What is mostly absent."""


def example_of(annotation: object) -> object:
    """A value of the type as JSON has it."""
    return _example(inspect.type_info(annotation), "")


def _example(kind: inspect.Type, name: str) -> object:
    make = MAKERS.get(type(kind))
    if make is not None:
        return make(kind, name)
    raise TypeError(f"there is no example for {kind!r}")


def _within(kind: inspect.Type, name: str) -> object:
    return _example(cast("inspect.Metadata", kind).type, name)


def _struct(kind: inspect.Type, _: str) -> object:
    struct = cast("inspect.StructType", kind)
    shown = {each.encode_name: _example(each.type, each.encode_name) for each in struct.fields}
    # one of several kinds says in a field of its own which it is
    return {struct.tag_field: struct.tag, **shown} if struct.tag_field else shown


def _union(kind: inspect.Type, name: str) -> object:
    kinds = cast("inspect.UnionType", kind).types
    if name in EMPTY:
        return None
    return _example(next(each for each in kinds if not isinstance(each, inspect.NoneType)), name)


def _list(kind: inspect.Type, name: str) -> object:
    item = cast("inspect.ListType", kind).item_type
    return [_example(item, name)]


def _text(_: inspect.Type, name: str) -> object:
    """What such a text looks like; one nobody described is shown by its name."""
    return TEXTS.get(name, name.replace("_", " "))


def _instant(_: inspect.Type, name: str) -> object:
    return TEXTS.get(name, NOW)


def _number(kind: inspect.Type, name: str) -> object:
    return NUMBERS.get(name, cast("inspect.IntType", kind).ge or 0)


def _choice(kind: inspect.Type, name: str) -> object:
    values = sorted(cast("inspect.LiteralType", kind).values, key=str)
    usual = {"status": "confirmed", "payment_status": "scheduled", "role": "student"}
    if usual.get(name) in values:
        return usual[name]
    return 60 if 60 in values else values[0]


def _yes(_: inspect.Type, __: str) -> object:
    return True


Maker = Callable[[inspect.Type, str], object]


def _always(value: object) -> Maker:
    def make(_: inspect.Type, __: str) -> object:
        return value

    return make


MAKERS: dict[type[inspect.Type], Maker] = {
    inspect.Metadata: _within,
    inspect.StructType: _struct,
    inspect.UnionType: _union,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.SetType: _list,
    inspect.FrozenSetType: _list,
    inspect.CollectionType: _list,
    inspect.StrType: _text,
    inspect.DateTimeType: _instant,
    inspect.DateType: _always(TEXTS["date"]),
    inspect.IntType: _number,
    inspect.FloatType: _always(48.2),
    inspect.BoolType: _yes,
    inspect.UUIDType: _always(ID),
    inspect.LiteralType: _choice,
    inspect.DictType: _always({}),
    inspect.AnyType: _always(None),
    inspect.NoneType: _always(None),
}


def is_type(value: object, annotation: object) -> bool:
    """Whether an example really is of the type."""
    try:
        msgspec.convert(value, type=cast("type", annotation))
    except msgspec.ValidationError:
        return False
    return True
