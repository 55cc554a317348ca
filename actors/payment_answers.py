"""Records what Stripe answered to an operation, with all that follows, in one transaction."""

from datetime import datetime
from typing import Literal

import msgspec
import structlog
from prometheus_client import Counter

from actors.payment_records import (
    Scene,
    Why,
    absorb,
    advance,
    save,
    scene_of,
    stage_confirm,
)
from actors.payout_records import record_payout_answer
from actors.refund_records import absorb_loss, absorb_movements, refuse_refund
from actors.top_ups import (
    absorb_top_up,
    absorb_top_up_back,
    reversal_refused,
    top_up_kept,
    top_up_refused,
)
from domain.movements import (
    CreateRefund,
    CreateTransfer,
    MovementsSeen,
    ReverseTopUp,
    ReverseTransfer,
    TopUpBackSeen,
    TransferSeen,
)
from domain.operations import (
    KEY_REFUSED,
    SEEN,
    Answer,
    AttachMethod,
    CancelIntent,
    CancelSetup,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateSetup,
    Decline,
    Declined,
    IntentSeen,
    MethodSeen,
    NotHappened,
    Operation,
    Refused,
    Seen,
    SetupSeen,
    Stale,
    Unknown,
)
from domain.payment_folds import after_decline
from domain.settings import Policy
from domain.withholding import RESTRICTED
from storage.operations import finish_operation, park_operation
from storage.payment_methods import keep_seen, refuse_card
from storage.query import Tx
from storage.timings import sync_timings

log = structlog.get_logger()

AUTHORIZATIONS = Counter(
    "auth_attempts_total",
    "Cards tried, by the step of the ladder and what came of it.",
    ("n", "result", "decline_code"),
)
BLOCKED = Counter(
    "payments_blocked_total",
    "Cards that Stripe refused to ask, for a reason that is not the card's.",
    ("call", "code"),
)
CAPTURES = Counter("captures_total", "Captures, by what came of them.", ("result",))


LAPSED = frozenset({"charge_expired_for_capture", "capture_charge_authorization_expired"})
"""Why a capture is refused when the reserved money is gone."""

MOVING = (CreateRefund, CreateTransfer, ReverseTopUp, ReverseTransfer)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one operation. `stops`: nothing more can be done for this payment now."""

    decline: Decline | None = None
    code: str | None = None
    stops: Literal["blocked", "unknown"] | None = None
    is_stuck: bool = False
    """Refused because our view is old, and the fresh one tells nothing more: once is patience."""


async def record_answer(
    tx: Tx, operation: Operation, answer: Answer, *, why: Why, now: datetime, policy: Policy
) -> Outcome:
    """Closes the operation and changes the payment; a twin that came first has done it all."""
    booking_id = operation.booking_id
    scene = booking_id and await scene_of(tx, booking_id, why=why, now=now, policy=policy)
    if not scene:
        return await _apart(tx, operation, answer, now=now)
    if isinstance(answer, Unknown):
        if await _kept_open(tx, operation, answer):
            await sync_timings(tx, booking_id=scene.facts.booking_id, now=now, policy=policy)
        return Outcome(stops="unknown", code=answer.reason)
    if await _close(tx, operation, answer, now=now) is None:
        return Outcome()
    scene, outcome = await _applied(tx, scene, operation, answer)
    if outcome.stops is None:
        _, step = await advance(tx, scene)
        if step is not None and step.kind == "ask_confirm":
            # staged with the fact itself: a crash right after this commit loses nothing
            await stage_confirm(tx, scene)
    return outcome


async def _apart(tx: Tx, operation: Operation, answer: Answer, *, now: datetime) -> Outcome:
    """An operation that belongs to no booking: a payout."""
    if isinstance(answer, Unknown):
        await _kept_open(tx, operation, answer)
        return Outcome(stops="unknown", code=answer.reason)
    if await _close(tx, operation, answer, now=now) is None:
        return Outcome()
    await record_payout_answer(tx, operation, answer, now=now)
    return Outcome(code=_code_of(answer))


async def _kept_open(tx: Tx, operation: Operation, answer: Unknown) -> bool:
    """Keeps an operation whose outcome nobody knows; a key refused at once has sent nothing."""
    state: Literal["planned", "unknown", "parked"] = "unknown"
    if answer.needs_a_person:
        state = "parked"
    elif answer.reason == KEY_REFUSED and operation.attempts <= 1:
        state = "planned"
    log.warning("operation.kept_open", operation=operation.id, state=state, reason=answer.reason)
    kept = await park_operation(
        tx, operation_id=operation.id, state=state, error_code=answer.reason
    )
    return kept is not None


async def _close(tx: Tx, operation: Operation, answer: Answer, *, now: datetime) -> Outcome | None:
    """Finishes the operation's row; `None` when it was finished already."""
    is_done = isinstance(answer, SEEN)
    finished = await finish_operation(
        tx,
        operation_id=operation.id,
        state="succeeded" if is_done else "failed",
        error_code=_code_of(answer),
        result=answer,
        now=now,
    )
    return Outcome() if finished else None


