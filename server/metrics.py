"""Prometheus' numbers, not for the public: behind a token, or for this machine alone.

Counters and histograms are those of this process, or, with PROMETHEUS_MULTIPROC_DIR, of every
process that writes there. Gauges of money are read from the database, so any web process tells
them. No label ever holds an id.
"""

import hmac
from collections.abc import Iterator
from datetime import timedelta

import structlog
from litestar import MediaType, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from domain.errors import NotFound, Unavailable
from gateways.settings import LOOPBACK_HOSTS
from server.requests import Request, address_of
from storage.debts import oldest_debt_at
from storage.metrics import (
    AccountDifference,
    MoneyNumbers,
    differences_by_account,
    money_numbers,
)

log = structlog.get_logger()

TRIED_SINCE = timedelta(hours=1)
"""The window of `auth_failure_ratio`."""
FAILED_SINCE = timedelta(days=1)
"""The window of `platform_payouts_failed`."""
ACCOUNTS = ("SP", "SC", "WAL", "CLR", "CRA", "CRR", "REV", "all")
"""Kinds of account an incident can be about; told even when nothing differs."""


class MoneyGauges(Collector):
    """The state of all money at one moment."""

    def __init__(
        self,
        numbers: MoneyNumbers,
        differences: list[AccountDifference],
        debt_age: timedelta,
        *,
        is_key_good: bool,
    ) -> None:
        """What the database said; `debt_age` is how long the oldest debt has been owed."""
        self._key_refused = int(not is_key_good)
        self._numbers = numbers
        self._differences = differences
        self._debt_age = debt_age

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge once."""
        yield from self._operations()
        yield from self._plain()
        differing = GaugeMetricFamily(
            "recon_diff_cents", "What open incidents come to, by account.", labels=["account"]
        )
        cents = dict.fromkeys(ACCOUNTS, 0)
        cents |= {each.account: each.difference_cents for each in self._differences}
        for account, difference_cents in cents.items():
            differing.add_metric([account], difference_cents)
        yield differing

    def _operations(self) -> Iterator[GaugeMetricFamily]:
        numbers = self._numbers
        states = GaugeMetricFamily(
            "stripe_op_state", "Writes at Stripe that are not over, by state.", labels=["state"]
        )
        states.add_metric(["planned"], numbers.operations_planned)
        states.add_metric(["sent"], numbers.operations_sent)
        states.add_metric(["unknown"], numbers.operations_unknown)
        states.add_metric(["parked"], numbers.operations_parked)
        yield states

    def _plain(self) -> Iterator[GaugeMetricFamily]:
        numbers = self._numbers
        told: tuple[tuple[str, str, float | None], ...] = (
            ("stripe_op_unknown", "Writes nobody knows of.", numbers.operations_unknown),
            ("stripe_op_unknown_seconds", "Age of the oldest of them.", numbers.unknown_seconds),
            ("webhook_events_waiting", "Stored and not worked.", numbers.events_waiting),
            ("ledger_imbalance_cents", "What the ledger is off.", numbers.ledger_imbalance_cents),
            ("recon_incidents_open", "Differences not gone.", numbers.incidents_open),
            ("credit_liability_cents", "Credit students own.", numbers.credit_liability_cents),
            ("negative_instructors", "Instructors who owe us.", numbers.negative_instructors),
            ("oldest_negative_days", "Age of the oldest such debt.", self._debt_age.days),
            ("platform_available_cents", "To spend at Stripe.", numbers.platform_available_cents),
            ("auth_failure_ratio", "Refused cards in the last hour.", numbers.auth_failure_ratio),
            ("auth_tries", "Cards tried in the last hour.", numbers.auth_tries),
            ("stripe_op_parked", "Writes a person must decide.", numbers.operations_parked),
            ("top_ups_waiting_seconds", "Longest refused.", numbers.top_ups_waiting_seconds),
            ("refunds_failed", "Owed to students and not refunded.", numbers.refunds_failed),
            ("recon_finished_seconds", "Since the last run.", numbers.recon_finished_seconds),
            ("recon_unseen", "Accounts it could not read.", numbers.recon_unseen),
            ("platform_payouts_failed", "In a day.", numbers.platform_payouts_failed),
            ("stripe_key_refused", "Whether Stripe refuses our key.", self._key_refused),
        )
        for name, words, value in told:
            if value is not None:
                yield GaugeMetricFamily(name, words, value=value)


@get("/metrics", media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(request: Request) -> Response[bytes]:
    """Everything the processes count; who may not see it sees nothing there."""
    if not _may_see(request):
        raise NotFound
    counted = generate_latest(_counters(request.parts.settings.prometheus_multiproc_dir))
    # Litestar adds the character set itself, and scrapers refuse it twice
    media_type = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
    return Response(counted + await _money(request), media_type=media_type)


def _counters(shared_directory: str | None) -> CollectorRegistry:
    """This process's own registry, or what all processes wrote to their directory."""
    if shared_directory is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, shared_directory)  # pyright: ignore[reportUnknownMemberType] - prometheus-client has no types here
    return registry


async def _money(request: Request) -> bytes:
    """The gauges of money; without a database the rest is told all the same."""
    reads, now = request.parts.reads, request.parts.clock.now()
    try:
        numbers = await money_numbers(
            reads, now=now, tried_since=now - TRIED_SINCE, failed_since=now - FAILED_SINCE
        )
        differences = await differences_by_account(reads)
        owed_since = await oldest_debt_at(reads)
    except Unavailable as error:
        log.warning("metrics.without_money", reason=error.detail)
        return b""
    registry = CollectorRegistry()
    debt_age = now - (owed_since or now)
    is_key_good = await request.parts.has_good_key()
    registry.register(MoneyGauges(numbers, differences, debt_age, is_key_good=is_key_good))
    return generate_latest(registry)


def _may_see(request: Request) -> bool:
    """With METRICS_TOKEN only by it; without, only from here and not through a proxy."""
    token = request.parts.settings.metrics_token
    if token is not None:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode(), token.encode())
    is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return address_of(request) in LOOPBACK_HOSTS and not is_forwarded
