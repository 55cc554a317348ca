"""What a change of a payment brings with it, always in the same transaction.

The row, the audit line, the authorization kept, the journals, the credit, the event for people,
the next timings: none of them is ever written without the others.
"""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter

from actors.credit_records import refund_credit, restore_reserved, settle_credit
from actors.credits import issue
from actors.late_money import tell_late
from actors.ledger import post
from domain.bookings import Actor, Outcome, PaymentStatus
from domain.events import Topic
from domain.ids import new_id
from domain.journals import capture_journals, lot_of_cancellation
from domain.operations import ChargeSeen, IntentSeen
from domain.payment_folds import fold
from domain.payment_steps import next_step
from domain.payments import TAKEN, MoneyFacts, Payment, Step, moved
from domain.refunds import RefundCause
from domain.settings import Policy
from domain.timings import KEPT, TimingKind, timings_for
from storage.accounts import admins
from storage.outbox import stage_event
from storage.payments import (
    change_payment,
    end_authorization,
    lock_money,
    money_facts,
    open_authorization,
    payment_by_booking,
    record_payment_event,
)
from storage.query import Tx
from storage.refunds import insert_refund
from storage.timings import (
    BookingTimes,
    Promise,
    booking_times,
    complete_timing,
    keep_promises,
    stage_timing,
)

log = structlog.get_logger()

MOVES_MAX = 4
STUCK = Counter(
    "payments_need_a_person_total", "Payments that cannot keep a promise due now.", ("status",)
)

TOPICS: dict[PaymentStatus, Topic] = {
    "authorized": "payment.authorized",
    "auth_retry": "payment.retry_scheduled",
    "card_required": "payment.card_required",
    "action_required": "payment.action_required",
    "captured": "payment.captured",
    "settled": "payment.settled",
    "released": "payment.released",
    "refunded": "payment.refunded",
    "partially_refunded": "payment.refunded",
    "refund_failed": "payment.refund_failed",
    "dispute_lost": "payment.dispute_lost",
    "collection": "payment.collection_opened",
}
FOR_ADMINS: frozenset[Topic] = frozenset({"payment.refund_failed"})
"""Told to nobody else: a person must look, and may still make it good."""

FACE_TO_FACE: frozenset[PaymentStatus] = frozenset({"card_required", "action_required"})
"""Told by the answer itself while the student is still booking."""

INTERLUDES: frozenset[PaymentStatus] = frozenset({"refunding", "disputed"})
"""What a payment comes back from; where it was before has been told."""

ENDS: dict[PaymentStatus, str] = {
    "captured": "captured",
    "credited": "credited",
    "released": "released",
    "auth_lost": "lost",
}


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Who or what makes the change, for the audit row."""

    actor: Actor
    cause: str


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A payment under its lock, with what is needed to change it."""

    facts: MoneyFacts
    payment: Payment
    why: Why
    now: datetime
    policy: Policy


async def scene_of(
    tx: Tx, booking_id: UUID, *, why: Why, now: datetime, policy: Policy
) -> Scene | None:
    """Locks a booking's money and reads it; `None` when there is no such booking."""
    if await lock_money(tx, booking_id=booking_id) is None:
        return None
    facts = await money_facts(tx, booking_id=booking_id)
    payment = await payment_by_booking(tx, booking_id=booking_id)
    if facts is None or payment is None:
        return None
    return Scene(facts=facts, payment=payment, why=why, now=now, policy=policy)


async def save(tx: Tx, scene: Scene, after: Payment) -> Scene:
    """Writes the payment, if it changed, with its audit line and the event people get."""
    before = scene.payment
    if after == before:
        return scene
    version = await change_payment(tx, **msgspec.structs.asdict(after), now=scene.now)
    saved = msgspec.structs.replace(scene, payment=msgspec.structs.replace(after, version=version))
    if after.status != before.status:
        await _record(tx, saved, was=before.status)
        if not (before.status in INTERLUDES and after.status in KEPT):
            await _tell_status(tx, saved, is_first=before.decline_code is None)
        if await settle_credit(tx, scene.facts, after.status, now=scene.now, policy=scene.policy):
            saved = await again(tx, saved)
        if reason := ENDS.get(after.status):
            await end_authorization(
                tx,
                booking_id=after.booking_id,
                cycle=after.cycle,
                end_reason=reason,
                now=scene.now,
            )
    if after.payment_method_id != before.payment_method_id:
        # the card's own state is among the facts
        facts = await money_facts(tx, booking_id=after.booking_id)
        saved = saved if facts is None else msgspec.structs.replace(saved, facts=facts)
    return saved


