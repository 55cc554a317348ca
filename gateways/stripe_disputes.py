"""Disputes and early fraud warnings of Stripe as we read them, and the answer to a dispute."""

from datetime import UTC, datetime

import msgspec
import stripe
from stripe import StripeObject

from domain.movements import DisputeSeen, DisputeStatus, FraudWarningSeen


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

    async def answer(self, dispute_id: str, *, text: str, key: str) -> DisputeSeen:
        """Submits evidence: the bank looks at the first submission only."""
        return _dispute_seen(
            await self._api.disputes.update_async(
                dispute_id,
                {"evidence": {"uncategorized_text": text}, "submit": True},
                {"idempotency_key": key},
            )
        )


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
