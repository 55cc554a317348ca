"""Fault injection: rules that match requests or deliveries, and what they do to them.

A rule is `{action, match, times, …}`. Requests match by method, path (regex), account and key
(regex); deliveries by event (regex) and endpoint. `nth` fires on the n-th match only, `probability`
on a seeded share of them, `times` bounds how often (default once, 0 for ever).
"""

import random
import re
from typing import Any, Final

import msgspec

from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Store

Doc = dict[str, Any]

BEFORE: Final = (
    "drop_before",
    "reset_before",
    "timeout_before",
    "500_before",
    "409_in_use",
    "429_rate",
    "429_lock",
    "html_502",
    "401_key",
    "refuse",
)
DURING: Final = ("latency", "500_stored", "key_expiry_now", "stale_read", "early")
BUSINESS_BEFORE: Final = ("account_restrict", "capture_expired")
BUSINESS_AFTER: Final = ("payout_fail", "refund_fail", "dispute_now")
AFTER: Final = (
    "drop_after_commit",
    "reset_after",
    "kill_self_after",
    "timeout_after",
    "500_after_commit",
    "truncate",
    "garbage",
    "slow_drip",
)
WEBHOOK: Final = (
    "duplicate",
    "drop",
    "delay",
    "reorder",
    "bad_sig",
    "old_timestamp",
    "future_timestamp",
    "wrong_secret",
    "old_api_version",
    "big",
    "unknown_type",
    "other_account",
    "twin_event",
)
REQUEST: Final = (*BEFORE, *DURING, *BUSINESS_BEFORE, *BUSINESS_AFTER, *AFTER)
ACTIONS: Final = (*REQUEST, *WEBHOOK)
SHAPES: Final = ("uniform", "exponential")
LAPSED: Final = ("charge_expired_for_capture", "capture_charge_authorization_expired")
"""Error codes of a capture whose authorization ended at the bank before Stripe's own record."""