async def absorb(tx: Tx, scene: Scene, seen: IntentSeen) -> Scene:
    """Folds a fetched payment intent in, and posts what it shows to have moved."""
    facts, before = scene.facts, scene.payment
    after = fold(
        before,
        seen,
        amount_cents=facts.card_amount_cents,
        destination_cents=facts.destination_cents,
    )
    charge = seen.charge
    is_ours = seen.id == before.payment_intent_id
    if is_ours and charge is not None and charge.is_good:
        await open_authorization(
            tx,
            booking_id=facts.booking_id,
            cycle=before.cycle,
            payment_intent_id=seen.id,
            amount_cents=seen.amount_cents,
            currency=facts.currency,
            authorized_at=charge.authorized_at,
            capture_before=charge.capture_before,
        )
    scene = await save(tx, scene, after)
    tell_late(facts, before, after)
    is_taken = charge is not None and charge.is_booked and after.status in TAKEN
    if is_ours and charge is not None and is_taken and charge.captured_cents:
        await _book(tx, scene, charge)
        # what is owed or to be taken back is read from the journals just posted
        scene = await again(tx, scene) if charge.kept_as else scene
    return scene


async def _book(tx: Tx, scene: Scene, charge: ChargeSeen) -> None:
    """Posts a capture and, by the credit rule, gives the student the credit."""
    facts, payment, now = scene.facts, scene.payment, scene.now
    await post(tx, capture_journals(facts, charge, cycle=payment.cycle, at=now), now=now)
    if payment.status == "credited":
        life = scene.policy.credit_life
        lot = lot_of_cancellation(facts, charge, lot_id=new_id(now), at=now, life=life)
        await issue(tx, lot, now=now, policy=scene.policy)


async def plan_rest(tx: Tx, scene: Scene, *, cause: RefundCause | None = None) -> Scene:
    """Wishes for a refund of all that is left; by the rule that ended the booking, or a cause."""
    facts, payment = scene.facts, scene.payment
    known: dict[Outcome | None, RefundCause] = {
        "by_instructor": "by_instructor",
        "no_show_instructor": "no_show_instructor",
    }
    await insert_refund(
        tx,
        refund_id=new_id(scene.now),
        booking_id=facts.booking_id,
        amount_cents=payment.captured_cents - facts.refunded_cents,
        currency=facts.currency,
        reverses_transfer=True,
        cause=cause or known.get(facts.outcome, "stripe"),
        reason=facts.outcome,
        requested_by=scene.why.actor.id,
        now=scene.now,
    )
    return await again(tx, scene)


async def again(tx: Tx, scene: Scene) -> Scene:
    """The scene with its facts read anew."""
    facts = await money_facts(tx, booking_id=scene.facts.booking_id)
    return scene if facts is None else msgspec.structs.replace(scene, facts=facts)


async def advance(tx: Tx, scene: Scene) -> tuple[Scene, Step | None]:
    """Takes every step that needs only us; returns the next one that needs somebody else."""
    for _ in range(MOVES_MAX):
        step = next_step(scene.facts, scene.payment, now=scene.now, policy=scene.policy)
        if step is not None and step.kind == "plan_refund":
            scene = await plan_rest(tx, scene)
            continue
        if step is not None and step.kind == "restore_credit":
            scene = await _restore_credit(tx, scene)
            continue
        if step is None or step.kind not in {"move", "new_cycle", "give_up"}:
            return scene, step
        scene = await save(tx, scene, moved(scene.payment, step, scene.policy))
    raise RuntimeError("a payment does not come to rest")


