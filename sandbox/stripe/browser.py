"""Pages and scripts for people and browsers: the card form, challenges, onboarding, dashboard."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from sandbox.stripe import dashboard_money, dashboard_traffic
from sandbox.stripe.control import Control
from sandbox.stripe.due import due_view
from sandbox.stripe.onboarding import finish, open_link
from sandbox.stripe.protocol import CORS, Reply, Request, json_reply

Doc = dict[str, Any]

ASSETS: Final = Path(__file__).with_name("assets")
TYPES: Final = {
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
}
SCRIPT: Final = ("frames", "element", "elements", "client")
"""The files of `assets/stripe/` that are one script together, in the order they need each other."""
HTML: Final = TYPES[".html"]
UNCACHED: Final = ((b"cache-control", b"no-cache"),)


class Pages:
    """Everything that is not the API."""

    def __init__(self, control: Control) -> None:
        """Read the assets once."""
        self.control = control
        self.files = {file.name: file.read_bytes() for file in ASSETS.iterdir() if file.is_file()}
        self.files["stripe.js"] = _script()

    def answer(self, request: Request) -> Reply | None:
        """The page at this address; None when there is none."""
        parts = request.path.strip("/").split("/")
        reply: Reply | None = None
        match (request.method, parts):
            case ("GET", ["health"]):
                reply = json_reply({"ok": True})
            case ("GET", [""]):
                reply = self._dashboard(request, "")
            case ("GET", ["dashboard", *rest]) if len(rest) < 2:
                reply = self._dashboard(request, rest[0] if rest else "")
            case ("GET", ["dashboard", "objects", object_id]):
                reply = _found(dashboard_money.any_object(self.control.context(), object_id))
            case ("POST", ["dashboard", "do", *path]):
                reply = self._act(request, "/".join(path))
            case ("GET", ["js", name]) if name in self.files:
                reply = self._file(name)
            case ("GET", ["_emulator", "3ds", intent_id]):
                reply = self._challenge(intent_id)
            case (("GET" | "POST"), ["setup", "s", account_id, number]):
                reply = self._onboarding(request, account_id, number)
            case ("GET", ["express", account_id, _]):
                reply = self._express(account_id)
            case _:
                pass
        return reply

    def _file(self, name: str) -> Reply:
        """A script, a style sheet or a frame."""
        headers = (*UNCACHED, *CORS)
        body, kind = self.files[name], TYPES[Path(name).suffix]
        return Reply(status=200, body=body, content_type=kind, headers=headers)

    def _fill(self, name: str, **values: str) -> Reply:
        """A page with values put in, each made safe."""
        text = Template(self.files[name].decode())
        safe = {key: escape(value) for key, value in values.items()}
        return _page(text.substitute(safe))

    def _challenge(self, intent_id: str) -> Reply:
        """What the bank asks: in a modal frame, or as a page that leads back."""
        kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
        intent = self.control.store.find(kind, intent_id)
        if intent is None:
            return json_reply({"error": {"message": f"No such {kind}: '{intent_id}'"}}, 404)
        action = intent["next_action"] or {}
        cents = intent.get("amount")
        what = "save your card" if cents is None else f"pay ${cents // 100}.{cents % 100:02d}"
        return self._fill(
            "challenge.html",
            intent=intent_id,
            what=what,
            return_url=(action.get("redirect_to_url") or {}).get("return_url") or "",
        )

    def _onboarding(self, request: Request, account_id: str, number: str) -> Reply:
        """The one-page form; sending it, even empty, completes the account."""
        with self.control.store.transaction():
            ctx = self.control.context()
            link = open_link(ctx, account_id, number)
            if link is None:
                return json_reply({"error": {"message": "No such link."}}, 404)
            if not link["is_open"]:
                return _redirect(link["refresh_url"])
            if request.method == "POST":
                finish(ctx, link, request.form())
        if request.method == "POST":
            self.control.deliverer.wake()
            return _redirect(link["return_url"])
        account = self.control.store.find("account", account_id) or {}
        return self._fill("onboarding.html", email=account.get("email") or "you")

    def _express(self, account_id: str) -> Reply:
        """A connected account's own dashboard."""
        return _found(dashboard_money.express(self.control.context(account_id), account_id))

    def _dashboard(self, request: Request, name: str) -> Reply:
        """A section of the dashboard."""
        control = self.control
        ctx, query = control.context(), request.form()
        said = str(query.get("said", ""))
        text: str | None = None
        match name:
            case "":
                text = dashboard_money.home(ctx, due_view(control.store, control.clock), said)
            case "payments":
                text = dashboard_money.payments(ctx, said)
            case "accounts":
                text = dashboard_money.accounts(ctx, said)
            case "books":
                text = dashboard_money.books(ctx, said)
            case "events":
                text = dashboard_traffic.events(ctx, said)
            case "deliveries":
                text = dashboard_traffic.deliveries(ctx, said)
            case "faults":
                text = dashboard_traffic.faults_page(control.faults, said)
            case "clock":
                kept = control.snapshots
                text = dashboard_traffic.clock_page(ctx, control.clock, kept, said)
            case "log":
                text = dashboard_traffic.log_page(control.log, query, said)
            case _:
                pass
        return _found(text)

    def _act(self, request: Request, path: str) -> Reply:
        """A form of a page: the control request it means, then back to the page."""
        given = {name: value for name, value in request.form().items() if value not in ("", {})}
        back = given.pop("_back", "")
        method = given.pop("_method", "POST")
        if isinstance(given.get("match"), dict):
            given["match"] = {name: value for name, value in given["match"].items() if value}
        asked = Request(
            method=method,
            path=f"/_emulator/{path}",
            query="",
            headers={"content-type": "application/json"},
            body=msgspec.json.encode(given),
        )
        answer = self.control.handle(asked, path)
        error = {} if answer.status == 200 else msgspec.json.decode(answer.body)["error"]
        said = error.get("message") or "Done."
        return _redirect(f"/dashboard/{back}?{urlencode({'said': said})}")


def _script() -> bytes:
    """Stripe's browser script: its files inside one function, so that pages see `Stripe` alone."""
    parts = [(ASSETS / "stripe" / f"{name}.js").read_text() for name in SCRIPT]
    return f'(() => {{\n"use strict";\n{"".join(parts)}}})();\n'.encode()


def _found(text: str | None) -> Reply:
    """A page, or 404."""
    if text is None:
        return json_reply({"error": {"message": "No such page."}}, 404)
    return _page(text)


def _page(text: str) -> Reply:
    return Reply(status=200, body=text.encode(), content_type=HTML, headers=UNCACHED)


def _redirect(url: str) -> Reply:
    """303: look there with GET."""
    return Reply(
        status=303,
        body=b"",
        content_type=HTML,
        headers=((b"location", url.encode("latin-1", "replace")),),
    )
