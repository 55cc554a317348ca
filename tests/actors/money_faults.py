"""What goes wrong around a market: the servers beside it that refuse."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

from aiosmtpd.smtp import SMTP, Envelope, Session

from actors.wiring import Money
from tests.actors.money_process import Died


class Receiver:
    """A small HTTP server that hands webhooks to the inbox, as the web process does."""

    def __init__(self) -> None:
        """Counts what it got; `is_closed` refuses everything."""
        self.bodies: list[tuple[bytes, str]] = []
        self.is_closed = False
        self.money: Money | None = None
        self.url = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request."""
        try:
            status = await self._answer(reader)
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(
            line.lower().split(": ", 1) if i else ("", line)
            for i, line in enumerate(head.strip().split("\r\n"))
        )
        lines = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        signature = next(v for k, v in lines.items() if k.lower() == "stripe-signature")
        body = await reader.readexactly(int(fields["content-length"]))
        if self.is_closed or self.money is None:
            return "503 Later"
        self.bodies.append((body, signature))
        try:
            await self.money.stripe_events.receive(body, signature)
        except Died:
            return "503 Later"
        return "200 OK"


class Mails:
    """An SMTP server that keeps what it is given; `is_closed` takes nothing."""

    def __init__(self) -> None:
        """Empty."""
        self.messages: list[EmailMessage] = []
        self.is_closed = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Takes one message."""
        del server, session
        if self.is_closed:
            return "451 Later"
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        self.messages.append(message)
        return "250 OK"

    def to(self, user_id: UUID) -> list[str]:
        """The subjects of a person's mails."""
        return [str(m["subject"]) for m in self.messages if str(user_id) in str(m["to"])]
