"""One emulator process a test module, its own clock, and the real SDK speaking to it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import httpx
import pytest
import pytest_asyncio
import stripe
from playwright.async_api import Browser, Page, async_playwright

from sandbox.ports import free_port

JSON = dict[str, Any]

ROOT = Path(__file__).parents[3]
START = "2027-03-01T12:00:00Z"
POLLS_MAX = 200
IMPATIENT = "/?impatient"
"""The shop's address where the script waits less than a second for its form."""
SHOP = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body><h1>Pay</h1><div id="card"></div>
<script src="{stripe}/js/stripe.js"{more}></script>
</body></html>"""


class Process:
    """One emulator as its users see it."""

    secret_key = "sk_test_emulator"
    publishable_key = "pk_test_emulator"

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child: subprocess.Popen[bytes] | None = None
        self.opened: list[stripe.HTTPXClient] = []
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def start(self) -> None:
        """Start and wait until it answers."""
        environment = {
            **{k: v for k, v in os.environ.items() if k != "CLOCK_FILE"},
            "EMULATOR_PORT": str(self.port),
            "EMULATOR_DATA": str(self.data),
            "EMULATOR_SEED": "tests",
        }
        self.child = subprocess.Popen(
            [sys.executable, "-m", "sandbox.stripe"], cwd=ROOT, env=environment
        )
        for _ in range(POLLS_MAX):
            try:
                self.http.get("/health")
            except httpx.TransportError:
                if self.child.poll() is not None:
                    break
                self.wait()
            else:
                return
        pytest.fail("the emulator did not start")

    def wait(self) -> None:
        """Between two polls."""
        if self.child is not None:
            try:
                self.child.wait(0.05)
            except subprocess.TimeoutExpired:
                return

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def stop_process(self) -> None:
        """End the process the polite way; its state stays."""
        if self.child is not None:
            self.child.terminate()
            self.child.wait(10)

    def stop(self) -> None:
        """End it, and what spoke to it."""
        self.stop_process()
        self.http.close()
        self.close_clients()

    def close_clients(self) -> None:
        """Close the connections of the SDK."""
        while self.opened:
            self.opened.pop().close()

    def control(self, path: str, body: JSON | None = None) -> JSON:
        """POST to a control address."""
        answer = self.http.post(f"/_emulator/{path}", json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, what: str, **params: str | int) -> JSON:
        """GET from a control address."""
        return self.http.get(f"/_emulator/{what}", params=params).json()

    def form(
        self,
        path: str,
        data: JSON | None = None,
        *,
        key: str = secret_key,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """POST a form as the platform, without the SDK."""
        authorization = {"Authorization": f"Bearer {key}"}
        return self.http.post(path, data=data, headers={**authorization, **(headers or {})})

    def advance(self, seconds: float) -> JSON:
        """Let time pass."""
        return self.control("clock", {"advance": seconds, "frozen": True})

    def sdk(self, **options: object) -> stripe.StripeClient:
        """The real SDK, pointed here."""
        http = stripe.HTTPXClient(timeout=10, allow_sync_methods=True)
        self.opened.append(http)
        return stripe.StripeClient(
            self.secret_key,
            base_addresses={"api": self.url, "files": self.url, "connect": self.url},
            http_client=http,
            **options,
        )


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Return one emulator for a module's tests."""
    process = Process(tmp_path_factory.mktemp("emulator") / "with spaces")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def emulator(process: Process) -> Iterator[Process]:
    """Return the emulator, empty, at the same frozen instant for every test."""
    process.control("reset", {"keep_endpoints": False})
    process.control("clock", {"set": START, "frozen": True})
    yield process
    process.close_clients()


@pytest.fixture
def api(emulator: Process) -> stripe.StripeClient:
    """Return the SDK on an empty emulator."""
    stripe.enable_telemetry = False
    return emulator.sdk()


@pytest.fixture
def customer(api: stripe.StripeClient) -> str:
    """Return a student's customer."""
    return api.v1.customers.create({"email": "student@example.com", "name": "Sam"}).id


@pytest.fixture
def instructor(api: stripe.StripeClient, emulator: Process) -> str:
    """Return an instructor's account that completed onboarding."""
    return onboarded(api, emulator)


def onboarded(api: stripe.StripeClient, emulator: Process) -> str:
    """Create an account and fill in its hosted page."""
    account = api.v1.accounts.create(
        {
            "country": "US",
            "email": "teacher@example.com",
            "controller": {
                "stripe_dashboard": {"type": "express"},
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
            },
            "capabilities": {"transfers": {"requested": True}},
            "business_type": "individual",
        }
    )
    link = api.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "http://shop.test/back",
            "refresh_url": "http://shop.test/again",
        }
    )
    assert emulator.http.post(link.url).status_code == 303
    return account.id


class Receiver:
    """A webhook endpoint that keeps what it got; `answers` are its next statuses."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # its sender died in the middle
                    return
                receiver.got.append((self.headers["stripe-signature"], body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def types(self) -> list[str]:
        """The types of the events, in the order they came."""
        return [json.loads(body)["type"] for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return an endpoint of our own."""
    receiver = Receiver()
    yield receiver
    receiver.close()


async def settled(emulator: Process) -> None:
    """Return when no delivery is due any more."""
    for _ in range(POLLS_MAX):
        if emulator.look("due")["deliveries_due"] == 0:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"deliveries still due: {emulator.look('due')}")


class Launch(Protocol):
    """How Chromium is started here."""

    executable: str
    flags: list[str]


@pytest.fixture
def shop(emulator: Process) -> Iterator[str]:
    """Return the address of a page that lists the emulator in its CSP, and nothing else."""
    origin = emulator.url
    policy = (
        f"default-src 'none'; script-src 'self' {origin}; connect-src 'self' {origin};"
        f" frame-src {origin}; style-src 'self'; form-action 'self'; base-uri 'none'"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            more = ' data-load-ms="300"' if self.path == IMPATIENT else ""
            body = SHOP.replace("{stripe}", origin).replace("{more}", more).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-security-policy", policy)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest_asyncio.fixture(scope="module")
async def browser(chromium: Launch) -> AsyncIterator[Browser]:
    """Return one Chromium for all of these tests."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable, args=chromium.flags
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def bare_page(browser: Browser, shop: str) -> AsyncIterator[Page]:
    """Return the shop's page on a phone; it must log no error."""
    complaints: list[str] = []
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else 0)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(shop)
    yield page
    await context.close()
    # Chromium reports every answer that is no success; CSP and script errors must not be
    usual = ("Failed to load resource", "blocked by CORS policy: No 'Access-Control-Allow-Origin'")
    assert [text for text in complaints if not any(each in text for each in usual)] == []
