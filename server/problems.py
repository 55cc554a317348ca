"""Every refusal as `application/problem+json` (RFC 9457), with a stable `code`.

`docs/problems.md` lists the codes. What is missing and what belongs to somebody else get the same
body to the byte, so nobody learns what exists.
"""

from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    ValidationException,
)

from domain.errors import (
    BodyTooLarge,
    DomainError,
    InternalError,
    Invalid,
    Kind,
    MethodNotAllowed,
    NotFound,
    Unavailable,
    UnsupportedMediaType,
)

MEDIA_TYPE = "application/problem+json"
STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.NOT_SIGNED_IN: 401,
    Kind.PAYMENT_REFUSED: 402,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.WRONG_METHOD: 405,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.WRONG_TYPE: 415,
    Kind.TOO_MANY: 429,
    Kind.BROKEN: 500,
    Kind.UNAVAILABLE: 503,
    Kind.NOT_QUIET: 504,
}
RETRY_AFTER_SECONDS: dict[Kind, int] = {Kind.TOO_MANY: 60, Kind.UNAVAILABLE: 1}
"""What waits at least this long when the refusal itself does not say."""

MEANING: dict[int, str] = {
    400: "The request is not valid",
    401: "Sign in first",
    402: "The payment was refused",
    403: "Your role does not allow this",
    404: "There is nothing here for you",
    409: "The request conflicts with what is there",
    413: "The request is too large",
    415: "The request is not JSON",
    429: "Too many requests",
    503: "The service is busy; try again shortly",
}

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of the body (a JSON pointer) or one parameter (`?name`)."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer that says why something was refused."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None


class InvalidFields(Invalid):
    """The request is not valid."""

    code = Invalid.code

    def __init__(self, errors: list[FieldProblem]) -> None:
        """One refusal for several fields; the first one is the sentence."""
        super().__init__(errors[0].detail)
        self.errors = errors


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal."""
    return STATUS[error.kind]


def body_of(error: DomainError) -> bytes:
    """The JSON of a refusal, its facts beside the standard members."""
    detail = NotFound.title() if error.kind is Kind.NOT_FOUND else error.detail
    fields = error.errors if isinstance(error, InvalidFields) else None
    if fields is None and error.pointer is not None:
        fields = [FieldProblem(pointer=error.pointer, detail=detail)]
    problem = Problem(
        type=f"/schema#problem-{error.code}",
        title=error.title(),
        status=status_of(error),
        detail=detail,
        code=error.code,
        errors=fields,
    )
    if not error.facts:
        return msgspec.json.encode(problem)
    return msgspec.json.encode({**msgspec.to_builtins(problem), **error.facts})


def headers_of(error: DomainError) -> dict[str, str]:
    """The headers a refusal brings along: when to come back, how to sign in."""
    if error.kind is Kind.NOT_SIGNED_IN:
        return {"WWW-Authenticate": 'Bearer realm="instainstru"'}
    wait = error.retry_after or RETRY_AFTER_SECONDS.get(error.kind)
    return {"Retry-After": str(wait)} if wait else {}


def response_of(error: DomainError, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A whole answer made of a refusal."""
    return Response(
        body_of(error),
        status_code=status_of(error),
        media_type=MEDIA_TYPE,
        headers={**headers_of(error), **(headers or {})},
    )


def refusal_of(error: Exception) -> DomainError:
    """The refusal an exception means; what we did not expect becomes `InternalError`."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, HTTPException):
        return _of_framework(error)
    return InternalError()


def answer_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's exception handler for everything."""
    refusal = refusal_of(error)
    if isinstance(refusal, InternalError):
        log.error("request.failed", path=request.scope["path"], exc_info=error)
    elif isinstance(refusal, Unavailable):
        log.warning("request.unavailable", path=request.scope["path"], reason=str(refusal))
    headers = error.headers if isinstance(error, MethodNotAllowedException) else None
    return response_of(refusal, headers)


def _of_framework(error: HTTPException) -> DomainError:
    """Litestar's own refusals in our words."""
    if isinstance(error, ValidationException):
        return _of_validation(error)
    if error.status_code in OF_STATUS:
        return OF_STATUS[error.status_code]()
    if isinstance(error, ClientException) or error.detail == GONE:
        return Invalid(error.detail)
    return InternalError()


OF_STATUS: dict[int, type[DomainError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
}

GONE = "client disconnected prematurely"
"""How Litestar says that nobody is there to be answered: not a bug of ours."""


def _of_validation(error: ValidationException) -> DomainError:
    """Parameters that do not fit their annotation."""
    messages: list[dict[str, str]] = [
        message for message in error.extra or [] if isinstance(message, dict)
    ]
    fields = [
        FieldProblem(pointer=f"?{message.get('key', '')}", detail=message.get("message", ""))
        for message in messages
    ]
    if any(message.get("key") == "data" for message in messages):
        return Invalid("this address needs a JSON body", pointer="")
    return InvalidFields(fields) if fields else Invalid(error.detail.split(" for ")[0])
