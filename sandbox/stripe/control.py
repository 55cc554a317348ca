"""Control requests under /_emulator: clock, log, faults, scripts, challenges, self-checks."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from sandbox.stripe import business, confirming, setup_intents, views, webhooks
from sandbox.stripe.balances import OPENING_FLOAT_CENTS, adjust_available, available_cents
from sandbox.stripe.books import books_view
from sandbox.stripe.clock import EmulatorClock, parse_instant
from sandbox.stripe.context import Ctx
from sandbox.stripe.deliveries import Deliverer
from sandbox.stripe.due import due_view, run_due
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.faults import Faults
from sandbox.stripe.invariants import invariants
from sandbox.stripe.limits import Limits
from sandbox.stripe.log import Log
from sandbox.stripe.misfortunes import restrict
from sandbox.stripe.payment_methods import create_script
from sandbox.stripe.presenting import present
from sandbox.stripe.protocol import Reply, Request, json_reply
from sandbox.stripe.settings import Config
from sandbox.stripe.snapshots import Snapshots
from sandbox.stripe.store import Store

Doc = dict[str, Any]

TRUE: Final = (True, "true", "on")


class Control:
    """What tests and the sandbox do to the emulator."""

    def __init__(
        self,
        store: Store,
        clock: EmulatorClock,
        config: Config,
        faults: Faults,
        deliverer: Deliverer,
        limits: Limits,
    ) -> None:
        self.store = store
        self.clock = clock
        self.config = config
        self.faults = faults
        self.deliverer = deliverer
        self.limits = limits
        self.log = Log(store, clock)
        self.snapshots = Snapshots(store)
        self.exact: dict[tuple[str, str], Callable[[Request], Doc]] = {
            ("GET", "due"): lambda _: due_view(store, clock),
            ("POST", "clock"): self.move_clock,
            ("GET", "log"): lambda request: self.log.search(request.form()),
            ("GET", "invariants"): lambda _: invariants(store, self.config),
            ("GET", "books"): lambda _: books_view(store, self.config),
            ("GET", "config"): lambda _: self.config_view(),
            ("POST", "config"): self.change_config,
            ("POST", "reset"): self.reset,
            ("GET", "faults"): lambda _: {"data": [fault.shown() for fault in faults.all]},
            ("POST", "faults"): lambda request: faults.add(request.json()).shown(),
            ("DELETE", "faults"): lambda _: self.clear_faults(None),
            ("POST", "scripts"): self.make_script,
            ("POST", "webhook_endpoints"): self.ensure_endpoint,
            ("GET", "webhook_endpoints"): lambda _: views.endpoints(self.context()),
            ("GET", "deliveries"): lambda request: views.deliveries(store, request.form()),
            ("GET", "keys"): lambda request: views.keys(store, request.form()),
            ("GET", "snapshots"): lambda _: {"data": self.snapshots.names()},
            ("POST", "snapshot"): self.take_snapshot,
            ("POST", "restore"): self.restore,
        }
        self.load_config()

    def handle(self, request: Request, path: str) -> Reply:
        """Answer a control request; `path` is what follows /_emulator/."""
        try:
            action = self.exact.get((request.method, path))
            value = action(request) if action else self.act_on(request, path.split("/"))
        except StripeError as error:
            return json_reply({"error": error.error}, error.status)
        self.deliverer.wake()
        return json_reply(value)

    def act_on(self, request: Request, parts: list[str]) -> Doc:
        """Requests that name an object."""
        match (request.method, parts):
            case ("POST", ["3ds", intent_id, ("complete" | "fail") as answer]):
                return self.challenge(intent_id, is_passed=answer == "complete")
            case ("POST", ["webhooks", event_id, "resend"]):
                return self.send_again(event_id, request.json().get("endpoint"))
            case ("POST", ["webhook_endpoints", endpoint_id, "roll"]):
                return self.roll_secret(endpoint_id, request.json())
            case ("POST", ["accounts", account_id]):
                return self.change_account(account_id, request.json())
            case ("DELETE", ["faults", fault_id]):
                return self.clear_faults(fault_id)
            case ("POST", [kind, object_id, action]):
                return self.let_happen(kind, object_id, action, request.json())
            case _:
                raise StripeError(404, f"No such control: {request.method} {request.path}")

    def let_happen(self, kind: str, object_id: str, action: str, body: Doc) -> Doc:
        """Play a bank, an issuer or Stripe: see `business`."""
        with self.store.transaction():
            ctx = self.context()
            return present(ctx, business.act(ctx, kind, object_id, action, body))

    def context(self, account: str = "") -> Ctx:
        """This moment."""
        return Ctx(
            self.store,
            self.config,
            now_us=self.clock.now_us(),
            wall_us=self.clock.wall_us(),
            account=account,
        )

    def open_account(self) -> None:
        """The float a new platform starts with, as one top-up."""
        if self.store.meta("is_open"):
            return
        with self.store.transaction():
            self.store.set_meta("is_open", "yes")
            self._move_float(OPENING_FLOAT_CENTS)

    def _move_float(self, target: int) -> None:
        """Bring the available balance to `target`, and note what that took for the books."""
        ctx = self.context()
        moved = target - available_cents(ctx, "")
        self.store.execute("INSERT INTO floats VALUES (?, ?)", ctx.now_us, moved)
        adjust_available(ctx, target)

    def move_clock(self, request: Request) -> Doc:
        """Move the own clock, then do all that is due; answers as `due`, and what was done."""
        body = request.json()
        if unknown := set(body) - {"set", "advance", "frozen"}:
            raise invalid(f"Unknown: {', '.join(sorted(unknown))}")
        if body:
            target = self.clock.now_us()
            if "set" in body:
                target = parse_instant(body["set"])
            elif "advance" in body:
                target += round(float(body["advance"]) * 1_000_000)
            with self.store.transaction():
                self.clock.move(target, frozen=body.get("frozen") in TRUE)
        fired = run_due(self.store, self.clock, self.config)
        return {**due_view(self.store, self.clock), "fired": fired}

    def load_config(self) -> None:
        """Take up what was configured before a restart."""
        kept = self.store.meta("config")
        if kept:
            self._take_config(msgspec.json.decode(kept, type=Config))

    def _take_config(self, config: Config) -> None:
        """Change the one object everybody holds."""
        for name in config.__struct_fields__:
            setattr(self.config, name, getattr(config, name))

    def config_view(self) -> Doc:
        """Settings, and the platform's available balance."""
        return {
            **msgspec.to_builtins(self.config),
            "platform_available_cents": available_cents(self.context(), ""),
        }

    def change_config(self, request: Request) -> Doc:
        """Change settings; `platform_available_cents` moves money to or from the bank."""
        body = request.json()
        target = body.pop("platform_available_cents", None)
        try:
            changed = msgspec.convert(
                {**msgspec.to_builtins(self.config), **body}, Config, strict=False
            )
        except msgspec.ValidationError as error:
            raise invalid(str(error)) from None
        with self.store.transaction():
            self.store.set_meta("config", msgspec.json.encode(changed).decode())
            self._note_prices(changed)
            if target is not None:
                self._move_float(int(target))
        self._take_config(changed)
        return self.config_view()

    def _note_prices(self, changed: Config) -> None:
        """Since when card payments cost what, for the books."""
        for at, config in ((0, self.config), (self.clock.now_us(), changed)):
            self.store.execute(
                "INSERT INTO prices VALUES (?, ?, ?) ON CONFLICT (at) DO UPDATE SET"
                " permille = excluded.permille, fixed = excluded.fixed WHERE prices.at > 0",
                at,
                config.card_fee_permille,
                config.card_fee_fixed_cents,
            )

    def reset(self, request: Request) -> Doc:
        """An empty account with its float; webhook endpoints stay unless told otherwise."""
        endpoints = self.store.all_of("webhook_endpoint")
        keeps = request.json().get("keep_endpoints", True) not in (False, "false")
        self.deliverer.abandon()
        self.store.wipe()
        self.limits.forget()
        self._take_config(Config())
        self.faults.reload()
        if keeps:
            for endpoint in endpoints:
                self.store.insert(endpoint, "")
        self.open_account()
        return due_view(self.store, self.clock)

    def clear_faults(self, fault_id: str | None) -> Doc:
        """Forget one rule or all."""
        self.faults.remove(fault_id)
        return {"data": [fault.shown() for fault in self.faults.all]}

    def make_script(self, request: Request) -> Doc:
        """A card whose charges follow steps."""
        body = request.json()
        steps = body.get("steps")
        if isinstance(steps, dict):
            steps = list(steps.values())
        if not isinstance(steps, list):
            raise invalid("Missing required param: steps.", param="steps")
        with self.store.transaction():
            return create_script(self.context(), steps)

    def ensure_endpoint(self, request: Request) -> Doc:
        """A webhook endpoint by URL and kind, with a given secret; safe to repeat."""
        body = request.json()
        if not isinstance(body.get("url"), str):
            raise invalid("Missing required param: url.", param="url")
        with self.store.transaction():
            ctx = self.context()
            return present(ctx, webhooks.ensure(ctx, body))

    def challenge(self, intent_id: str, *, is_passed: bool) -> Doc:
        """Play the cardholder; answers the intent, also when the card was then declined."""
        ctx = self.context()
        is_setup = intent_id.startswith("seti_")
        module = setup_intents if is_setup else confirming
        kind = "setup_intent" if is_setup else "payment_intent"
        refused: StripeError | None = None
        with self.store.transaction():
            self.store.savepoint()
            try:
                module.answer_challenge(
                    self.context(self.store.account_of(intent_id)), intent_id, is_passed=is_passed
                )
            except StripeError as error:
                if not error.keeps_effects:
                    self.store.undo()
                    refused = error
        intent = self.store.find(kind, intent_id)
        if intent is None:
            raise missing(kind, intent_id)
        if refused is not None:
            raise refused
        return present(ctx, intent)

    def send_again(self, event_id: str, endpoint_id: str | None) -> Doc:
        """Deliver an event once more, to all that got it or to one endpoint, new ones included."""
        if self.store.find("event", event_id) is None:
            raise missing("event", event_id)
        if endpoint_id and self.store.find("webhook_endpoint", endpoint_id) is None:
            raise missing("webhook_endpoint", endpoint_id)
        return {"event": event_id, "deliveries": self.deliverer.resend(event_id, endpoint_id)}

    def roll_secret(self, endpoint_id: str, body: Doc) -> Doc:
        """A new secret for an endpoint; the old one goes on for a while."""
        with self.store.transaction():
            ctx = self.context()
            return present(ctx, webhooks.roll(ctx, endpoint_id, body))

    def change_account(self, account_id: str, body: Doc) -> Doc:
        """Restrict or free a connected account: `transfers`, `payouts_enabled`."""
        enabled = body.get("payouts_enabled")
        with self.store.transaction():
            ctx = self.context(account_id)
            account = restrict(
                ctx,
                account_id,
                transfers=str(body["transfers"]) if "transfers" in body else None,
                payouts_enabled=None if enabled is None else enabled in TRUE,
            )
            return present(ctx, account)

    def take_snapshot(self, request: Request) -> Doc:
        """Keep the whole state under a name."""
        return self.snapshots.take(request.json().get("name", "snapshot"))

    def restore(self, request: Request) -> Doc:
        """Bring back a kept state; what was in flight belongs to no state any more."""
        self.deliverer.abandon()
        kept = self.snapshots.bring_back(request.json().get("name", "snapshot"))
        self.limits.forget()
        self._take_config(Config())
        self.load_config()
        self.faults.reload()
        return {**due_view(self.store, self.clock), **kept}
