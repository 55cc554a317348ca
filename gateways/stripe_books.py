"""Stripe's own books: balance transactions and the platform's balance, read and never written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import stripe

from domain.journals import STRIPE
from domain.movements import FeeSeen
from domain.reconciliation import (
    CONNECTED,
    BalanceSeen,
    BalanceTransaction,
    BalanceTransactionPage,
    SourceSeen,
)

PAGE: Final = 100


class FeeDetail(msgspec.Struct, frozen=True):
    """One part of what was taken from a transaction."""

    amount: int
    type: str


class TransactionBody(msgspec.Struct, frozen=True):
    """A balance transaction."""

    id: str
    type: str
    amount: int
    fee: int
    net: int
    currency: str
    created: int
    source: str | None = None
    description: str | None = None
    fee_details: list[FeeDetail] = []


class AmountBody(msgspec.Struct, frozen=True):
    """Money of one currency in a balance."""

    amount: int


class BalanceBody(msgspec.Struct, frozen=True):
    """A balance, by what can be done with the money."""

    available: list[AmountBody]
    pending: list[AmountBody]
    connect_reserved: list[AmountBody] = []


class SourceBody(msgspec.Struct, frozen=True):
    """The object behind a balance transaction; names of other objects are ids."""

    id: str
    object: str
    payment_intent: str | None = None
    transfer: str | None = None
    fee: str | int | None = None


class ExpandedBody(msgspec.Struct, frozen=True):
    """A balance transaction with its source in it, where it has one."""

    source: SourceBody | str | None = None


class FeeSourceBody(msgspec.Struct, frozen=True):
    """What a fee is taken from."""

    payout: str | None = None


class FeeBody(msgspec.Struct, frozen=True):
    """An application fee."""

    id: str
    account: str
    fee_source: FeeSourceBody | None = None


class StripeBooks:
    """Reads what moved; raises the SDK's errors."""

    def __init__(self, api: stripe.StripeClient) -> None:
        """`api` belongs to the running event loop."""
        self._api = api.v1

    async def balance_transactions(
        self, stripe_account_id: str | None, *, since: datetime | None, after: str | None
    ) -> BalanceTransactionPage:
        """One page of an account's movements (`None`: the platform's), newest first."""
        params: stripe.params.BalanceTransactionListParams = {"limit": PAGE}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        if after is not None:
            params["starting_after"] = after
        options: stripe.RequestOptions = {}
        if stripe_account_id is not None:
            options["stripe_account"] = stripe_account_id
        found = await self._api.balance_transactions.list_async(params, options)
        account = f"{CONNECTED}{stripe_account_id}" if stripe_account_id else STRIPE
        return BalanceTransactionPage(
            transactions=tuple(_transaction(each, account) for each in found.data),
            has_more=found.has_more,
        )

    async def source(self, transaction_id: str) -> SourceSeen | None:
        """What a movement of the platform's is of; `None` when it is of nothing."""
        found = await self._api.balance_transactions.retrieve_async(
            transaction_id, {"expand": ["source"]}
        )
        body = msgspec.convert(found.to_dict(), ExpandedBody).source
        if not isinstance(body, SourceBody):
            return None
        return SourceSeen(
            kind=body.object,
            id=body.id,
            payment_intent_id=body.payment_intent,
            transfer_id=body.transfer,
            fee_id=body.fee if isinstance(body.fee, str) else None,
        )

    async def fee(self, fee_id: str) -> FeeSeen:
        """A fee of the platform's as it is now."""
        found = await self._api.application_fees.retrieve_async(fee_id)
        body = msgspec.convert(found.to_dict(), FeeBody)
        payout = body.fee_source and body.fee_source.payout
        return FeeSeen(id=body.id, account=body.account, payout_id=payout)

    async def balance(self, account: str | None = None) -> BalanceSeen:
        """The balance of a connected account (`None`: the platform's) now."""
        options: stripe.RequestOptions = {} if account is None else {"stripe_account": account}
        found = await self._api.balance.retrieve_async({}, options)
        body = msgspec.convert(found.to_dict(), BalanceBody)
        return BalanceSeen(
            available_cents=_sum(body.available),
            pending_cents=_sum(body.pending),
            reserved_cents=_sum(body.connect_reserved),
        )


def _transaction(answer: stripe.BalanceTransaction, account: str) -> BalanceTransaction:
    body = msgspec.convert(answer.to_dict(), TransactionBody)
    return BalanceTransaction(
        id=body.id,
        account=account,
        kind=body.type,
        amount_cents=body.amount,
        fee_cents=body.fee,
        application_fee_cents=sum(
            part.amount for part in body.fee_details if part.type == "application_fee"
        ),
        net_cents=body.net,
        currency=body.currency,
        source=body.source,
        description=body.description,
        created_at=datetime.fromtimestamp(body.created, UTC),
    )


def _sum(amounts: Sequence[AmountBody]) -> int:
    return sum(each.amount for each in amounts)
