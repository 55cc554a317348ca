"""What a payout brings with it: its wish with its operation; once seen, row, journals and event."""

from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter

from actors.ledger import post
from domain.events import Topic
from domain.ids import new_id
from domain.money import CURRENCY
from domain.movements import CreatePayout, PayoutSeen
from domain.operations import Answer, Operation, Unknown
from domain.payment_calls import kind_of
from domain.payout_journals import payout_journals
from domain.payouts import RANKS, PayoutState, state_of
from storage.operations import plan_operation
from storage.outbox import stage_event
from storage.payouts import insert_payout, record_payout, refuse_payout
from storage.query import Tx
from storage.stripe_events import instructor_of_account

log = structlog.get_logger()

FEES_KEPT = Counter(
    "payout_fees_kept_total", "Instant payouts that failed and whose fee was not given back."
)

TOPICS: dict[PayoutState, Topic] = {"paid": "payout.paid", "failed": "payout.failed"}


async def wish_for(
    tx: Tx,
    call: CreatePayout,
    *,
    payout_id: UUID,
    instructor_id: UUID,
    is_asked: bool,
    known: int,
    now: datetime,
    wall_now: datetime,
) -> Operation | None:
    """Plans a payout and the write that makes it; nothing while another is on its way.

    `known`: how many payouts there were when the balance was looked at. One more means that the
    balance may be another.
    """
    inserted = await insert_payout(
        tx,
        payout_id=payout_id,
        instructor_id=instructor_id,
        is_instant=call.is_instant,
        is_asked=is_asked,
        net_cents=call.amount_cents,
        currency=call.currency,
        known=known,
        now=now,
    )
    if inserted is None:
        return None
    return await plan_operation(
        tx,
        operation_id=new_id(now),
        kind=kind_of(call),
        booking_id=None,
        subject_id=payout_id,
        idempotency_key=f"po:{payout_id}",
        params=call,
        wall_now=wall_now,
    )


async def record_payout_answer(
    tx: Tx, operation: Operation, answer: Answer, *, now: datetime
) -> None:
    """Records what Stripe answered to a wish for a payout; nothing for other operations."""
    call = operation.params
    if not isinstance(call, CreatePayout) or isinstance(answer, Unknown):
        return
    if isinstance(answer, PayoutSeen):
        instructor_id = await instructor_of_account(tx, account=call.account)
        if instructor_id is not None:
            await keep_payout(
                tx, answer, instructor_id=instructor_id, account=call.account, now=now
            )
        return
    code = getattr(answer, "code", "refused")
    await refuse_payout(tx, payout_id=operation.subject_id, failure_code=str(code), now=now)


async def keep_payout(
    tx: Tx, seen: PayoutSeen, *, instructor_id: UUID, account: str, now: datetime
) -> None:
    """Keeps a payout as it is now, posts what it moved and was not posted, tells what is new."""
    state = state_of(seen)
    fee_refunded_cents = sum(each.amount_cents for each in seen.fee_refunds)
    is_news = await record_payout(
        tx,
        payout_id=_asked_as(seen) or new_id(now),
        instructor_id=instructor_id,
        state=state,
        rank=RANKS[state],
        is_instant=seen.is_instant,
        net_cents=seen.amount_cents,
        fee_cents=seen.fee_cents,
        fee_refunded_cents=fee_refunded_cents,
        currency=CURRENCY,
        stripe_payout_id=seen.id,
        arrival_at=seen.arrival_at,
        failure_code=seen.failure_code,
        finished_at=None if state == "in_transit" else now,
        now=now,
    )
    journals = payout_journals(seen, instructor_id=instructor_id, account=account, at=now)
    await post(tx, journals, now=now)
    if not is_news:
        return
    if state == "failed" and fee_refunded_cents < seen.fee_cents:
        # the instructor has paid for what did not arrive: a person decides whether to give it back
        FEES_KEPT.inc()
        log.error("payout.fee_kept", payout=seen.id, cents=seen.fee_cents - fee_refunded_cents)
    if topic := TOPICS.get(state):
        await stage_event(
            tx,
            event_id=new_id(now),
            topic=topic,
            subject_id=instructor_id,
            user_ids=[instructor_id],
            payload={"amount_cents": seen.amount_cents, "failure_code": seen.failure_code},
            now=now,
        )


def _asked_as(seen: PayoutSeen) -> UUID | None:
    """Our id of a payout that an instructor asked for."""
    try:
        return UUID(seen.metadata["payout_request_id"])
    except (KeyError, ValueError):
        return None
