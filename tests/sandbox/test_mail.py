"""The mail catcher: what is sent is kept, and readable by recipient."""

import os
import sys
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from sandbox.mail import MailStore
from sandbox.mailbox import MailCatcher
from sandbox.ports import free_port


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the catcher's file."""
    return tmp_path / "mail.sqlite3"


async def test_a_sent_mail_is_kept_for_each_recipient_newest_first(
    tmp_path: Path, file: Path, clock_file: Path
) -> None:
    catcher = MailCatcher(tmp_path, free_port(), file, {"CLOCK_FILE": str(clock_file)})
    await catcher.child.start()
    try:
        for number in (1, 2):
            message = EmailMessage()
            message["From"] = "lessons@example.com"
            message["To"] = "anna@example.com, bob@example.com"
            message["Subject"] = f"Lesson {number} – bestätigt"
            message.set_content("See you on Monday.")
            message.add_alternative("<p>See you on <b>Monday</b>.</p>", subtype="html")
            message.add_attachment("BEGIN:VCALENDAR", subtype="calendar", filename="lesson.ics")
            await aiosmtplib.send(message, hostname="127.0.0.1", port=catcher.port)
    finally:
        await catcher.child.stop()
    store = MailStore(file)
    mails = store.newest_first("ANNA@example.com")
    assert [mail.subject for mail in mails] == ["Lesson 2 – bestätigt", "Lesson 1 – bestätigt"]
    assert mails[0].to == "anna@example.com"
    assert mails[0].text.strip() == "See you on Monday."
    assert "<b>Monday</b>" in (mails[0].html or "")
    assert [each.filename for each in mails[0].attachments] == ["lesson.ics"]
    assert mails[0].at.tzinfo is not None
    assert len(store.newest_first()) == 4
    assert store.newest_first("nobody@example.com") == []
    store.close()


async def test_a_catcher_without_settings_says_what_it_needs(tmp_path: Path) -> None:
    catcher = MailCatcher(tmp_path, free_port(), tmp_path / "mail", {})
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAIL_")}
    catcher.child.program = [
        "/usr/bin/env",
        "-u",
        "MAIL_PORT",
        sys.executable,
        "-m",
        "sandbox.mail",
    ]
    catcher.child.environment = environment
    catcher.child.ready = None
    await catcher.child.start()
    await catcher.child.wait(20)
    assert catcher.child.end() == "exit code 1"
    assert "MAIL_PORT" in catcher.child.last_words()
    await catcher.child.stop()
