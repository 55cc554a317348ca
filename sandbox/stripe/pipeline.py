"""One API request from the door to the log: who, what, faults, key, lock, work, answer."""

import traceback
from functools import partial
from typing import Any, Final

import msgspec

from sandbox.stripe.accounts import account_invalid
from sandbox.stripe.clock import EmulatorClock
from sandbox.stripe.context import Ctx
from sandbox.stripe.deliveries import Deliverer
from sandbox.stripe.due import run_due
from sandbox.stripe.errors import StripeError, api_error, unauthorized
from sandbox.stripe.fault_effects import after, before, during, fires, stale
from sandbox.stripe.faults import Fault, Faults
from sandbox.stripe.idempotency import Keys, ObjectLocks, Stored, fingerprint
from sandbox.stripe.ids import token
from sandbox.stripe.limits import Limits
from sandbox.stripe.log import Log
from sandbox.stripe.misfortunes import afflict, befall, forbid
from sandbox.stripe.params import accept
from sandbox.stripe.presenting import answer, present
from sandbox.stripe.protocol import (
    Call,
    Distorted,
    Reply,
    Request,
    api_headers,
    authenticate,
    check_version,
    idempotency_key,
)
from sandbox.stripe.routing import Route, Router
from sandbox.stripe.settings import Config, Settings
from sandbox.stripe.store import Store

Doc = dict[str, Any]

LOCKED: Final = ("payment_intent", "charge", "source_transaction")
"""Parameters that name an object the write changes."""
EMBEDDED: Final = ("payment_intent", "setup_intent", "payment_method")


