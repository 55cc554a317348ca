"""Refusals the marketplace can give. The docstring of a leaf is its public title.

A kind fixes the HTTP status (`server/problems.py`); a leaf fixes the stable `code`.
Raise with one sentence for this very case as `detail`.
"""

import re
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of refusal it is; each has one HTTP status."""

    INVALID = "invalid"
    NOT_SIGNED_IN = "not_signed_in"
    PAYMENT_REFUSED = "payment_refused"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    NOT_QUIET = "not_quiet"
    WRONG_METHOD = "wrong_method"
    BROKEN = "broken"


class DomainError(Exception):
    """An expected refusal; not a bug."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "invalid"

    def __init_subclass__(cls) -> None:
        """Derives the stable code from the class name unless the class names one."""
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(
        self,
        detail: str = "",
        *,
        pointer: str | None = None,
        retry_after: int | None = None,
        **facts: object,
    ) -> None:
        """`detail` is for people, `pointer` (JSON) names the field, `facts` join the problem."""
        super().__init__(detail or self.title())
        self.detail = detail or self.title()
        self.pointer = pointer
        self.retry_after = retry_after
        self.facts = facts

    @classmethod
    def title(cls) -> str:
        """The public title: the first line of the class's docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


class Invalid(DomainError):
    """The request is not valid."""

    kind = Kind.INVALID


class NotSignedIn(DomainError):
    """Sign in first."""

    kind = Kind.NOT_SIGNED_IN


class WrongCredentials(NotSignedIn):
    """E-mail or password is wrong."""


class TokenRefused(NotSignedIn):
    """The token is not valid any more."""


class PaymentRefused(DomainError):
    """The payment was refused."""

    kind = Kind.PAYMENT_REFUSED


class CardDeclined(PaymentRefused):
    """The card was declined."""


class Forbidden(DomainError):
    """Your role does not allow this."""

    kind = Kind.FORBIDDEN


class CsrfTokenMissing(Forbidden):
    """The form's security token is missing or old."""


class OwnLesson(Forbidden):
    """Nobody can book their own lesson."""


class NotFound(DomainError):
    """There is nothing here for you."""

    kind = Kind.NOT_FOUND


class Conflict(DomainError):
    """The request conflicts with what is there."""

    kind = Kind.CONFLICT


class SlotTaken(Conflict):
    """Somebody else has this time."""


class SlotNotOffered(Conflict):
    """The instructor does not offer this time."""


class StudentBusy(Conflict):
    """The learner already has a lesson at this time."""


class InstructorNotBookable(Conflict):
    """The instructor cannot be booked at the moment."""


class HoldExpired(Conflict):
    """The slot was held for too long and is free again."""


class BookingState(Conflict):
    """The booking's state does not allow this."""


class ConsentNeeded(Conflict):
    """The other side has to agree to this."""


class QuoteExpired(Conflict):
    """The price of this cancellation is no longer what you were told; look again."""


class PayoutUnavailable(Conflict):
    """This money cannot be paid out now."""


class CalendarChanged(Conflict):
    """The calendar changed since you loaded it."""


class EmailTaken(Conflict):
    """There is an account with this e-mail address."""


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key came with another request before."""


class IdempotencyKeyInUse(Conflict):
    """A request with this Idempotency-Key is under way."""


class OperationPending(Conflict):
    """A payment step for this booking is still under way."""


class OperationDiffers(Conflict):
    """Stripe does not show what you say of this write."""


class DisputeClosed(Conflict):
    """The bank takes no answer to this dispute any more."""


class TooMany(DomainError):
    """Too many requests."""

    kind = Kind.TOO_MANY


class HoldLimit(TooMany):
    """You are holding as many slots as one person can."""


class SubscriptionLimit(TooMany):
    """You are following as many calendars as one connection can."""


class RateLimited(TooMany):
    """You are going too fast."""


class Unavailable(DomainError):
    """The service is busy; try again shortly."""

    kind = Kind.UNAVAILABLE


class TooBusy(Unavailable):
    """This calendar has too many requests waiting."""


class PaymentUnavailable(Unavailable):
    """The payment service does not answer; nothing was lost."""


class BodyTooLarge(DomainError):
    """The request is too large."""

    kind = Kind.TOO_LARGE


class UnsupportedMediaType(DomainError):
    """The request is not in a format this address reads."""

    kind = Kind.WRONG_TYPE


class MethodNotAllowed(DomainError):
    """This address does not know this method."""

    kind = Kind.WRONG_METHOD


class InternalError(DomainError):
    """Something went wrong on our side."""

    kind = Kind.BROKEN
