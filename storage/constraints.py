"""Constraint name → domain error, in one table; and what else of Postgres' errors is expected.

`Database.transaction()` translates whatever leaves it, so actors meet `SlotTaken`, never SQLSTATEs.
A constraint that a user's request can reach stands in `REFUSALS`; the others stand in `INTERNAL`
with the reason why only a bug of ours could reach them. `tests/architecture` keeps both complete.
"""

from collections.abc import Generator
from contextlib import contextmanager

import asyncpg
import msgspec

from domain.errors import (
    DomainError,
    EmailTaken,
    SlotTaken,
    StudentBusy,
    Unavailable,
)


class Refusal(msgspec.Struct, frozen=True):
    """What a violated constraint means for the person who asked."""

    error: type[DomainError]
    detail: str = ""
    pointer: str | None = None

    def make(self) -> DomainError:
        """A fresh error to raise."""
        return self.error(self.detail, pointer=self.pointer)


REFUSALS: dict[str, Refusal] = {
    "bookings_no_overlap": Refusal(SlotTaken),
    "bookings_learner_no_overlap": Refusal(StudentBusy),
    "users_email_is_unique": Refusal(EmailTaken),
}

INTERNAL: dict[str, str] = {}
"""Cannot be reached by a user: name → why."""

BUSY: tuple[type[asyncpg.PostgresError], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement_timeout
    asyncpg.InsufficientResourcesError,  # connections, memory, disk
    asyncpg.LockNotAvailableError,  # lock_timeout
    asyncpg.TransactionRollbackError,  # deadlock, serialisation
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidCachedStatementError,  # a migration ran; asyncpg has dropped its cache by now
)
"""The database could not do it now; nothing was written and trying again is right."""

STORAGE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # raised when the server's farewell crosses a request
    OSError,
)


def translate(error: BaseException) -> DomainError | None:
    """The domain error that a storage error means; `None` when it is a bug or not of storage."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        name: object = getattr(error, "constraint_name", None)
        refusal = REFUSALS.get(str(name))
        return refusal.make() if refusal else None
    if isinstance(error, (*BUSY, OSError)):
        return Unavailable("the database does not answer at the moment", retry_after=1)
    if isinstance(error, asyncpg.InternalClientError) or _is_lost(error):
        return Unavailable("the connection to the database was lost", retry_after=1)
    return None


def _is_lost(error: BaseException) -> bool:
    """asyncpg has no class of its own for a call on a connection that died while it was idle."""
    said = str(error)
    return isinstance(error, asyncpg.InterfaceError) and (
        "connection is closed" in said or "released back to the pool" in said
    )


@contextmanager
def translated() -> Generator[None]:
    """Raises domain errors in the place of storage errors that have one."""
    try:
        yield
    except STORAGE_ERRORS as error:
        meant = translate(error)
        if meant is None:
            raise
        raise meant from error
