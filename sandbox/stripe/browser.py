"""Pages and scripts for people and browsers: the card form, challenges, onboarding, dashboard."""

from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from sandbox.stripe.control import Control
from sandbox.stripe.dashboard import express_page, home_page
from sandbox.stripe.onboarding import finish, open_link
from sandbox.stripe.protocol import CORS, Reply, Request, json_reply

Doc = dict[str, Any]

ASSETS: Final = Path(__file__).with_name("assets")
TYPES: Final = {
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
}
HTML: Final = TYPES[".html"]
UNCACHED: Final = ((b"cache-control", b"no-cache"),)


class Pages:
    """Everything that is not the API."""

    def __init__(self, control: Control) -> None:
        """Read the assets once."""
        self.control = control
        self.files = {file.name: file.read_bytes() for file in ASSETS.iterdir() if file.is_file()}

    def answer(self, request: Request) -> Reply | None:
        """The page at this address; None when there is none."""
        parts = request.path.strip("/").split("/")
        reply: Reply | None = None
        match (request.method, parts):
            case ("GET", ["health"]):
                reply = json_reply({"ok": True})
            case ("GET", [""]):
                reply = _page(home_page(self.control.store, self.control.clock))
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
        text = express_page(self.control.store, self.control.context(account_id), account_id)
        return (
            json_reply({"error": {"message": "No such account."}}, 404)
            if text is None
            else _page(text)
        )


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