def _code_of(answer: Answer) -> str | None:
    match answer:
        case Declined(decline=decline):
            return decline.code
        case Stale() | Refused() | NotHappened():
            return answer.code
        case Unknown():
            return answer.reason
        case _:
            return None


async def _applied(
    tx: Tx, scene: Scene, operation: Operation, answer: Answer
) -> tuple[Scene, Outcome]:
    call = operation.params
    if isinstance(call, ConfirmIntent):
        _count(answer, scene.payment.attempt + 1)
    elif isinstance(call, CaptureIntent):
        CAPTURES.labels(result=type(answer).__name__).inc()
    match answer:
        case Declined(decline=decline):
            return await _declined(tx, scene, operation, decline), Outcome(decline=decline)
        case Refused():
            return await _refused(tx, scene, operation, answer)
        case Stale():
            return await _stale(tx, scene, operation, answer)
        case NotHappened() | Unknown():
            return scene, Outcome()
        case _:
            return await _seen(tx, scene, operation, answer), Outcome()


async def _seen(tx: Tx, scene: Scene, operation: Operation, seen: Seen) -> Scene:
    payment = scene.payment
    match operation.params, seen:
        case CreateIntent(), IntentSeen():
            is_wanted = payment.payment_intent_id is None and seen.cycle == payment.cycle
            changes = {"payment_intent_id": seen.id} if is_wanted else {}
        case CreateSetup(), SetupSeen():
            changes = {"setup_intent_id": seen.id}
        case CancelSetup(), SetupSeen():
            changes = {"status": "released"} if payment.status == "releasing" else {}
        case AttachMethod(), MethodSeen():
            await keep_seen(tx, seen, user_id=scene.facts.student_id, now=scene.now)
            changes = {"payment_method_id": seen.id}
        case CreateTransfer(), TransferSeen():
            return await absorb_top_up(tx, scene, seen)
        case ReverseTopUp(), TopUpBackSeen():
            return await absorb_top_up_back(tx, scene, operation.params, seen)
        case CreateRefund() | ReverseTransfer(), MovementsSeen():
            return await absorb_movements(tx, scene, seen)
        case _, IntentSeen():
            scene = await absorb(tx, scene, seen)
            is_asked = scene.payment.status == "collection"
            # the bank asks the cardholder now: the same card is not sent again
            changes = {"is_on_session": False} if is_asked else {}
        case _:
            changes = {}
    return await save(tx, scene, msgspec.structs.replace(scene.payment, **changes))


async def _declined(tx: Tx, scene: Scene, operation: Operation, decline: Decline) -> Scene:
    payment = scene.payment
    if isinstance(operation.params, AttachMethod):
        # a card that cannot even be saved is not this booking's card
        payment = msgspec.structs.replace(payment, payment_method_id=None)
    if decline.kind == "hard" and isinstance(operation.params, ConfirmIntent):
        await refuse_card(
            tx,
            payment_method_id=operation.params.payment_method_id,
            user_id=scene.facts.student_id,
            now=scene.now,
        )
    after = after_decline(scene.facts, payment, decline, now=scene.now, policy=scene.policy)
    return await save(tx, scene, after)


async def _refused(
    tx: Tx, scene: Scene, operation: Operation, refused: Refused
) -> tuple[Scene, Outcome]:
    """Definitive, not the bank's word: a card that is no more, or what a person must see."""
    log.error(
        "stripe.refused",
        booking=scene.facts.booking_id,
        call=operation.kind,
        code=refused.code,
        message=refused.message,
    )
    if isinstance(operation.params, MOVING):
        return await _kept_back(tx, scene, operation, refused.code), Outcome(code=refused.code)
    match operation.params:
        case AttachMethod():
            decline = Decline(kind="hard", code=refused.code, message="This card cannot be used.")
            return await _declined(tx, scene, operation, decline), Outcome(decline=decline)
        case CreateIntent() | ConfirmIntent():
            return await _blocked(tx, scene, operation, refused.code)
        case CancelSetup():
            gone = msgspec.structs.replace(scene.payment, status="released")
            return await save(tx, scene, gone), Outcome()
        case CaptureIntent(as_fee_cents=as_fee):
            return scene, await _capture_refused(tx, scene, as_fee, refused.code)
        case _:
            return scene, Outcome(stops="blocked", code=refused.code)


