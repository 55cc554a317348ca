"""Settings from the environment, read once at start into one frozen struct.

Every refusal is one sentence that names the variable; it ends the process with exit code 1.
"""

import os
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

import msgspec

STRIPE_API_BASE = "https://api.stripe.com"
STRIPE_JS_URL = "https://js.stripe.com/v3/"
SECRET_LENGTH_MIN = 32
CALLS_PER_SECOND = 20
LIVE_PREFIXES = ("sk_live_", "rk_live_")
BREAKAGES = frozenset({"held", "income"})
CREDIT_RULES = frozenset({"fee", "reversal"})
PAYOUT_RHYTHMS = frozenset({"weekly", "daily", "manual"})
LOG_LEVELS = frozenset({"debug", "info", "warning", "error"})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
OFF = frozenset({"off", "0", "false", "no"})


class SettingsInvalidError(Exception):
    """A setting is missing or wrong; the message is the sentence to print before exit 1."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is told from outside. Make it with `settings_from`."""

    database_url: str
    nats_url: str
    stripe_secret_key: str
    stripe_publishable_key: str
    stripe_webhook_secrets: tuple[str, ...]
    token_secret: str
    stripe_api_base: str = STRIPE_API_BASE
    stripe_js_url: str = STRIPE_JS_URL
    stripe_calls_per_second: int = 0
    """The pace of one process at each of Stripe's endpoints; 0 sets none."""
    smtp_url: str = "smtp://127.0.0.1:25"
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    """Without a trailing slash; `https` switches secure cookies and HSTS on."""
    clock_file: str | None = None
    metrics_token: str | None = None
    prometheus_multiproc_dir: str | None = None
    """Where all processes of a machine write what they count, so that one answer tells it all."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded headers are believed."""
    rate_limits: bool = True
    credit_breakage: str = "held"
    """`held` or `income`: what becomes of paid credit that expires."""
    credit_rule: str = "fee"
    """`fee` or `reversal`: how what a late cancellation costs becomes the student's credit."""
    payout_schedule: str = "weekly"
    """`weekly` (Mondays), `daily` (when banks work) or `manual`: when instructors are paid out."""
    sandbox_strict: bool = False
    demo: bool = True
    data_dir: str = ".data"
    log_level: str = "info"

    @property
    def is_sandbox(self) -> bool:
        """Whether time is virtual, so this world is a sandbox; never with a live Stripe key."""
        return self.clock_file is not None

    @property
    def is_relaxed(self) -> bool:
        """Whether e-mail counts as verified and limits per address are off (`SANDBOX_STRICT`)."""
        return self.is_sandbox and not self.sandbox_strict

    @property
    def is_secure(self) -> bool:
        """Whether people reach the marketplace over https."""
        return self.public_url.startswith("https://")


