"""Opens a new sandbox for people: makes the admin and plays the demo, once.

`python -m sandbox.opening` with the world's environment; without a demo when `DEMO` is off.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import msgspec

from gateways.clock import SystemClock
from gateways.settings import Settings, SettingsInvalidError, settings_from
from sandbox import demo
from sandbox.client import PASSWORD, Market, Refused
from sandbox.logins import Login, Logins, logins_in, write_logins

ADMIN_EMAIL = "admin@example.com"
CLOSE = timedelta(seconds=1)
STEPS_MAX = 10


async def open_for_people(settings: Settings) -> None:
    """Do what is still missing; safe to repeat."""
    directory = Path(settings.data_dir)
    logins = logins_in(directory)
    if logins.admin is None:
        logins = Logins(admin=await _make_admin(settings))
        write_logins(directory, logins)
    if settings.demo and not logins.has_demo:
        played = await demo.load(settings.public_url, until=SystemClock().wall_now())
        people = msgspec.convert(
            {"instructors": played.instructors, "students": played.students}, Logins
        )
        logins = msgspec.structs.replace(people, admin=logins.admin)
        write_logins(directory, logins)
        await _catch_up(settings)


async def _catch_up(settings: Settings) -> None:
    """Travel over the time that the playing itself took, until it is now to within a second."""
    async with Market(settings.public_url, is_patient=True) as market:
        for _ in range(STEPS_MAX):
            real = SystemClock().wall_now()
            if real - await market.now() < CLOSE:
                return
            await market.travel(real, is_frozen=False)


async def _make_admin(settings: Settings) -> Login:
    """Register the admin like anybody else, then give the role that nobody can take."""
    async with Market(settings.public_url, is_patient=True) as market:
        person = await market.register(ADMIN_EMAIL, "Admin", "student", "UTC")
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("UPDATE users SET roles = '{admin}' WHERE email = $1", ADMIN_EMAIL)
    finally:
        await connection.close()
    return Login(email=ADMIN_EMAIL, password=PASSWORD, id=person.id, name="Admin")


def main() -> int:
    """Open the sandbox that the environment describes; 1 with one sentence when it cannot."""
    try:
        asyncio.run(open_for_people(settings_from(os.environ)))
    except (SettingsInvalidError, Refused, httpx.HTTPError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