class Match(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which requests or deliveries a rule means; what is left out matches all."""

    method: str | None = None
    path: str | None = None
    account: str | None = None
    key: str | None = None
    event: str | None = None
    endpoint: str | None = None
    nth: int | None = None
    probability: float | None = None
    seed: str = "fault"


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault. `seconds`: latency, silence or delay; `max_seconds` makes it a range that `shape`
    fills: `uniform`, or `exponential` with `seconds` as its mean. `count`: further copies of a
    duplicate; `window`: deliveries a reorder gathers; `size`: bytes of a big payload;
    `should_retry`: the header of a 429 or 500; `effects`: a stored 500 after all did the work;
    `reason`: the failure code of a payout or refund, the reason of a dispute, the error code of a
    capture that came too late; with such a code the intent stays `requires_capture` for `reads`
    retrievals more. `behind`: the changes of what is read that a stale read lacks.
    A `refuse` answers `status` with `reason` as its code, about `param`.
    """

    action: str
    match: Match = msgspec.field(default_factory=Match)
    times: int = 1
    seconds: float | None = None
    max_seconds: float | None = None
    shape: str = "uniform"
    count: int = 1
    window: int = 2
    should_retry: bool | None = None
    effects: bool = False
    size: int = 300_000
    reason: str | None = None
    param: str | None = None
    status: int = 400
    reads: int = 0
    behind: int = 1


class Fault:
    """A rule at work."""

    def __init__(self, number: int, rule: Rule, seen: int, hits: int) -> None:
        self.number = number
        self.rule = rule
        self.seen = seen
        self.hits = hits

    def shown(self) -> Doc:
        """As control answers show it."""
        return {
            "id": f"fault_{self.number}",
            **msgspec.to_builtins(self.rule),
            "seen": self.seen,
            "hits": self.hits,
        }

    def draws(self, low: float) -> float:
        """Seconds of this hit: fixed, or seeded in the range."""
        first = low if self.rule.seconds is None else self.rule.seconds
        last = self.rule.max_seconds
        if last is None:
            return first
        chance = random.Random(f"{self.rule.match.seed}:{self.hits}")  # noqa: S311 -- seeded
        if self.rule.shape == "exponential":
            return min(last, chance.expovariate(1.0 / first)) if first > 0 else 0.0
        return chance.uniform(first, last)

    def _fires(self) -> bool:
        """Counted as seen; does it fire now?"""
        self.seen += 1
        match = self.rule.match
        if self.rule.times and self.hits >= self.rule.times:
            return False
        if match.nth is not None and self.seen != match.nth:
            return False
        if match.probability is None:
            return True
        draw = random.Random(f"{match.seed}:{self.seen}").random()  # noqa: S311 -- seeded on purpose
        return draw < match.probability


class Faults:
    """Every rule, in the order they were made; kept in the store so that a restart goes on."""

    def __init__(self, store: Store) -> None:
        """Read the kept rules."""
        self.store = store
        self.all: list[Fault] = []
        self.reload()

    def reload(self) -> None:
        """Read the rules again."""
        self.all = [
            Fault(row["id"], msgspec.json.decode(row["rule"], type=Rule), row["seen"], row["hits"])
            for row in self.store.rows("SELECT id, rule, seen, hits FROM faults ORDER BY id")
        ]

    def add(self, raw: Doc) -> Fault:
        """Make a rule; 400 when it is not one."""
        try:
            rule = msgspec.convert(raw, Rule, strict=False)
            for pattern in (rule.match.path, rule.match.key, rule.match.event):
                re.compile(pattern or "")
        except (msgspec.ValidationError, re.error) as error:
            raise invalid(f"Not a fault rule: {error}") from None
        if rule.action not in ACTIONS:
            raise invalid(f"Unknown action {rule.action!r}; known: {', '.join(ACTIONS)}")
        if rule.shape not in SHAPES:
            raise invalid(f"Unknown shape {rule.shape!r}; known: {', '.join(SHAPES)}")
        if rule.action == "capture_expired" and rule.reason not in (None, *LAPSED):
            raise invalid(f"Unknown reason {rule.reason!r}; known: {', '.join(LAPSED)}")
        number = self.store.scalar(
            "INSERT INTO faults (rule, seen, hits) VALUES (?, 0, 0) RETURNING id",
            msgspec.json.encode(rule).decode(),
        )
        fault = Fault(number, rule, 0, 0)
        self.all.append(fault)
        return fault

    def remove(self, fault_id: str | None = None) -> None:
        """Forget one rule, or all."""
        for fault in list(self.all):
            if fault_id in (None, f"fault_{fault.number}"):
                self.all.remove(fault)
                self.store.execute("DELETE FROM faults WHERE id = ?", fault.number)

    def on_request(self, method: str, path: str, account: str, key: str | None) -> list[Fault]:
        """The rules that fire on a request."""
        facts = {"method": method, "path": path, "account": account, "key": key or ""}
        return self._firing(REQUEST, facts)

    def on_delivery(self, event: str, endpoint: str) -> list[Fault]:
        """The rules that fire on a delivery."""
        return self._firing(WEBHOOK, {"event": event, "endpoint": endpoint})

    def _firing(self, actions: tuple[str, ...], facts: dict[str, str]) -> list[Fault]:
        """Every matching rule, counted."""
        firing: list[Fault] = []
        for fault in self.all:
            if fault.rule.action not in actions or not _matches(fault.rule.match, facts):
                continue
            if fault._fires():  # noqa: SLF001 -- its own engine
                fault.hits += 1
                firing.append(fault)
            self.store.execute(
                "UPDATE faults SET seen = ?, hits = ? WHERE id = ?",
                fault.seen,
                fault.hits,
                fault.number,
            )
        return firing


def _matches(match: Match, facts: dict[str, str]) -> bool:
    """Every part the rule names holds."""
    for name in ("method", "account", "endpoint"):
        wanted = getattr(match, name)
        if wanted is not None and wanted != facts.get(name):
            return False
    for name in ("path", "key", "event"):
        pattern = getattr(match, name)
        if pattern is not None and not re.search(pattern, facts.get(name, "")):
            return False
    return True