def settings_from(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the environment; `SettingsInvalidError` with one sentence for what is wrong first."""
    read = _Reader(os.environ if environment is None else environment)
    port = read.number("PORT", 8000, low=1, high=65535)
    host = read.text("HOST", "127.0.0.1")
    settings = Settings(
        database_url=read.url("DATABASE_URL", schemes=("postgresql", "postgres")),
        nats_url=read.url("NATS_URL", schemes=("nats", "tls")),
        stripe_secret_key=read.required("STRIPE_SECRET_KEY"),
        stripe_publishable_key=read.required("STRIPE_PUBLISHABLE_KEY"),
        stripe_webhook_secrets=read.several("STRIPE_WEBHOOK_SECRETS", required=True),
        token_secret=_long_enough(read.required("TOKEN_SECRET")),
        stripe_api_base=read.base("STRIPE_API_BASE", STRIPE_API_BASE),
        stripe_calls_per_second=_pace(read),
        stripe_js_url=read.url("STRIPE_JS_URL", STRIPE_JS_URL, schemes=("https", "http")),
        smtp_url=read.url("SMTP_URL", "smtp://127.0.0.1:25", schemes=("smtp", "smtps")),
        host=host,
        port=port,
        public_url=read.base("PUBLIC_URL", f"http://{_reachable(host)}:{port}"),
        clock_file=read.text("CLOCK_FILE", "") or None,
        metrics_token=read.text("METRICS_TOKEN", "") or None,
        prometheus_multiproc_dir=read.text("PROMETHEUS_MULTIPROC_DIR", "") or None,
        trusted_proxies=read.several("TRUSTED_PROXIES"),
        rate_limits=read.switch("RATE_LIMITS", default=True),
        credit_breakage=read.one_of("CREDIT_BREAKAGE", "held", BREAKAGES),
        credit_rule=read.one_of("CREDIT_RULE", "fee", CREDIT_RULES),
        payout_schedule=read.one_of("PAYOUT_SCHEDULE", "weekly", PAYOUT_RHYTHMS),
        sandbox_strict=read.switch("SANDBOX_STRICT", default=False),
        demo=read.switch("DEMO", default=True),
        data_dir=read.text("DATA_DIR", ".data"),
        log_level=read.one_of("LOG_LEVEL", "info", LOG_LEVELS),
    )
    _refuse_live_sandbox(settings)
    return settings


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    return (urlsplit(url).hostname or "") in LOOPBACK_HOSTS


def _refuse_live_sandbox(settings: Settings) -> None:
    is_live = settings.stripe_secret_key.startswith(LIVE_PREFIXES)
    if settings.is_sandbox and is_live:
        _refuse("CLOCK_FILE makes this a sandbox, which never runs with a live Stripe key")
    if is_live and not settings.is_secure:
        _refuse("PUBLIC_URL must be https when STRIPE_SECRET_KEY is a live key")


def _pace(read: "_Reader") -> int:
    """Stripe's own limit is 25 a second at each endpoint; a stand-in has none."""
    is_stripe = read.base("STRIPE_API_BASE", STRIPE_API_BASE) == STRIPE_API_BASE
    default = CALLS_PER_SECOND if is_stripe else 0
    return read.number("STRIPE_CALLS_PER_SECOND", default, low=0, high=100)


def _long_enough(secret: str) -> str:
    if len(secret) < SECRET_LENGTH_MIN:
        _refuse(f"TOKEN_SECRET must have at least {SECRET_LENGTH_MIN} characters")
    return secret


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound


def _refuse(sentence: str) -> NoReturn:
    raise SettingsInvalidError(sentence)


class _Reader:
    """Reads single variables; blank counts as missing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        """The variable without spaces around it, or the default."""
        return self._environment.get(name, "").strip() or default

    def required(self, name: str) -> str:
        """The variable; refuses when it is missing."""
        value = self.text(name, "")
        if not value:
            _refuse(f"{name} is missing: set it in the environment")
        return value

    def several(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """The parts of a comma list."""
        text = self.required(name) if required else self.text(name, "")
        return tuple(part for part in (each.strip() for each in text.split(",")) if part)

    def url(self, name: str, default: str | None = None, *, schemes: tuple[str, ...]) -> str:
        """A URL of one of these schemes with a host."""
        value = self.required(name) if default is None else self.text(name, default)
        parts = self._parsed(name, value)
        if parts.scheme not in schemes or not (parts.hostname or parts.query):
            _refuse(f"{name} must be a URL that begins with {' or '.join(schemes)}://")
        return value

    def base(self, name: str, default: str) -> str:
        """An http(s) URL without a trailing slash."""
        return self.url(name, default, schemes=("https", "http")).rstrip("/")

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        """A whole number within bounds."""
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            _refuse(f"{name} must be a whole number between {low} and {high}")
        return int(text)

    def switch(self, name: str, *, default: bool) -> bool:
        """Off for off, 0, false, no; on for anything else."""
        text = self.text(name, "")
        return text.lower() not in OFF if text else default

    def one_of(self, name: str, default: str, allowed: frozenset[str]) -> str:
        """One of a closed set of words."""
        text = self.text(name, default).lower()
        if text not in allowed:
            _refuse(f"{name} must be one of {', '.join(sorted(allowed))}")
        return text

    def _parsed(self, name: str, value: str) -> SplitResult:
        return _checked(lambda: urlsplit(value), f"{name} is not a URL")


def _checked(parse: Callable[[], SplitResult], sentence: str) -> SplitResult:
    try:
        return parse()
    except ValueError:
        _refuse(sentence)
