"""Catches every mail the marketplace sends and keeps it for people to read.

`python -m sandbox.mail` listens on `MAIL_PORT` and stores into the file `MAIL_FILE`.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateways.clock import Clock, clock_from
from sandbox.ports import LOOPBACK

MESSAGE_BYTES_MAX = 10 * 1024 * 1024
LISTED_MAX = 500
SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
  id integer PRIMARY KEY,
  at text NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  text text NOT NULL,
  html text,
  attachments text NOT NULL
)
"""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a mail: its name, media type and length in bytes; text files with their text."""

    filename: str
    content_type: str
    size: int
    text: str | None = None


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail as one recipient got it; `at` is the marketplace's time."""

    id: int
    to: str
    subject: str
    text: str
    html: str | None
    attachments: list[Attachment]
    at: datetime


class MailStore:
    """The caught mails, in one SQLite file that several processes may open."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it when there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = wal")
        self._connection.execute(SCHEMA)
        self._connection.commit()

    def add(self, recipients: list[str], message: EmailMessage, at: datetime) -> None:
        """Keep one message, once for each recipient."""
        text = message.get_body(("plain",))
        html = message.get_body(("html",))
        attachments = [_attachment(part) for part in message.iter_attachments()]
        row = (
            at.isoformat(),
            str(message.get("subject", "")),
            text.get_content() if text else "",
            html.get_content() if html else None,
            msgspec.json.encode(attachments).decode(),
        )
        with self._connection:
            self._connection.executemany(
                "INSERT INTO mails (recipient, at, subject, text, html, attachments)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [(recipient, *row) for recipient in recipients],
            )

    def newest_first(self, to: str | None = None) -> list[Mail]:
        """Return what was caught, at most 500, for one recipient or for all."""
        rows = self._connection.execute(
            "SELECT id, recipient, subject, text, html, attachments, at FROM mails"
            " WHERE ?1 IS NULL OR lower(recipient) = lower(?1) ORDER BY id DESC LIMIT ?2",
            (to, LISTED_MAX),
        )
        return [
            Mail(
                id=row[0],
                to=row[1],
                subject=row[2],
                text=row[3],
                html=row[4],
                attachments=msgspec.json.decode(row[5], type=list[Attachment]),
                at=datetime.fromisoformat(row[6]),
            )
            for row in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Catcher:
    """Takes messages from the SMTP server into the store."""

    def __init__(self, store: MailStore, clock: Clock) -> None:
        """Keep mails in `store`, stamped by `clock`."""
        self._store = store
        self._clock = clock

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Store one message; the sender hears 250 only when it is on disk."""
        del server, session
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = message_from_bytes(raw, EmailMessage, policy=policy.default)
        await asyncio.to_thread(self._store.add, envelope.rcpt_tos, message, self._clock.now())
        return "250 Message kept"


def _attachment(part: EmailMessage) -> Attachment:
    """Describe one attached file."""
    content = part.get_content()
    text = content if isinstance(content, str) else None
    payload = content if isinstance(content, bytes) else str(content).encode()
    return Attachment(
        filename=part.get_filename() or "",
        content_type=part.get_content_type(),
        size=len(payload),
        text=text,
    )


async def serve(port: int, store: MailStore, clock: Clock) -> None:
    """Accept mail on one loopback port until the process is told to stop."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    catcher = Catcher(store, clock)
    server = await loop.create_server(
        lambda: SMTP(
            catcher, data_size_limit=MESSAGE_BYTES_MAX, enable_SMTPUTF8=True, hostname="sandbox"
        ),
        LOOPBACK,
        port,
    )
    async with server:
        await stopped.wait()


def main() -> None:
    """Run the mail catcher from the environment's settings."""
    try:
        port, path = int(os.environ["MAIL_PORT"]), Path(os.environ["MAIL_FILE"])
    except (KeyError, ValueError) as error:
        sys.exit(f"the mail catcher needs MAIL_PORT and MAIL_FILE: {error}")
    asyncio.run(serve(port, MailStore(path), clock_from(os.environ.get("CLOCK_FILE"))))


if __name__ == "__main__":
    main()
