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
    Invalid,
    OperationPending,
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
    "bookings_note_is_short": Refusal(Invalid, "a note has at most 2000 characters", "/note"),
    "move_proposals_reason_is_short": Refusal(
        Invalid, "a reason has at most 2000 characters", "/reason"
    ),
    "bookings_place_is_short": Refusal(Invalid, "a place has at most 300 characters", "/place"),
    "users_email_is_unique": Refusal(EmailTaken),
    "users_email_is_short": Refusal(Invalid, "an address has at most 254 characters", "/email"),
    "users_display_name_is_short": Refusal(
        Invalid, "a name has 1 to 100 characters", "/display_name"
    ),
    "instructors_home_is_on_earth": Refusal(
        Invalid, "latitude is within ±90°, longitude within ±180°", "/home"
    ),
    "services_skill_is_known": Refusal(Invalid, "there is no such skill", "/skill"),
    "services_rate_is_sensible": Refusal(
        Invalid, "an hour costs at least a cent and at most 100,000 dollars", "/hourly_rate_cents"
    ),
    "services_durations_are_known": Refusal(
        Invalid, "lessons last 30, 45, 60, 90 or 120 minutes", "/durations_minutes"
    ),
    "services_modalities_are_known": Refusal(
        Invalid, "at least one of online and in_person", "/modalities"
    ),
    "instructors_modalities_are_known": Refusal(
        Invalid, "at least one of online and in_person", "/modalities"
    ),
    "calendars_grid_is_known": Refusal(
        Invalid, "lessons start every 5, 10, 15, 20, 30 or 60 minutes", "/policy/grid_minutes"
    ),
    "calendars_buffers_are_sensible": Refusal(
        Invalid, "a buffer is 0 to 120 minutes, in steps of 5", "/policy"
    ),
    "calendars_notice_is_sensible": Refusal(
        Invalid, "notice is at most three days", "/policy/minimum_notice_minutes"
    ),
    "calendars_horizon_is_sensible": Refusal(
        Invalid, "the horizon is 1 to 180 days", "/policy/horizon_days"
    ),
    "calendars_notice_is_before_horizon": Refusal(
        Invalid, "notice must be shorter than the horizon", "/policy/minimum_notice_minutes"
    ),
    "availability_rules_weekday_is_known": Refusal(
        Invalid, "a weekday is 0 (Monday) to 6", "/weekly"
    ),
    "availability_rules_times_are_local": Refusal(
        Invalid, "a window opens before 24:00 and closes by 24:00", "/weekly"
    ),
    "idempotency_keys_key_is_short": Refusal(Invalid, "an Idempotency-Key has 1 to 255 characters"),
    "stripe_operations_one_open": Refusal(OperationPending),
}
"""What people can run into: a race lost, or a limit that the door let through."""

_REASONS: dict[str, tuple[str, ...]] = {
    "the value comes from a closed set of ours, never from a request": (
        "users_roles_are_known",
        "sessions_kind_is_known",
        "calendars_approval_is_known",
        "bookings_status_is_known",
        "bookings_outcome_is_known",
        "bookings_modality_is_known",
        "booking_events_actor_is_known",
        "timings_kind_is_known",
        "timings_state_is_known",
        "payments_status_is_known",
        "stripe_operations_state_is_known",
        "stripe_events_state_is_known",
        "credit_lots_source_is_known",
        "ledger_lines_account_is_known",
        "refunds_cause_is_known",
        "refunds_state_is_known",
        "payouts_state_is_known",
        "disputes_status_is_known",
        "disputes_recovery_is_known",
        "credit_uses_state_is_known",
        "move_proposals_proposer_is_known",
        "move_proposals_state_is_known",
        "no_show_reports_absent_is_known",
        "no_show_reports_state_is_known",
        "strikes_kind_is_known",
        "flags_kind_is_known",
        "balance_transactions_account_is_stripes",
        "reconciliation_incidents_check_is_known",
        "reconciliation_proof_is_one",
    ),
    "computed never less than zero": ("floats_are_not_negative",),
    "one statement writes both columns": (
        "sessions_end_has_a_reason",
        "instructors_deauthorized_receive_nothing",
        "instructors_home_is_whole",
        "idempotency_keys_answer_is_whole",
        "availability_exceptions_windows_are_pairs",
        "bookings_end_after_start",
        "bookings_pending_has_an_end",
        "bookings_final_has_an_end",
        "bookings_cancelled_is_told",
        "timings_final_has_an_end",
        "authorizations_end_has_a_reason",
        "stripe_operations_final_has_an_end",
        "stripe_events_final_has_an_end",
        "refunds_final_has_an_end",
        "credit_uses_final_has_an_end",
        "move_proposals_final_has_an_end",
        "no_show_reports_final_has_an_end",
    ),
    "one formula computes all the amounts": (
        "bookings_price_is_split",
        "credit_lots_remain_within_grant",
        "credit_lots_expired_are_empty",
        "credit_lots_voided_stay_frozen",
        "credit_lots_grant_something",
        "credit_uses_take_something",
        "ledger_lines_move_something",
        "ledger_entries_sum_to_zero",
        "ledger_balances_owe_nothing_negative",
        "refunds_give_something",
        "payouts_take_something",
        "payments_withhold_no_less_than_nothing",
    ),
    "Stripe gives each object an id of its own": (
        "users_stripe_customer_is_unique",
        "instructors_stripe_account_is_unique",
        "payments_setup_intent_is_unique",
        "payments_payment_intent_is_unique",
        "ledger_lines_one_per_balance_transaction",
        "refunds_are_known_once",
        "payouts_are_known_once",
    ),
    "a key of ours makes the repetition visible before the insert": (
        "stripe_operations_key_is_unique",
        "ledger_entries_are_posted_once",
        "credit_lots_one_per_booking",
        "timings_one_live",
        "flags_one_a_booking",
        "move_proposals_one_open",
        "refunds_one_planned",
        "payouts_one_requested",
        "reconciliation_incidents_one_open",
    ),
}
INTERNAL: dict[str, str] = {name: reason for reason, names in _REASONS.items() for name in names}
"""What only a bug of ours can run into: name → why."""

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

TOO_LONG = (asyncpg.QueryCanceledError,)
"""What a statement fails with that ran into `statement_timeout`."""

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
