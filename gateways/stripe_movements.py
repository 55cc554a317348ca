"""Refunds, transfers, reversals and payouts at Stripe, each as one request or one read."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
import stripe
from stripe import StripeObject

from domain.movements import (
    CreatePayout,
    CreateRefund,
    CreateTransfer,
    FeeRefundSeen,
    InstantQuote,
    MovementCall,
    MovementSeen,
    MovementsSeen,
    PayoutSeen,
    RefundSeen,
    RefundStatus,
    ReversalSeen,
    ReverseTopUp,
    ReverseTransfer,
    TopUpBackSeen,
    TransferSeen,
)
from gateways.stripe_payouts import instant_quotes, payout_seen

LIST_MAX = 100
BACK = timedelta(hours=1)
"""How far before the asking a read-back looks: clocks differ."""

TRANSFER_EXPAND = ["destination_payment"]
REVERSAL_EXPAND = ["destination_payment_refund"]


class ArrivedBody(msgspec.Struct, frozen=True):
    """What a movement was on the connected account."""

    id: str
    balance_transaction: str | None = None


class TransferBody(msgspec.Struct, frozen=True):
    """A transfer."""

    id: str
    amount: int
    destination: str
    amount_reversed: int = 0
    balance_transaction: str | None = None
    destination_payment: ArrivedBody | str | None = None
    metadata: dict[str, str] = {}


class ReversalBody(msgspec.Struct, frozen=True):
    """A transfer reversal."""

    id: str
    amount: int
    transfer: str
    balance_transaction: str | None = None
    destination_payment_refund: ArrivedBody | str | None = None
    source_refund: str | None = None
    metadata: dict[str, str] | None = None


class FeeRefundBody(msgspec.Struct, frozen=True):
    """A refund of an application fee."""

    id: str
    amount: int
    balance_transaction: str | None = None


class RefundBody(msgspec.Struct, frozen=True):
    """A refund."""

    id: str
    amount: int
    status: RefundStatus
    payment_intent: str
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None
    reason: str | None = None
    metadata: dict[str, str] | None = None


class MadeBody(msgspec.Struct, frozen=True):
    """What a write that has just been done answers of itself."""

    id: str
    transfer_reversal: str | None = None


class StripeMovements:
    """The requests of what follows a capture; they raise the SDK's errors."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """`client` belongs to the running event loop."""
        self._api = client.v1

    async def send(self, call: MovementCall, options: stripe.RequestOptions) -> MovementSeen:
        """Sends a write."""
        match call:
            case CreateTransfer():
                return await self._create_transfer(call, options)
            case ReverseTransfer():
                return await self._reverse(call, options)
            case ReverseTopUp():
                return await self._reverse_top_up(call, options)
            case CreateRefund():
                return await self._refund(call, options)
            case CreatePayout():
                return await self._payout(call, options)

    async def find(self, call: MovementCall) -> MovementSeen | None:
        """What a write has left behind, by its metadata; `None` when it never happened."""
        match call:
            case CreateTransfer():
                listed = await self._api.transfers.list_async(
                    {"transfer_group": call.transfer_group, "limit": LIST_MAX}
                )
                mine = _first(listed.data, call.metadata)
                return None if mine is None else await self.transfer(mine.id)
            case ReverseTransfer():
                reversals = await self.reversals(call.transfer_id)
                found = [each.id for each in reversals if each.metadata == call.metadata]
                return await self._moved_by(call, MadeBody(found[0])) if found else None
            case ReverseTopUp():
                back = await self._top_up_back(call)
                is_there = any(each.metadata == call.metadata for each in back.reversals)
                return back if is_there else None
            case CreateRefund():
                refunds = await self._api.refunds.list_async(
                    {"payment_intent": call.payment_intent_id, "limit": LIST_MAX}
                )
                mine = _first(refunds.data, call.metadata)
                return None if mine is None else await self._moved_by(call, mine)
            case CreatePayout():
                since = int((call.asked_at - BACK).timestamp())
                payouts = await self._api.payouts.list_async(
                    {"created": {"gte": since}, "limit": LIST_MAX},
                    {"stripe_account": call.account},
                )
                mine = _first(payouts.data, call.metadata)
                return None if mine is None else await self.payout(mine.id, account=call.account)

    async def transfer(self, transfer_id: str) -> TransferSeen:
        """A transfer as it is now."""
        return _transfer_seen(
            await self._api.transfers.retrieve_async(transfer_id, {"expand": TRANSFER_EXPAND})
        )

    async def payout(self, payout_id: str, *, account: str) -> PayoutSeen:
        """A payout of a connected account as it is now, with its fee and what Stripe bills."""
        payouts = self._api.payouts
        found = await payouts.retrieve_async(payout_id, {}, {"stripe_account": account})
        return await self._with_fees(payout_seen(found))

    async def top_up_back(self, transfer_id: str) -> TopUpBackSeen:
        """What has been taken back of a transfer from the platform's balance."""
        return TopUpBackSeen(transfer_id=transfer_id, reversals=await self.reversals(transfer_id))

    async def reversals(self, transfer_id: str) -> tuple[ReversalSeen, ...]:
        """Every reversal of a transfer, oldest first."""
        listed = await self._api.transfers.reversals.list_async(
            transfer_id,
            {"limit": LIST_MAX, "expand": [f"data.{each}" for each in REVERSAL_EXPAND]},
        )
        return tuple(_reversal_seen(each) for each in reversed(listed.data))

    async def movements(
        self, payment_intent_id: str, *, transfer_id: str | None, application_fee_id: str | None
    ) -> MovementsSeen:
        """All that has moved since the capture of an intent, in at most three reads."""
        refunds = await self._api.refunds.list_async(
            {"payment_intent": payment_intent_id, "limit": LIST_MAX}
        )
        fee_refunds: tuple[FeeRefundSeen, ...] = ()
        if application_fee_id is not None:
            fees = await self._api.application_fees.refunds.list_async(
                application_fee_id, {"limit": LIST_MAX}
            )
            fee_refunds = tuple(_fee_refund_seen(each) for each in reversed(fees.data))
        return MovementsSeen(
            payment_intent_id=payment_intent_id,
            refunds=tuple(_refund_seen(each) for each in reversed(refunds.data)),
            reversals=() if transfer_id is None else await self.reversals(transfer_id),
            fee_refunds=fee_refunds,
        )

    async def instant_quotes(self, account: str) -> tuple[InstantQuote, ...]:
        """What a connected account can have at once, with the fee taken off by Stripe (§1.2)."""
        found = await self._api.balance.retrieve_async(
            {"expand": ["instant_available.net_available"]}, {"stripe_account": account}
        )
        return instant_quotes(found)

    async def _create_transfer(
        self, call: CreateTransfer, options: stripe.RequestOptions
    ) -> TransferSeen:
        made = await self._api.transfers.create_async(
            {
                "amount": call.amount_cents,
                "currency": call.currency,
                "destination": call.destination_account,
                "transfer_group": call.transfer_group,
                "metadata": call.metadata,
                "expand": TRANSFER_EXPAND,
            },
            options,
        )
        return _transfer_seen(made)

    async def _reverse(
        self, call: ReverseTransfer, options: stripe.RequestOptions
    ) -> MovementsSeen:
        """Takes back, and reads all that moved with it: if that fails, the key repeats both."""
        params: stripe.params.TransferReversalCreateParams = {
            "amount": call.amount_cents,
            "metadata": call.metadata,
        }
        if call.application_fee_id is not None:
            params["refund_application_fee"] = True
        reversals = self._api.transfers.reversals
        made = await reversals.create_async(call.transfer_id, params, options)
        return await self._moved_by(call, MadeBody(made.id))

    async def _reverse_top_up(
        self, call: ReverseTopUp, options: stripe.RequestOptions
    ) -> TopUpBackSeen:
        params: stripe.params.TransferReversalCreateParams = {
            "amount": call.amount_cents,
            "metadata": call.metadata,
        }
        reversals = self._api.transfers.reversals
        made = await reversals.create_async(call.transfer_id, params, options)
        seen = await self._top_up_back(call)
        if made.id not in {each.id for each in seen.reversals}:
            raise _not_shown(made.id)
        return seen

    async def _top_up_back(self, call: ReverseTopUp) -> TopUpBackSeen:
        return await self.top_up_back(call.transfer_id)

    async def _refund(self, call: CreateRefund, options: stripe.RequestOptions) -> MovementsSeen:
        """Refunds, and reads all that moved with it: if that fails, the key repeats both."""
        params: stripe.params.RefundCreateParams = {
            "payment_intent": call.payment_intent_id,
            "amount": call.amount_cents,
            "reason": "requested_by_customer",
            "metadata": call.metadata,
        }
        if call.reverses_transfer:
            params["reverse_transfer"] = True
        if call.reverses_transfer and call.application_fee_id is not None:
            params["refund_application_fee"] = True
        made = await self._api.refunds.create_async(params, options)
        return await self._moved_by(call, msgspec.convert(made.to_dict(), MadeBody))

    async def _moved_by(
        self, call: CreateRefund | ReverseTransfer, made: MadeBody
    ) -> MovementsSeen:
        """All that has moved; a replica that does not show what was made is asked later again."""
        seen = await self.movements(
            call.payment_intent_id,
            transfer_id=call.transfer_id,
            application_fee_id=call.application_fee_id,
        )
        shown = {each.id for each in (*seen.refunds, *seen.reversals)}
        if missing := {made.id, made.transfer_reversal} - {None, *shown}:
            raise _not_shown(str(missing.pop()))
        return seen

    async def _payout(self, call: CreatePayout, options: stripe.RequestOptions) -> PayoutSeen:
        params: stripe.params.PayoutCreateParams = {
            "amount": call.amount_cents,
            "currency": call.currency,
            "method": "instant" if call.is_instant else "standard",
            "metadata": call.metadata,
        }
        if call.destination is not None:
            params["destination"] = call.destination
        whose: stripe.RequestOptions = {**options, "stripe_account": call.account}
        made = await self._api.payouts.create_async(params, whose)
        return await self._with_fees(payout_seen(made))

    async def _with_fees(self, seen: PayoutSeen) -> PayoutSeen:
        """The same with the platform's fee on it and Stripe's bill for it, as far as they exist."""
        if seen.application_fee_id is None:
            return seen
        fees = self._api.application_fees
        fee = await fees.retrieve_async(seen.application_fee_id)
        back = await fees.refunds.list_async(seen.application_fee_id, {"limit": LIST_MAX})
        bills = await self._api.balance_transactions.list_async(
            {"type": "stripe_fee", "created": {"gte": fee.created}, "limit": LIST_MAX}
        )
        bill = next((each for each in bills.data if seen.id in (each.description or "")), None)
        return msgspec.structs.replace(
            seen,
            fee_transaction_id=msgspec.convert(fee.to_dict(), FeeRefundBody).balance_transaction,
            fee_refunds=tuple(_fee_refund_seen(each) for each in reversed(back.data)),
            cost_cents=-bill.net if bill else 0,
            cost_transaction_id=bill.id if bill else None,
        )


