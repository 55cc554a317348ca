"""What travels over the wire: requests as read, answers to write, and who is asking."""

import base64
import binascii
from typing import Any, Final

import msgspec

from sandbox.stripe.errors import StripeError, invalid, unauthorized
from sandbox.stripe.params import decode_form
from sandbox.stripe.settings import API_VERSION, Config, Settings

Doc = dict[str, Any]
Header = tuple[bytes, bytes]

BODY_MAX: Final = 1_000_000
KEY_MAX: Final = 255
JSON: Final = b"application/json"
CORS: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, idempotency-key, stripe-account, stripe-version",
    ),
    (b"access-control-expose-headers", b"request-id, stripe-version, idempotent-replayed"),
    (b"access-control-max-age", b"300"),
)


class Request(msgspec.Struct, kw_only=True):
    """One HTTP request, its body read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    scheme: str = "http"

    @property
    def base_url(self) -> str:
        """Where the caller found us: links in answers point there."""
        return f"{self.scheme}://{self.headers.get('host', '127.0.0.1')}"

    def form(self) -> Doc:
        """Parameters of the query, or of the form body of a POST."""
        if self.method != "POST":
            return decode_form(self.query)
        params = decode_form(self.query)
        return params | decode_form(self.body.decode("utf-8", "replace"))

    def json(self) -> Doc:
        """Control requests: a JSON object, or a form, or nothing."""
        if not self.body:
            return decode_form(self.query)
        if "json" not in self.headers.get("content-type", "json"):
            return decode_form(self.body.decode("utf-8", "replace"))
        try:
            value = msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise invalid(f"Invalid JSON: {error}") from None
        if not isinstance(value, dict):
            raise invalid("The body must be a JSON object.")
        return value


class Reply(msgspec.Struct, kw_only=True):
    """One answer. `mode` is how a fault distorts its transport: truncate, slow_drip, or nothing."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    content_type: bytes = JSON
    mode: str = ""
    seconds: float = 0.0


class Dropped(Exception):
    """Cut the connection without an answer, after some seconds of silence.

    `is_reset`: the peer sees a reset instead of an end; `is_death`: the whole emulator dies.
    """

    def __init__(
        self, seconds: float = 0.0, *, is_reset: bool = False, is_death: bool = False
    ) -> None:
        super().__init__("dropped")
        self.seconds = seconds
        self.is_reset = is_reset
        self.is_death = is_death


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and for which account ('' is the platform)."""

    is_publishable: bool
    account: str


class Call(msgspec.Struct, kw_only=True):
    """What is known of one request while it is worked on; it becomes a line of the log."""

    request: Request
    request_id: str
    started: float
    params: Doc = msgspec.field(default_factory=dict)
    caller: Caller | None = None
    key: str | None = None
    decision: str = "executed"
    error_code: str | None = None
    result: str | None = None
    firing: list[Any] = msgspec.field(default_factory=list)

    @property
    def account(self) -> str:
        """The account the request is for."""
        return self.caller.account if self.caller else ""


class Distorted(Exception):
    """Answer this instead of working."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("distorted")
        self.reply = reply


def json_reply(value: object, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    """An answer in JSON."""
    return Reply(status=status, body=msgspec.json.encode(value), headers=headers)


def api_headers(
    request_id: str,
    *,
    key: str | None = None,
    should_retry: bool | None = None,
    is_replayed: bool = False,
    original: str | None = None,
) -> tuple[Header, ...]:
    """The headers of every API answer."""
    headers: list[Header] = [
        (b"request-id", request_id.encode()),
        (b"stripe-version", API_VERSION.encode()),
        (b"cache-control", b"no-cache, no-store"),
        *CORS,
    ]
    if key:
        headers.append((b"idempotency-key", key.encode("latin-1", "replace")))
    if original:
        headers.append((b"original-request", original.encode()))
    if is_replayed:
        headers.append((b"idempotent-replayed", b"true"))
    if should_retry is not None:
        headers.append((b"stripe-should-retry", b"true" if should_retry else b"false"))
    return tuple(headers)


def authenticate(request: Request, params: Doc, settings: Settings) -> Caller:
    """The caller behind the key, as Bearer, Basic, or the browser's `key` parameter."""
    key = _api_key(request)
    if key is None and isinstance(params.get("key"), str):
        key = params["key"]
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if key not in (settings.secret_key, settings.publishable_key):
        raise unauthorized(f"Invalid API Key provided: {_masked(key)}")
    return Caller(
        is_publishable=key == settings.publishable_key,
        account=request.headers.get("stripe-account", "")
        or (params.get("_stripe_account") if isinstance(params.get("_stripe_account"), str) else "")
        or "",
    )


def _api_key(request: Request) -> str | None:
    """The key in the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _masked(key: str) -> str:
    """A key as Stripe writes it in errors."""
    return key[:8] + "*" * max(0, len(key) - 12) + key[-4:] if len(key) > 12 else "*" * len(key)


def check_version(request: Request, caller: Caller, config: Config) -> None:
    """In strict mode a server names exactly the version we speak; a browser's script need not."""
    version = request.headers.get("stripe-version")
    is_exempt = caller.is_publishable and version is None
    if config.is_strict_version and version != API_VERSION and not is_exempt:
        raise invalid(
            f"Invalid Stripe API version: {version}. This emulator speaks {API_VERSION}.",
            code="invalid_api_version",
        )


def idempotency_key(request: Request) -> str | None:
    """The key of a POST; at most 255 characters."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and len(key) > KEY_MAX:
        raise StripeError(
            400,
            f"Idempotency keys can be at most {KEY_MAX} characters.",
            type="idempotency_error",
            is_stored=False,
        )
    return key or None
