"""Sends one mail at a time over SMTP."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from domain.errors import Unavailable

TIMEOUT_SECONDS = 15.0
LINE_MAX = 400
"""Of the 998 that SMTP allows: a subject is not folded in front of its first word."""
LINES = SMTP.clone(max_line_length=LINE_MAX, cte_type="7bit")
SENDER_ADDRESS = "lessons@instainstru.example"
SENDER = f"InstaInstru <{SENDER_ADDRESS}>"
DOMAIN = "instainstru.example"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """What one person gets. `key` makes the Message-ID, so a repetition can be recognised."""

    to: str
    subject: str
    text: str
    html: str
    key: str
    at: datetime


class MailAway(Unavailable):
    """The mail server does not take mails now; nothing else waits for it."""

    code = Unavailable.code


class Undeliverable(Exception):
    """The mail server refuses this mail for good."""


class MailGateway:
    """The way out for mail."""

    def __init__(self, smtp_url: str) -> None:
        """`smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the first byte."""
        parts = urlsplit(smtp_url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (465 if self._is_tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None

    async def send(self, mail: Mail) -> None:
        """Hands a mail over; `Unavailable` when the server does not take it now.

        Raises `Undeliverable` when it never will.
        """
        try:
            await aiosmtplib.send(
                _message(mail).as_bytes(),
                sender=SENDER_ADDRESS,
                recipients=[mail.to],
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._is_tls,
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            if _is_final(error):
                raise Undeliverable(str(error)) from error
            raise MailAway(f"the mail server does not take mail: {error}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailAway(f"the mail server does not take mail: {error}") from error


def _is_final(error: aiosmtplib.SMTPException) -> bool:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code >= 500 for each in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 500


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=LINES)
    message["From"] = SENDER
    message["To"] = mail.to
    # names and titles come from people: a line break would end the header
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{mail.key}@{DOMAIN}>"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