def _not_shown(made: str) -> stripe.APIConnectionError:
    """A read does not show yet what the write before it has made; the key repeats both."""
    return stripe.APIConnectionError(f"{made} is not shown yet", code="read_is_old")


def _refund_seen(answer: StripeObject) -> RefundSeen:
    """The observation in a refund."""
    body = msgspec.convert(answer.to_dict(), RefundBody)
    return RefundSeen(
        id=body.id,
        payment_intent_id=body.payment_intent,
        amount_cents=body.amount,
        status=body.status,
        reason=body.reason,
        failure_reason=body.failure_reason,
        transaction_id=body.balance_transaction,
        failure_transaction_id=body.failure_balance_transaction,
        refund_id=_uuid((body.metadata or {}).get("refund_id")),
        absorbed_cents=_cents((body.metadata or {}).get("absorbed_cents")),
    )


def _transfer_seen(answer: StripeObject) -> TransferSeen:
    body = msgspec.convert(answer.to_dict(), TransferBody)
    return TransferSeen(
        id=body.id,
        amount_cents=body.amount,
        reversed_cents=body.amount_reversed,
        destination_account=body.destination,
        transaction_id=body.balance_transaction,
        destination_transaction_id=_arrived(body.destination_payment),
        metadata=body.metadata,
    )


def _reversal_seen(answer: StripeObject) -> ReversalSeen:
    body = msgspec.convert(answer.to_dict(), ReversalBody)
    return ReversalSeen(
        id=body.id,
        transfer_id=body.transfer,
        amount_cents=body.amount,
        transaction_id=body.balance_transaction,
        destination_transaction_id=_arrived(body.destination_payment_refund),
        refund_id=body.source_refund,
        metadata=body.metadata or {},
    )


def _fee_refund_seen(answer: StripeObject) -> FeeRefundSeen:
    body = msgspec.convert(answer.to_dict(), FeeRefundBody)
    return FeeRefundSeen(
        id=body.id, amount_cents=body.amount, transaction_id=body.balance_transaction
    )


def _arrived(body: ArrivedBody | str | None) -> str | None:
    return body.balance_transaction if isinstance(body, ArrivedBody) else None


def _first(listed: Sequence[StripeObject], metadata: dict[str, str]) -> MadeBody | None:
    """The object with this metadata."""
    for each in listed:
        found = msgspec.convert(each.to_dict(), _Tagged)
        if found.metadata == metadata:
            return found
    return None


class _Tagged(MadeBody, frozen=True):
    metadata: dict[str, str] | None = None


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def _cents(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
