"""Rate limits as Stripe documents them: requests a second, and updates of one intent an hour.

Off until `POST /_emulator/config {is_rate_limited: true}`. The buckets fill by real time: they
protect Stripe's machines, and a frozen virtual clock would never fill them.
"""

from typing import Final

from sandbox.stripe.errors import rate_limited
from sandbox.stripe.settings import Config

HOUR_US: Final = 3_600_000_000


class Bucket:
    """Tokens that come back at a steady rate."""

    __slots__ = ("at", "left")

    def __init__(self, size: float, at: float) -> None:
        """Full."""
        self.left = size
        self.at = at

    def take(self, rate: float, now: float) -> bool:
        """One token, if there is one; `rate` is tokens a second and the most that are kept."""
        self.left = min(rate, self.left + (now - self.at) * rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Limits:
    """Buckets of the whole API and of each endpoint, and the updates of each intent."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.updates: dict[str, list[int]] = {}

    def check(self, config: Config, endpoint: str, now: float) -> None:
        """Raise 429 `rate_limit` when a bucket is empty; `now` in seconds for measuring."""
        if not config.is_rate_limited:
            return
        for name, rate in (("", config.rate_per_second), (endpoint, config.rate_per_endpoint)):
            bucket = self.buckets.setdefault(name, Bucket(rate, now))
            if not bucket.take(rate, now):
                raise rate_limited()

    def check_updates(self, config: Config, intent_id: str, now_us: int) -> None:
        """Raise 429 when an intent was written too often within an hour of virtual time."""
        if not config.is_rate_limited:
            return
        recent = [at for at in self.updates.get(intent_id, ()) if at > now_us - HOUR_US]
        if len(recent) >= config.updates_per_intent_hour:
            raise rate_limited()
        self.updates[intent_id] = [*recent, now_us]

    def forget(self) -> None:
        """As after an hour of silence."""
        self.buckets.clear()
        self.updates.clear()
