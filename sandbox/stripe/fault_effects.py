"""What each fault does to a request: in front of it, while it runs, to its answer."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.stripe.errors import (
    StripeError,
    api_error,
    key_in_use,
    lock_timeout,
    rate_limited,
    unauthorized,
)
from sandbox.stripe.faults import AFTER, BEFORE, Fault, Rule
from sandbox.stripe.protocol import Call, Distorted, Dropped, Reply
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]
Reading = Callable[[], Doc]

BAD_GATEWAY = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


async def before(call: Call, config: Config) -> None:
    """Faults in front of everything: nothing happens at Stripe."""
    for fault in call.firing:
        rule = fault.rule
        if rule.action not in BEFORE:
            continue
        call.decision = f"fault:{rule.action}"
        match rule.action:
            case "drop_before" | "reset_before":
                raise Dropped(is_reset=rule.action == "reset_before")
            case "timeout_before":
                raise Dropped(fault.draws(config.silence_seconds))
            case "500_before":
                raise api_error("An error occurred.", should_retry=rule.should_retry)
            case "409_in_use":
                raise key_in_use(call.key or "")
            case "429_rate":
                raise rate_limited(should_retry=rule.should_retry)
            case "401_key" | "refuse":
                raise _refusal(rule)
            case "429_lock":
                raise lock_timeout(should_retry=rule.should_retry)
            case _:
                raise Distorted(Reply(status=502, body=BAD_GATEWAY, content_type=b"text/html"))


def _refusal(rule: Rule) -> StripeError:
    """The refusal a rule tells; nothing has happened and nothing is kept."""
    if rule.action == "401_key":
        return unauthorized("Invalid API Key provided.")
    return StripeError(rule.status, "Refused.", code=rule.reason, param=rule.param, is_stored=False)


async def during(call: Call) -> Fault | None:
    """Faults while key and object are held; returns the rule of a stored 500."""
    stored_failure = None
    for fault in call.firing:
        if fault.rule.action == "latency":
            await asyncio.sleep(fault.draws(1.0))
        elif fault.rule.action == "500_stored":
            call.decision = "fault:500_stored"
            stored_failure = fault
    return stored_failure


def fires(call: Call, action: str) -> bool:
    """Whether a fault of this action fires on the request."""
    return any(fault.rule.action == action for fault in call.firing)


@contextmanager
def stale(call: Call, store: Store, arguments: tuple[str, ...], read: Reading) -> Iterator[None]:
    """A read as from a replica that lags: all is as it was before what is asked for changed last.

    `read` answers from the present: what it shows tells which transaction is the last one; the
    rule's `behind` counts further ones back.
    """
    rule = _firing(call, "stale_read")
    if call.request.method != "GET" or rule is None:
        yield
        return
    call.decision = "fault:stale_read"
    changes = _changes(call, store, arguments, read)
    if not changes:
        yield
        return
    with store.replica.before(changes[: rule.behind][-1]):
        yield


def _changes(call: Call, store: Store, arguments: tuple[str, ...], read: Reading) -> list[int]:
    """The transactions that changed what a read is about, the latest first."""
    try:
        doc = read()
    except StripeError:
        return store.replica.last_changes(arguments)
    if doc.get("object") == "balance":
        return store.replica.last_balances(call.account)
    shown = [each["id"] for each in doc.get("data", ()) if isinstance(each, dict)]
    return store.replica.last_changes([*arguments, *shown])


def _firing(call: Call, action: str) -> Rule | None:
    """The first rule of this action that fires on the request."""
    return next((fault.rule for fault in call.firing if fault.rule.action == action), None)


async def after(call: Call, config: Config, reply: Reply) -> Reply:
    """Faults on the way back: everything has happened at Stripe."""
    for fault in call.firing:
        rule = fault.rule
        if rule.action not in AFTER:
            continue
        call.decision = f"fault:{rule.action}"
        match rule.action:
            case "drop_after_commit":
                raise Dropped
            case "reset_after":
                raise Dropped(is_reset=True)
            case "kill_self_after":
                raise Dropped(is_death=True)
            case "timeout_after":
                raise Dropped(fault.draws(config.silence_seconds))
            case "500_after_commit":
                raise api_error("An error occurred.", should_retry=rule.should_retry)
            case "garbage":
                reply.body = b'{"id": "pi_\x00 not json'
            case _:
                reply.mode, reply.seconds = rule.action, fault.draws(5.0)
    return reply
