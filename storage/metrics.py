"""Numbers that are true for the whole marketplace, whichever process is asked."""

from datetime import datetime

import msgspec

from storage.query import Tx, query


class MoneyNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The state of all money.

    `auth_failure_ratio`: refused ÷ tried since an instant, 0 … 1, of `auth_tries`.
    `top_ups_waiting_seconds`: since the first refusal of the one that waits longest.
    `recon_finished_seconds`: since the last finished run; `recon_unseen`: accounts it could not
    read. `platform_payouts_failed`: since an instant, of the platform's own.
    """

    operations_planned: int
    operations_sent: int
    operations_unknown: int
    operations_parked: int
    unknown_seconds: float
    events_waiting: int
    credit_liability_cents: int
    negative_instructors: int
    ledger_imbalance_cents: int
    incidents_open: int
    platform_available_cents: int | None
    auth_failure_ratio: float
    auth_tries: int
    top_ups_waiting_seconds: float
    refunds_failed: int
    recon_finished_seconds: float | None
    recon_unseen: int | None
    platform_payouts_failed: int


class AccountDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What open incidents of one kind of account come to."""

    account: str
    difference_cents: int


@query
async def money_numbers(
    tx: Tx, *, now: datetime, tried_since: datetime, failed_since: datetime
) -> MoneyNumbers: ...


@query
async def differences_by_account(tx: Tx) -> list[AccountDifference]: ...
