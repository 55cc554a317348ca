"""What the marketplace stands on: database, bus, Stripe and mail, embedded unless named outside."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

from sandbox.emulator import Emulator
from sandbox.mailbox import MailCatcher
from sandbox.memory import keep, remember
from sandbox.nats import Nats
from sandbox.outside import Outside, RefusalError
from sandbox.postgres import Postgres
from sandbox.processes import Child
from sandbox.supervision import Supervisor
from sandbox.webhooks import register_endpoints

MAIL_FILE = "mail.sqlite3"
RELEASE_SECONDS = 600.0


class Foundation:
    """Starts the services of one world side by side and writes their addresses down."""

    def __init__(
        self, directory: Path, outside: Outside, environment: dict[str, str], supervisor: Supervisor
    ) -> None:
        """Describe it; `environment` is completed by `start` with the services' settings."""
        self._directory = directory
        self._outside = outside
        self._environment = environment
        self._supervisor = supervisor
        self._memory = remember(directory)

    async def start(self, release: Child) -> None:
        """Start all services; run `release` once as soon as the database is there."""
        self._choose_ports()
        await together(
            [
                self._start_database(release),
                self._start_nats(),
                self._start_mail(),
                self._start_stripe(),
            ]
        )
        keep(self._directory, self._memory)

    def _choose_ports(self) -> None:
        """Choose every server's port and write it down before a server starts.

        While processes are started a new one may hold, for a moment, a port that was just tried.
        """
        outside = self._outside
        needed = {
            "postgres": outside.database_url is None,
            "nats": outside.nats_url is None,
            "mail": outside.smtp_url is None,
            "stripe": not outside.has_stripe,
        }
        for name in (name for name, is_needed in needed.items() if is_needed):
            self._memory.port(name)
        keep(self._directory, self._memory)

    def _port(self, name: str) -> int:
        return self._memory.ports[name]

    async def _start_database(self, release: Child) -> None:
        """Start or use the database and bring its schema up to date."""
        if self._outside.database_url is None:
            postgres = Postgres(
                self._directory, self._port("postgres"), self._memory.postgres_password
            )
            self._environment["DATABASE_URL"] = postgres.url()
            await self._supervisor.start(postgres.child)
            await postgres.ensure_database()
        await run_once(release, RELEASE_SECONDS)

    async def _start_nats(self) -> None:
        """Start or use NATS."""
        if self._outside.nats_url is None:
            nats = Nats(self._directory, self._port("nats"), self._memory.nats_password)
            self._environment["NATS_URL"] = nats.url
            await self._supervisor.start(nats.child)

    async def _start_mail(self) -> None:
        """Start or use a mail server."""
        if self._outside.smtp_url is None:
            file = self._directory / MAIL_FILE
            mail = MailCatcher(self._directory, self._port("mail"), file, self._environment)
            self._environment["SMTP_URL"] = mail.url
            await self._supervisor.start(mail.child)

    async def _start_stripe(self) -> None:
        """Start the emulator and register the marketplace with it, or use a real Stripe."""
        if self._outside.has_stripe:
            self._environment |= self._outside.stripe_environment()
            return
        clock_file = Path(self._environment["CLOCK_FILE"])
        port = self._port("stripe")
        emulator = Emulator(self._directory, port, clock_file, self._environment)
        self._environment |= emulator.settings()
        await self._supervisor.start(emulator.child)
        await register_endpoints(emulator.url, self._environment["PUBLIC_URL"], self._memory)
        secrets = [endpoint.secret for endpoint in self._memory.endpoints.values()]
        self._environment["STRIPE_WEBHOOK_SECRETS"] = ",".join(secrets)


async def run_once(child: Child, seconds: float) -> None:
    """Run a process to its end; raises `RefusalError` with its last words when it fails."""
    child.spawn()
    try:
        if not await child.wait(seconds):
            raise RefusalError(f"{child.name} did not end within {seconds:.0f} s.")
        if child.end() != "exit code 0":
            raise RefusalError(child.last_words() or f"{child.name} failed.")
    finally:
        await child.kill()


async def together(starts: list[Coroutine[None, None, None]]) -> None:
    """Run starts side by side; wait for all of them even when one fails, then raise its error."""
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
