"""The mail catcher as a process of a sandbox."""

import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.ports import LOOPBACK, answers
from sandbox.processes import Child


class MailCatcher:
    """One catcher that keeps mails in `file`, on one loopback port."""

    def __init__(
        self, directory: Path, port: int, file: Path, environment: Mapping[str, str]
    ) -> None:
        """Describe the catcher."""
        self.port = port
        self.url = f"smtp://{LOOPBACK}:{port}"
        self.child = Child(
            name="mail",
            program=[sys.executable, "-m", "sandbox.mail"],
            directory=directory,
            environment={**environment, "MAIL_PORT": str(port), "MAIL_FILE": str(file)},
            ready=self._answers,
        )

    async def _answers(self) -> None:
        """Return when the catcher accepts mail."""
        await answers(LOOPBACK, self.port)