async def _blocked(tx: Tx, scene: Scene, operation: Operation, code: str) -> tuple[Scene, Outcome]:
    """A bug of ours or the instructor's account: asked again by and by, and no word to the student.

    Nothing of the retry ladder is used up; whoever is there to pay sees that it cannot be done now.
    """
    BLOCKED.labels(call=operation.kind, code=code).inc()
    waiting = msgspec.structs.replace(scene.payment, is_on_session=False)
    scene = await save(tx, scene, waiting)
    booking_id = scene.facts.booking_id
    await sync_timings(tx, booking_id=booking_id, now=scene.now, policy=scene.policy)
    return scene, Outcome(stops="blocked", code=code)


async def _capture_refused(tx: Tx, scene: Scene, as_fee: int | None, code: str) -> Outcome:
    """The instructor may receive nothing: taken for the platform alone (§1.7), else hour by hour.

    The page before the bank lets the money go is planned here.
    """
    if as_fee is None and code in RESTRICTED:
        return Outcome(code=code)
    booking_id, policy = scene.facts.booking_id, scene.policy
    await sync_timings(tx, booking_id=booking_id, now=scene.now, policy=policy)
    return Outcome(stops="blocked", code=code)


async def _kept_back(tx: Tx, scene: Scene, operation: Operation, code: str) -> Scene:
    """Stripe does not move captured money: tried again later, or somebody bears it."""
    match operation.params:
        case CreateRefund():
            return await refuse_refund(tx, scene, code)
        case CreateTransfer():
            return await top_up_refused(tx, scene, code)
        case ReverseTopUp():
            return await top_up_kept(tx, scene, operation, code)
        case ReverseTransfer() if scene.payment.to_reverse_cents:
            return await reversal_refused(tx, scene, code)
        case _:
            return await absorb_loss(tx, scene)


async def _stale(tx: Tx, scene: Scene, operation: Operation, stale: Stale) -> tuple[Scene, Outcome]:
    """Our view was old: take the real one in."""
    match operation.params, stale.now_seen:
        case CreateRefund(), seen:
            moved = seen if isinstance(seen, MovementsSeen) else None
            after = await refuse_refund(tx, scene, stale.code, seen=moved)
            return after, Outcome(code=stale.code)
        case CancelSetup(), _:
            # it has succeeded or is cancelled: nothing is open either way
            gone = msgspec.structs.replace(scene.payment, status="released")
            return await save(tx, scene, gone), Outcome()
        case _, IntentSeen() as seen:
            before = scene.payment.status
            scene = await absorb(tx, scene, seen)
            is_let_go = isinstance(operation.params, CancelIntent) and seen.status == "canceled"
            if scene.payment.status != before or is_let_go:
                return scene, Outcome()
            return await _stuck(tx, scene, operation, stale.code)
        case _:
            return scene, Outcome(stops="blocked", code=stale.code)


async def _stuck(tx: Tx, scene: Scene, operation: Operation, code: str) -> tuple[Scene, Outcome]:
    """Refused as old, and the fresh view tells nothing more than the old one."""
    match operation.params:
        case CaptureIntent() if code in LAPSED:
            # the bank lets nothing be taken any more, whatever the intent still says
            lost = msgspec.structs.replace(scene.payment, status="auth_lost")
            return await save(tx, scene, lost), Outcome(code=code)
        case CaptureIntent():
            return scene, Outcome(code=code, is_stuck=True)
        case ConfirmIntent():
            decline = Decline(kind="soft", code=code)
            return await _declined(tx, scene, operation, decline), Outcome(decline=decline)
        case _:
            return scene, Outcome(stops="blocked", code=code)


def _count(answer: Answer, attempt: int) -> None:
    code = answer.decline.code if isinstance(answer, Declined) else ""
    AUTHORIZATIONS.labels(n=attempt, result=type(answer).__name__, decline_code=code).inc()
