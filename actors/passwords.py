"""Passwords: argon2id in threads, few at a time, and a list of those everybody tries first."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Invalid, TooBusy

R = TypeVar("R")

LENGTH_MIN = 12
LENGTH_MAX = 256
MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1
"""The first choice of OWASP's password storage cheat sheet for argon2id."""
THREADS = 2
WAITING_MAX = 256

COMMON = frozenset(
    line.strip()
    for line in Path(__file__)
    .with_name("common_passwords.txt")
    .read_text(encoding="utf-8")
    .splitlines()
    if line.strip() and not line.startswith("#")
)


class Passwords:
    """Hashes and checks; refuses with `TooBusy` when too many wait."""

    def __init__(self) -> None:
        """Makes the threads; `close` ends them."""
        self._hasher = PasswordHasher(
            time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._run(self._hasher.hash, password)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is no account (`None`)."""
        fits = await self._run(self._fits, password_hash or self._nobody, password)
        return fits and password_hash is not None

    def is_old(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., R], *args: str) -> R:
        if self._waiting >= WAITING_MAX:
            raise TooBusy("too many people are signing in at once", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def check_new_password(password: str, *, email: str) -> None:
    """Raises `Invalid` for a password that is too short, too long or too easy to guess.

    No rules about kinds of characters (NIST SP 800-63B §3.1.1); length and a list do more.
    """
    if len(password) < LENGTH_MIN:
        raise Invalid(f"a password has at least {LENGTH_MIN} characters", pointer="/password")
    if len(password) > LENGTH_MAX:
        raise Invalid(f"a password has at most {LENGTH_MAX} characters", pointer="/password")
    if is_easy(password, email=email):
        raise Invalid("this password is among the first anybody would try", pointer="/password")


def is_easy(password: str, *, email: str) -> bool:
    """Whether it is on the list, also with digits or marks around it, or is made of the e-mail."""
    lower = password.casefold()
    core = lower.strip("0123456789!?.,;:#*+-_@$%& ")
    is_repeated = any(len(lower.replace(lower[:size], "")) == 0 for size in (1, 2, 3, 4))
    joined = "".join(character for character in lower if character.isalnum())
    is_own = core in {email.casefold(), email.casefold().partition("@")[0]}
    return is_repeated or is_own or not COMMON.isdisjoint({lower, core, joined})