async def _restore_credit(tx: Tx, scene: Scene) -> Scene:
    """Gives credit back: reserved and not needed, or used where the top-up stays as it is."""
    facts = scene.facts
    if scene.payment.status == "released":
        await restore_reserved(tx, facts, now=scene.now, policy=scene.policy)
    else:
        kept = facts.top_up_cents if scene.payment.top_up_id is not None else 0
        await refund_credit(tx, facts, absorbed_cents=kept, now=scene.now, policy=scene.policy)
    return await again(tx, scene)


async def rest(tx: Tx, scene: Scene, timing_id: UUID | None) -> None:
    """Completes the timing that led here and puts the booking's timings right."""
    if timing_id is not None:
        await complete_timing(tx, timing_id=timing_id, now=scene.now)
    times = await booking_times(tx, booking_ids=[scene.facts.booking_id])
    if any(_is_stuck(each, scene) for each in times):
        # a promise due at once that nobody can keep would fire for ever
        STUCK.labels(status=scene.payment.status).inc()
        log.error("payment.needs_a_person", booking=scene.facts.booking_id)
        return
    promises = [Promise(times=each, kept=_kept(scene), is_driven=True) for each in times]
    await keep_promises(tx, promises, now=scene.now, policy=scene.policy)


def _is_stuck(times: BookingTimes, scene: Scene) -> bool:
    dues = timings_for(times, now=scene.now, policy=scene.policy)
    return any(due.kind == "settle" and due.due_at <= scene.now for due in dues)


def _kept(scene: Scene) -> TimingKind | None:
    """The promise this payment has fulfilled by being what it is, whoever made it so."""
    if scene.facts.status == "confirmed":
        return "authorize"
    return "capture" if scene.facts.status == "completed" else "settle"


async def stage_confirm(tx: Tx, scene: Scene) -> None:
    """Leaves a command for the calendar: the booking is paid for."""
    await stage_timing(
        tx,
        timing_id=new_id(scene.now),
        kind="confirm",
        booking_id=scene.facts.booking_id,
        due_at=scene.now,
        now=scene.now,
    )


async def tell(
    tx: Tx, scene: Scene, topic: Topic, payload: dict[str, str | int | None] | None = None
) -> None:
    """Stages an event for the booking's people, or for admins; its version is the payment's."""
    facts = scene.facts
    people: list[UUID] = [facts.student_id, facts.instructor_id]
    await stage_event(
        tx,
        event_id=new_id(scene.now),
        topic=topic,
        subject_id=facts.booking_id,
        user_ids=await admins(tx) if topic in FOR_ADMINS else people,
        payload={
            "booking_id": str(facts.booking_id),
            "version": scene.payment.version,
            "payment_status": scene.payment.status,
            "amount_cents": facts.card_amount_cents,
            "currency": facts.currency,
            **(payload or {}),
        },
        now=scene.now,
    )


async def _tell_status(tx: Tx, scene: Scene, *, is_first: bool) -> None:
    status = scene.payment.status
    topic = TOPICS.get(status)
    if topic is None or (scene.facts.status != "confirmed" and status in FACE_TO_FACE):
        return
    await tell(
        tx,
        scene,
        topic,
        {
            "attempt": scene.payment.attempt,
            "is_first": int(is_first),
            "decline_code": scene.payment.decline_code,
            "refunded_cents": scene.facts.refunded_cents,
        },
    )


async def _record(tx: Tx, scene: Scene, *, was: PaymentStatus) -> None:
    payment, actor = scene.payment, scene.why.actor
    await record_payment_event(
        tx,
        event_id=new_id(scene.now),
        booking_id=payment.booking_id,
        instructor_id=scene.facts.instructor_id,
        event=f"payment.{payment.status}",
        was=was,
        became=payment.status,
        actor_kind=actor.kind,
        actor_id=actor.id,
        cause=scene.why.cause,
        request_id=actor.request_id,
        details={
            "cycle": payment.cycle,
            "attempt": payment.attempt,
            "decline_code": payment.decline_code,
        },
        now=scene.now,
    )
