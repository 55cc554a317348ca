"""The Stripe emulator as a process of a sandbox."""

import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.ports import LOOPBACK, answers
from sandbox.processes import Child

SECRET_KEY = "sk_test_emulator"  # noqa: S105 - a test key, the same for everybody
PUBLISHABLE_KEY = "pk_test_emulator"


class Emulator:
    """One emulator with its state in `directory`/stripe, on one loopback port."""

    secret_key = SECRET_KEY
    publishable_key = PUBLISHABLE_KEY

    def __init__(
        self,
        directory: Path,
        port: int,
        clock_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the emulator; it lives by the clock in `clock_file`."""
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        data = directory / "stripe"
        self.data = data
        self.child = Child(
            name="stripe",
            program=[sys.executable, "-m", "sandbox.stripe"],
            directory=directory,
            environment={
                **(environment or {}),
                "EMULATOR_PORT": str(port),
                "EMULATOR_DATA": str(data),
                "CLOCK_FILE": str(clock_file),
            },
            before=self.prepare,
            ready=self._answers,
        )

    def settings(self) -> dict[str, str]:
        """Return the settings that point the marketplace here."""
        return {
            "STRIPE_API_BASE": self.url,
            "STRIPE_JS_URL": f"{self.url}/js/stripe.js",
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_PUBLISHABLE_KEY": self.publishable_key,
        }

    def prepare(self) -> None:
        """Make the folder of the emulator's state."""
        self.data.mkdir(parents=True, exist_ok=True)

    async def start(self) -> None:
        """Start the emulator and wait until it accepts requests."""
        await self.child.start()

    async def stop(self) -> None:
        """Stop the emulator; its state is on disk."""
        await self.child.stop()

    async def _answers(self) -> None:
        """Return when the emulator accepts requests."""
        await answers(LOOPBACK, self.port)