class Api:
    """Everything under /v1."""

    def __init__(
        self,
        store: Store,
        clock: EmulatorClock,
        config: Config,
        settings: Settings,
        faults: Faults,
        deliverer: Deliverer,
        router: Router,
    ) -> None:
        self.store = store
        self.clock = clock
        self.config = config
        self.settings = settings
        self.faults = faults
        self.deliverer = deliverer
        self.router = router
        self.keys = Keys(store)
        self.locks = ObjectLocks()
        self.limits = Limits()
        self.log = Log(store, clock)
        self.number = store.scalar("SELECT coalesce(max(seq), 0) FROM log")

    async def handle(self, request: Request) -> Reply:
        """Answer one request, whatever happens; `Dropped` cuts its connection."""
        self.number += 1
        request_id = "req_" + token(self.store.seed, f"req:{self.number}", 14)
        call = Call(request=request, request_id=request_id, started=self.clock.monotonic())
        status: int | None = None
        try:
            reply = await self._answer(call)
            status = reply.status
        except Distorted as distorted:
            status = distorted.reply.status
            reply = distorted.reply
        except StripeError as error:
            status = error.status
            if call.decision == "executed":
                call.decision = "refused"
            reply = self._refusal(call, error)
        finally:
            self.log.write(call, status)
        return reply

    async def _answer(self, call: Call) -> Reply:
        """What is due comes first; then the door: key, account, route, faults."""
        if run_due(self.store, self.clock, self.config):
            self.deliverer.wake()
        request = call.request
        call.params = request.form()
        call.key = idempotency_key(request)
        call.caller = authenticate(request, call.params, self.settings)
        if self.faults.all:
            call.firing = self.faults.on_request(
                request.method, request.path, call.account, call.key
            )
        await before(call, self.config)
        self.limits.check(self.config, _endpoint(request), self.clock.monotonic())
        check_version(request, call.caller, self.config)
        if call.account and self.store.find("account", call.account) is None:
            raise account_invalid(call.account)
        route, arguments = self.router.find(request.method, request.path)
        if call.caller.is_publishable and not route.is_browser:
            raise unauthorized(
                "This API call cannot be made with a publishable API key. Please use a secret API"
                " key. You can find a list of your API keys at"
                " https://dashboard.stripe.com/account/apikeys."
            )
        raw = {name: value for name, value in call.params.items() if name != "_stripe_account"}
        if "key" not in route.spec:
            raw.pop("key", None)
        params = accept(route.spec, raw)
        reply = await self._once(call, route, arguments, params)
        return await after(call, self.config, reply)

    async def _once(
        self, call: Call, route: Route, arguments: tuple[str, ...], params: Doc
    ) -> Reply:
        """Work, unless the key has its answer already."""
        if call.key is None:
            return await self._locked(call, route, arguments, params, None)
        print_ = fingerprint(call.request.method, call.request.path, call.params)
        if fires(call, "key_expiry_now"):
            self.keys.forget(call.account, call.key)
        stored = self.keys.recall(
            call.account,
            call.key,
            print_,
            now_us=self.clock.now_us(),
            expiry_seconds=self.config.key_expiry_seconds,
        )
        if stored is not None:
            call.decision = "replayed"
            headers = api_headers(
                call.request_id,
                key=call.key,
                should_retry=stored.should_retry,
                is_replayed=True,
                original=stored.request_id,
            )
            return Reply(status=stored.status, body=stored.body, headers=headers)
        in_flight = (call.account, call.key)
        self.keys.in_flight.add(in_flight)
        try:
            return await self._locked(call, route, arguments, params, print_)
        finally:
            self.keys.in_flight.discard(in_flight)

    async def _locked(
        self,
        call: Call,
        route: Route,
        arguments: tuple[str, ...],
        params: Doc,
        print_: str | None,
    ) -> Reply:
        """Hold the object of a write while working on it."""
        held = self._touched(call, route, arguments, params)
        async with self.locks.holding(held, self.config.lock_wait_ms):
            stored_failure = await during(call)
            if route.method != "GET" and arguments and arguments[0].startswith("pi_"):
                self.limits.check_updates(self.config, arguments[0], self.clock.now_us())
            newest = self.deliverer.newest()
            stored = self._execute(call, route, arguments, params, print_, stored_failure)
        self.deliverer.wake()
        if fires(call, "early"):
            await self.deliverer.arrived(newest)
        headers = api_headers(call.request_id, key=call.key, should_retry=stored.should_retry)
        return Reply(status=stored.status, body=stored.body, headers=headers)

    def _touched(
        self, call: Call, route: Route, arguments: tuple[str, ...], params: Doc
    ) -> list[str]:
        """What a write holds: the object of its path, those its parameters name, a payer's account.

        An intent stands for its charge, whichever of the two a request names.
        """
        if route.method == "GET":
            return []
        named = [*arguments[:1], *(params.get(name) for name in LOCKED)]
        if route.pattern.startswith("/v1/payouts"):
            named.append(call.account or "platform")
        held = [each for each in named if isinstance(each, str)]
        for each in tuple(held):
            if each.startswith("pi_"):
                intent = self.store.find("payment_intent", each) or {}
                held += [intent["latest_charge"]] if intent.get("latest_charge") else []
        return held

    def _done(
        self, ctx: Ctx, call: Call, route: Route, arguments: tuple[str, ...], params: Doc
    ) -> bytes:
        """The body of what the handler did, or read, perhaps of a replica that lags."""
        read = partial(route.handler, ctx, params, *arguments)
        with stale(call, self.store, arguments, read):
            return self._answered(ctx, call, read(), params)

    def _execute(
        self,
        call: Call,
        route: Route,
        arguments: tuple[str, ...],
        params: Doc,
        print_: str | None,
        stored_failure: Fault | None,
    ) -> Stored:
        """Effects and kept answer in one transaction."""
        ctx = self._context(call)
        error: StripeError | None = None
        with self.store.transaction():
            befall(ctx, call, arguments)
            self.store.savepoint()
            body = b""
            try:
                forbid(ctx, call, arguments)
                if stored_failure is None or stored_failure.rule.effects:
                    body = self._done(ctx, call, route, arguments, params)
                if stored_failure is not None:
                    error = api_error("An error occurred.", should_retry=False)
            except StripeError as refused:
                error = refused
                if not refused.keeps_effects:
                    self.store.undo()
                self._embed(ctx, refused)
            except Exception:  # noqa: BLE001 -- a bug of ours answers as Stripe's own would
                traceback.print_exc()
                self.store.undo()
                error = api_error("The emulator has a bug: see its output.", should_retry=False)
                error.is_stored = False
            if error is not None:
                call.error_code = error.error.get("decline_code") or error.error.get("code")
                body = msgspec.json.encode(error.body(call.request_id))
            stored = Stored(
                status=error.status if error else 200,
                body=body,
                request_id=call.request_id,
                should_retry=error.should_retry if error else None,
            )
            if call.key and print_ and (error is None or error.is_stored):
                self.keys.keep(call.account, call.key, print_, stored, ctx.now_us)
        return stored

    def _answered(self, ctx: Ctx, call: Call, doc: Doc, params: Doc) -> bytes:
        """The answer's bytes, after what a fault does to what the request made."""
        call.result = doc.get("id")
        afflict(ctx, call, doc)
        return msgspec.json.encode(answer(ctx, doc, params.get("expand") or ()))

    def _context(self, call: Call) -> Ctx:
        """The moment and the caller, for the handler."""
        return Ctx(
            self.store,
            self.config,
            now_us=self.clock.now_us(),
            wall_us=self.clock.wall_us(),
            account=call.account,
            request_id=call.request_id,
            key=call.key,
            is_publishable=bool(call.caller and call.caller.is_publishable),
            base_url=call.request.base_url,
        )

    def _embed(self, ctx: Ctx, error: StripeError) -> None:
        """Objects inside an error are shown as their reader may see them."""
        for name in EMBEDDED:
            if isinstance(error.error.get(name), dict):
                error.error[name] = present(ctx, error.error[name])

    def _refusal(self, call: Call, error: StripeError) -> Reply:
        """An answer that never reached the work."""
        call.error_code = error.error.get("code")
        headers = api_headers(call.request_id, key=call.key, should_retry=error.should_retry)
        return Reply(
            status=error.status,
            body=msgspec.json.encode(error.body(call.request_id)),
            headers=headers,
        )


def _endpoint(request: Request) -> str:
    """What a limit of its own counts: the method and the path without ids."""
    parts = [part for part in request.path.split("/") if "_" not in part or part.islower()]
    return f"{request.method} {'/'.join(parts)}"
