"""The settings that point at real services, and the refusals that come with them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import asyncpg

from sandbox.ports import answers

STRIPE_API_BASE = "https://api.stripe.com"
STRIPE_JS_URL = "https://js.stripe.com/v3/"
LIVE_KEYS = ("sk_live_", "rk_live_", "pk_live_")
DEFAULT_PORTS = {"nats": 4222, "tls": 4222, "smtp": 25, "smtps": 465, "http": 80, "https": 443}


class RefusalError(Exception):
    """The sandbox will not start; the message is one sentence for the person who started it."""


class Outside:
    """Which services the environment names; what it does not name is embedded."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the environment; an empty setting counts as none."""
        settings = {name: value for name, value in environment.items() if value}
        self.database_url = settings.get("DATABASE_URL")
        self.nats_url = settings.get("NATS_URL")
        self.smtp_url = settings.get("SMTP_URL")
        self.has_stripe = "STRIPE_API_BASE" in settings or "STRIPE_SECRET_KEY" in settings
        self.stripe_api_base = settings.get("STRIPE_API_BASE", STRIPE_API_BASE)
        self._settings = settings

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is left to embed."""
        return self.has_stripe and None not in (self.database_url, self.nats_url, self.smtp_url)

    def stripe_environment(self) -> dict[str, str]:
        """Return the settings of the Stripe the environment names; `RefusalError` if one lacks."""
        for name in ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRETS"):
            if name not in self._settings:
                raise RefusalError(f"{name} is missing: a Stripe of your own needs it.")
        names = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRETS")
        return {
            "STRIPE_API_BASE": self.stripe_api_base,
            "STRIPE_JS_URL": self._settings.get("STRIPE_JS_URL", STRIPE_JS_URL),
            **{name: self._settings[name] for name in names},
        }

    def refuse_live_money(self) -> None:
        """Raise `RefusalError` when a live Stripe key meets anything embedded."""
        for name in ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY"):
            if self._settings.get(name, "").startswith(LIVE_KEYS) and not self.is_complete:
                raise RefusalError(
                    f"{name} is a live key: sandbox features never run with live money."
                )

    async def check(self) -> None:
        """Raise `RefusalError` naming the first service that cannot be reached."""
        self.refuse_live_money()
        if self.has_stripe:
            self.stripe_environment()
            await _check("STRIPE_API_BASE", self.stripe_api_base)
        if self.nats_url:
            await _check("NATS_URL", self.nats_url)
        if self.smtp_url:
            await _check("SMTP_URL", self.smtp_url)
        if self.database_url:
            await _check_database(self.database_url)


async def _check(name: str, url: str) -> None:
    """Raise `RefusalError` unless somebody accepts connections at the address."""
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    if not host or not port:
        raise RefusalError(f"{name} is not an address: {url!r}.")
    try:
        await answers(host, port)
    except (OSError, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        raise RefusalError(f"{name} cannot be reached at {host}:{port}: {reason}.") from error


async def _check_database(url: str) -> None:
    """Raise `RefusalError` unless the database lets us in; the password is never shown."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        reason = str(error) or "no answer in time"
        raise RefusalError(f"DATABASE_URL cannot be used: {reason}.") from error
    await connection.close()
