"""Control requests under /_emulator: clock, log, faults, scripts, challenges, self-checks."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from sandbox.stripe import confirming, setup_intents, webhooks
from sandbox.stripe.accounts import load_account, requirements
from sandbox.stripe.balances import OPENING_FLOAT_CENTS, adjust_available, available_cents
from sandbox.stripe.clock import EmulatorClock, parse_instant, rfc3339
from sandbox.stripe.context import Ctx
from sandbox.stripe.deliveries import Deliverer, resend
from sandbox.stripe.due import due_view, run_due
from sandbox.stripe.errors import StripeError, invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.faults import Faults
from sandbox.stripe.invariants import invariants
from sandbox.stripe.payment_methods import create_script
from sandbox.stripe.presenting import present
from sandbox.stripe.protocol import Reply, Request, json_reply
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]

LOG_DEFAULT: Final = 1_000
LOG_MAX: Final = 50_000


class Control:
    """What tests and the sandbox do to the emulator."""

    def __init__(
        self,
        store: Store,
        clock: EmulatorClock,
        config: Config,
        faults: Faults,
        deliverer: Deliverer,
    ) -> None:
        self.store = store
        self.clock = clock
        self.config = config
        self.faults = faults
        self.deliverer = deliverer
        self.exact: dict[tuple[str, str], Callable[[Request], Doc]] = {
            ("GET", "due"): lambda _: due_view(store, clock),
            ("POST", "clock"): self.move_clock,
            ("GET", "log"): self.log,
            ("GET", "invariants"): lambda _: invariants(store, lambda name: name or "platform"),
            ("GET", "config"): lambda _: self.config_view(),
            ("POST", "config"): self.change_config,
            ("POST", "reset"): self.reset,
            ("GET", "faults"): lambda _: {"data": [fault.shown() for fault in faults.all]},
            ("POST", "faults"): lambda request: faults.add(request.json()).shown(),
            ("DELETE", "faults"): lambda _: self.clear_faults(None),
            ("POST", "scripts"): self.make_script,
            ("POST", "webhook_endpoints"): self.ensure_endpoint,
            ("GET", "deliveries"): lambda _: self.deliveries(),
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
                return self.send_again(event_id)
            case ("POST", ["accounts", account_id]):
                return self.change_account(account_id, request.json())
            case ("DELETE", ["faults", fault_id]):
                return self.clear_faults(fault_id)
            case _:
                raise StripeError(404, f"No such control: {request.method} {request.path}")

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
            adjust_available(self.context(), OPENING_FLOAT_CENTS)

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
                self.clock.move(target, frozen=body.get("frozen") in (True, "true"))
        fired = run_due(self.store, self.clock, self.config)
        return {**due_view(self.store, self.clock), "fired": fired}

    def log(self, request: Request) -> Doc:
        """The latest requests, newest first; `path` and `method` narrow, `after` is a seq."""
        form = request.form()
        limit = min(int(form.get("limit") or LOG_DEFAULT), LOG_MAX)
        rows = self.store.rows(
            "SELECT seq, at, wall_at, request_id, method, path, account, key, params, status,"
            " decision, error_code, took_us FROM log"
            " WHERE seq > ? AND instr(path, ?) > 0 AND (? = '' OR method = ?)"
            " ORDER BY seq DESC LIMIT ?",
            int(form.get("after") or 0),
            form.get("path", ""),
            form.get("method", ""),
            form.get("method", ""),
            limit,
        )
        return {"data": [_log_line(dict(row)) for row in rows]}

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
            if target is not None:
                adjust_available(self.context(), int(target))
        self._take_config(changed)
        return self.config_view()

    def reset(self, request: Request) -> Doc:
        """An empty account with its float; webhook endpoints stay unless told otherwise."""
        endpoints = self.store.all_of("webhook_endpoint")
        keeps = request.json().get("keep_endpoints", True) not in (False, "false")
        self.store.wipe()
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

    def send_again(self, event_id: str) -> Doc:
        """Deliver an event once more."""
        count = resend(self.store, event_id, self.clock.now_us())
        if count == 0:
            raise missing("event", event_id)
        return {"event": event_id, "deliveries": count}

    def change_account(self, account_id: str, body: Doc) -> Doc:
        """Restrict or free a connected account: `transfers`, `payouts_enabled`."""
        with self.store.transaction():
            account = load_account(self.context(), account_id)
            if "transfers" in body:
                account["capabilities"]["transfers"] = str(body["transfers"])
            if "payouts_enabled" in body:
                account["payouts_enabled"] = body["payouts_enabled"] in (True, "true")
            is_free = account["payouts_enabled"] and (
                account["capabilities"].get("transfers") == "active"
            )
            account["requirements"] = (
                requirements([], None)
                if is_free
                else requirements(["individual.verification.document"], "requirements.past_due")
            )
            self.store.save(account)
            ctx = self.context(account_id)
            emit(ctx, "account.updated", account)
            return present(ctx, account)

    def deliveries(self) -> Doc:
        """The latest deliveries, newest first."""
        rows = self.store.rows(
            "SELECT d.id, d.event_id, o.body ->> '$.type' AS type, d.endpoint_id, d.state,"
            " d.attempts, d.created_at, d.due_at, d.answer FROM deliveries d"
            " LEFT JOIN objects o ON o.id = d.event_id ORDER BY d.id DESC LIMIT 200"
        )
        return {
            "data": [
                {
                    **dict(row),
                    "created_at": rfc3339(row["created_at"]),
                    "due_at": rfc3339(row["due_at"]),
                }
                for row in rows
            ]
        }


def _log_line(row: Doc) -> Doc:
    """A line of the log as control answers show it."""
    return {
        **row,
        "at": rfc3339(row["at"]),
        "wall_at": rfc3339(row["wall_at"]),
        "params": msgspec.json.decode(row["params"]),
    }
