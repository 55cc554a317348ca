"""What a calendar can be asked to do, what it answers, and how both travel between processes."""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import msgspec

from domain.availability import Rules
from domain.bookings import SYSTEM, Actor, Booking, Modality, PaymentStatus
from domain.cancellation import Quoted, Side
from domain.errors import DomainError, Unavailable
from domain.ids import BookingId, CommandId, LearnerId, ServiceId, UserId


class BaseCommand(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`command_id` is the asker's: a command repeated with it changes nothing a second time."""

    command_id: CommandId = msgspec.field(default_factory=lambda: CommandId(uuid4()))
    actor: Actor = SYSTEM


class Hold(BaseCommand, frozen=True, kw_only=True):
    """Takes a slot for a student; the asker chose the booking's id.

    `confirms_at_once`: a usable card is saved, so the booking is confirmed without a payment step,
    unless the lesson is by now too near; then it is `pending` and `authorizing`.
    """

    booking_id: BookingId
    student_id: UserId
    learner_id: LearnerId
    service_id: ServiceId
    start_at: datetime
    duration_minutes: int
    modality: Modality
    place: str | None = None
    note: str | None = None
    payment_method_id: str | None = None
    confirms_at_once: bool = False
    payment_status: PaymentStatus
    spends_credit: bool = False
    """Whether the student's credit pays as far as it goes; what it pays wholly is confirmed."""


class Confirm(BaseCommand, frozen=True, kw_only=True):
    """Confirms a paid booking. After its hold: takes the slot again, or ends as `slot_lost`."""

    booking_id: BookingId
    is_let_go: bool = False
    """Whether the money came, and was let go before anybody knew: the slot is not taken again."""


class ExtendHold(BaseCommand, frozen=True, kw_only=True):
    """Lets a hold last for its longest time, counted from its creation; once."""

    booking_id: BookingId


class Cancel(BaseCommand, frozen=True, kw_only=True):
    """Cancels for one of the two people; what it costs is judged in the transaction."""

    booking_id: BookingId
    by: Literal["student", "instructor"]
    reason: str | None = None
    quoted: Quoted | None = None
    """What the student was told a moment ago: honoured while the booking is the same."""
    is_excused: bool = False
    """The instructor asked for another time and the student has not agreed: it costs nothing."""


class CancelUnpaid(BaseCommand, frozen=True, kw_only=True):
    """Cancels a booking whose money was not sure in time."""

    booking_id: BookingId


class Expire(BaseCommand, frozen=True, kw_only=True):
    """Ends a hold that is over."""

    booking_id: BookingId


class Move(BaseCommand, frozen=True, kw_only=True):
    """Takes a booking to another time. `ConsentNeeded` where the other side must agree first."""

    booking_id: BookingId
    by: Side
    """Who wants it; the actor may be who agrees."""
    start_at: datetime
    has_consent: bool = False
    proposal_id: UUID | None = None
    """The proposal that the other side accepts with this: it must still be open."""
    is_trial: bool = False
    """Only asks whether it could be."""


class MarkNoShow(BaseCommand, frozen=True, kw_only=True):
    """Ends a booking because somebody did not come."""

    booking_id: BookingId
    absent: Side


class Start(BaseCommand, frozen=True, kw_only=True):
    """Notes that the lesson began."""

    booking_id: BookingId


class Complete(BaseCommand, frozen=True, kw_only=True):
    """Notes that the lesson is over."""

    booking_id: BookingId


class ChangeAvailability(BaseCommand, frozen=True, kw_only=True):
    """Replaces rules, exceptions and policy; `if_version`: only if they are at this version."""

    availability: Rules
    if_version: int | None = None


class Reload(BaseCommand, frozen=True, kw_only=True):
    """Reads the calendar anew: something it rests on was written elsewhere."""


BookingCommand = (
    Confirm | ExtendHold | Cancel | CancelUnpaid | Expire | Move | MarkNoShow | Start | Complete
)
"""About a booking that exists."""

Command = Hold | BookingCommand
"""Each is about one booking."""

CalendarCommand = ChangeAvailability | Reload

AnyCommand = Command | CalendarCommand


class Decided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A booking as it is after the command. `is_repeat`: it was so before, nothing was written."""

    booking: Booking
    is_repeat: bool
    version: int


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The calendar's version, and that of its rules, after the command."""

    version: int
    rules_version: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way to another process. `deadline_seconds`: how long the asker waits."""

    instructor_id: UserId
    deadline_seconds: float
    command: AnyCommand


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A refusal on its way back; the asker raises the error of this code."""

    code: str
    detail: str
    pointer: str | None
    retry_after: int | None
    facts: dict[str, object]


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The calendar failed by a bug, told in its own process's log."""


_asked_decoder = msgspec.json.Decoder(Asked)
_answer_decoder: msgspec.json.Decoder[Decided | Changed | Refused | Broken] = msgspec.json.Decoder(
    Decided | Changed | Refused | Broken
)
encode = msgspec.json.encode


def decode_asked(wire: bytes) -> Asked:
    """The command in a request; `msgspec.ValidationError` when it is none."""
    return _asked_decoder.decode(wire)


def encode_refusal(error: Exception) -> bytes:
    """An error for the way back; whatever is no refusal only says that something broke."""
    if not isinstance(error, DomainError):
        return encode(Broken())
    return encode(
        Refused(
            code=error.code,
            detail=error.detail,
            pointer=error.pointer,
            retry_after=error.retry_after,
            facts=error.facts,
        )
    )


def decode_answer(wire: bytes) -> Decided | Changed:
    """The answer in a reply; raises the refusal it carries."""
    answer = _answer_decoder.decode(wire)
    if isinstance(answer, Broken):
        raise CalendarFailed
    if isinstance(answer, Refused):
        raise _error_of(answer)
    return answer


class CalendarFailed(RuntimeError):
    """The process that hosts the calendar met a bug; its log tells which."""


def _error_of(refused: Refused) -> DomainError:
    error = _errors_by_code().get(refused.code, Unavailable)
    return error(
        refused.detail, pointer=refused.pointer, retry_after=refused.retry_after, **refused.facts
    )


def _errors_by_code() -> dict[str, type[DomainError]]:
    """Every refusal by its stable code; of two with one code the one named first in the tree."""
    found: dict[str, type[DomainError]] = {}
    waiting = DomainError.__subclasses__()
    while waiting:
        error = waiting.pop(0)
        found.setdefault(error.code, error)
        waiting.extend(error.__subclasses__())
    return found
