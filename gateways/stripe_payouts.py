"""Payouts and instant balances of Stripe as we read them."""

from datetime import UTC, datetime

import msgspec
from stripe import StripeObject

from domain.movements import InstantQuote, PayoutSeen, PayoutStatus


class PayoutBody(msgspec.Struct, frozen=True):
    """A payout."""

    id: str
    amount: int
    status: PayoutStatus
    method: str
    arrival_date: int
    application_fee: str | None = None
    application_fee_amount: int | None = None
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    metadata: dict[str, str] | None = None


class NetBody(msgspec.Struct, frozen=True):
    """What arrives at one destination."""

    amount: int
    destination: str


class InstantBody(msgspec.Struct, frozen=True):
    """What can be paid out at once, in one currency."""

    amount: int
    currency: str
    net_available: list[NetBody] | None = None


class BalanceBody(msgspec.Struct, frozen=True):
    """A balance, as far as instant payouts need it."""

    instant_available: list[InstantBody] | None = None


def payout_seen(answer: StripeObject) -> PayoutSeen:
    """The observation in a payout, its fees not looked at yet."""
    body = msgspec.convert(answer.to_dict(), PayoutBody)
    return PayoutSeen(
        id=body.id,
        status=body.status,
        amount_cents=body.amount,
        fee_cents=body.application_fee_amount or 0,
        is_instant=body.method == "instant",
        arrival_at=datetime.fromtimestamp(body.arrival_date, UTC),
        failure_code=body.failure_code,
        transaction_id=body.balance_transaction,
        failure_transaction_id=body.failure_balance_transaction,
        application_fee_id=body.application_fee,
        metadata=body.metadata or {},
    )


def instant_quotes(answer: StripeObject) -> tuple[InstantQuote, ...]:
    """What each bank of a connected account can get at once."""
    body = msgspec.convert(answer.to_dict(), BalanceBody)
    return tuple(
        InstantQuote(
            destination=net.destination,
            gross_cents=each.amount,
            net_cents=net.amount,
            currency=each.currency,
        )
        for each in body.instant_available or []
        for net in each.net_available or []
    )
