"""Disputes and early fraud warnings of Stripe as we read them, and the answer to a dispute."""

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
import stripe
from stripe import StripeObject

from domain.movements import DisputeSeen, DisputeStatus, FraudWarningSeen, Opened

PAGE: Final = 100


class TransactionBody(msgspec.Struct, frozen=True):
    """What a dispute moved."""

    id: str
    amount: int
    fee: int


class EvidenceBody(msgspec.Struct, frozen=True):
    """How far the answer is."""

    due_by: int | None = None
    submission_count: int = 0


class DisputeBody(msgspec.Struct, frozen=True):
    """A dispute."""

    id: str
    payment_intent: str
    status: DisputeStatus
    reason: str
    amount: int
    balance_transactions: list[TransactionBody] = []
    evidence_details: EvidenceBody | None = None


class WarningBody(msgspec.Struct, frozen=True):
    """An early fraud warning."""

    id: str
    payment_intent: str
    fraud_type: str
    actionable: bool


class OpenedBody(msgspec.Struct, frozen=True):
    """A dispute or a warning; charges of another business may have no payment intent."""

    id: str
    payment_intent: str | None = None


class StripeDisputes:
    """The requests about disputed charges; they raise the SDK's errors."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """`client` belongs to the running event loop."""
        self._api = client.v1

    async def dispute(self, dispute_id: str) -> DisputeSeen:
        """A dispute as it is now."""
        return _dispute_seen(await self._api.disputes.retrieve_async(dispute_id))

    async def fraud_warning(self, warning_id: str) -> FraudWarningSeen:
        """An early fraud warning as it is now."""
        found = await self._api.radar.early_fraud_warnings.retrieve_async(warning_id)
        body = msgspec.convert(found.to_dict(), WarningBody)
        return FraudWarningSeen(
            id=body.id,
            payment_intent_id=body.payment_intent,
            fraud_type=body.fraud_type,
            is_actionable=body.actionable,
        )

    async def opened(self, since: datetime, until: datetime) -> list[Opened]:
        """The disputes and early fraud warnings that were opened from `since` to `until`."""
        params: stripe.params.DisputeListParams = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": PAGE,
        }
        disputes = await self._api.disputes.list_async(params)
        warnings = await self._api.radar.early_fraud_warnings.list_async(
            {"created": params["created"], "limit": PAGE}
        )
        found = [_opened(each, "dispute") async for each in disputes.auto_paging_iter()]
        found += [_opened(each, "warning") async for each in warnings.auto_paging_iter()]
        return [each for each in found if each is not None]

    async def answer(self, dispute_id: str, *, text: str, key: str) -> DisputeSeen:
        """Submits evidence: the bank looks at the first submission only."""
        return _dispute_seen(
            await self._api.disputes.update_async(
                dispute_id,
                {"evidence": {"uncategorized_text": text}, "submit": True},
                {"idempotency_key": key},
            )
        )


def _opened(answer: StripeObject, kind: Literal["dispute", "warning"]) -> Opened | None:
    body = msgspec.convert(answer.to_dict(), OpenedBody)
    if body.payment_intent is None:
        return None
    return Opened(kind=kind, id=body.id, payment_intent_id=body.payment_intent)


def _dispute_seen(answer: StripeObject) -> DisputeSeen:
    body = msgspec.convert(answer.to_dict(), DisputeBody)
    details = body.evidence_details or EvidenceBody()
    taken = next((each for each in body.balance_transactions if each.amount < 0), None)
    back = next((each for each in body.balance_transactions if each.amount > 0), None)
    return DisputeSeen(
        id=body.id,
        payment_intent_id=body.payment_intent,
        status=body.status,
        reason=body.reason,
        amount_cents=body.amount,
        withdrawn_cents=-taken.amount if taken else 0,
        withdrawal_transaction_id=taken.id if taken else None,
        withdrawal_fee_cents=taken.fee if taken else 0,
        reinstated_cents=back.amount if back else 0,
        reinstatement_transaction_id=back.id if back else None,
        reinstatement_fee_cents=back.fee if back else 0,
        evidence_count=details.submission_count,
        evidence_due_at=datetime.fromtimestamp(details.due_by, UTC) if details.due_by else None,
    )
