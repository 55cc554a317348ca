"""Windows of Chromium before a running marketplace."""

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from sandbox.client import PASSWORD, Person

ZONE = "America/New_York"
WAIT_MS = 10_000
"""How long anything that a person waits for may take on a busy machine."""
expect.set_options(timeout=WAIT_MS)


class Screen:
    """A page with its console: whatever Chromium complains of is kept in `complaints`."""

    def __init__(self, page: Page, url: str) -> None:
        """Made by `Visitors.open`."""
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, said: ConsoleMessage) -> None:
        """Keep a complaint about our own pages; those of Stripe's are not ours."""
        where = str(said.location.get("url", ""))
        is_ours = where == "" or where.startswith((self.url, self.url.replace("http", "ws", 1)))
        if said.type in ("error", "warning") and is_ours:
            self.complaints.append(f"{said.text} ({where})")

    async def go(self, path: str) -> None:
        """Open a path and wait until every behaviour is mounted."""
        await self.page.goto(f"{self.url}{path}")
        await self.is_alive()

    async def is_alive(self) -> None:
        """Wait until every module that the page names is mounted."""
        asleep = self.page.locator("[data-module]:not([data-mounted])")
        await expect(asleep).to_have_count(0)

    async def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        return await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")


class Visitors:
    """Opens windows of several sizes, signed in or not."""

    def __init__(self, browser: Browser, url: str) -> None:
        """Made by the fixture of the same name."""
        self.browser = browser
        self.url = url
        self.contexts: list[BrowserContext] = []

    async def open(
        self, person: Person | None = None, *, width: int = 1440, is_dark: bool = False
    ) -> Screen:
        """A window of its own, with its own cookies."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if is_dark else "light",
            has_touch=width < 600,
            timezone_id=ZONE,
            locale="en-US",
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        if person is not None:
            answer = await context.request.post(
                f"{self.url}/api/auth/login",
                data={"email": person.email, "password": PASSWORD, "session": "cookie"},
            )
            assert answer.ok, await answer.text()
        return Screen(await context.new_page(), self.url)
