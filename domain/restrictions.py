"""What Stripe lets an instructor's account do: one state for people, from several facts."""

from datetime import datetime
from typing import Literal, Self

import msgspec

from domain.operations import AccountSeen

AccountState = Literal["onboarding", "restricted_soon", "active", "restricted", "rejected"]
"""`restricted_soon`: all is well until a deadline; `rejected`: by Stripe, for good."""

REJECTED = "rejected."
"""How Stripe's reasons begin that nothing an instructor adds will change."""

TOLD: frozenset[AccountState] = frozenset({"restricted_soon", "restricted", "rejected"})
"""States of which an instructor hears by mail, when they become so."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What Stripe last told of an account. `was_active`: it could once receive transfers."""

    has_transfers: bool
    has_payouts: bool
    has_submitted_details: bool
    requirements_due: list[str]
    was_active: bool
    disabled_reason: str | None
    deadline_at: datetime | None
    deauthorized_at: datetime | None

    @property
    def state(self) -> AccountState:
        """Where the account stands; before it was ever active it is still being set up."""
        if self.disabled_reason is not None and self.disabled_reason.startswith(REJECTED):
            return "rejected"
        if self.deauthorized_at is not None:
            return "restricted"
        is_working = self.has_transfers and self.has_payouts and self.disabled_reason is None
        if is_working:
            return "active" if self.deadline_at is None else "restricted_soon"
        is_new = not (self.was_active and self.has_submitted_details)
        return "onboarding" if is_new else "restricted"

    def after(self, seen: AccountSeen) -> Self:
        """What is known once the account has been looked at: it is ours, then."""
        return msgspec.structs.replace(
            self,
            has_transfers=seen.has_transfers,
            has_payouts=seen.has_payouts,
            has_submitted_details=seen.has_submitted_details,
            requirements_due=list(seen.requirements_due),
            was_active=self.was_active or seen.has_transfers,
            disabled_reason=seen.disabled_reason,
            deadline_at=seen.deadline_at,
            deauthorized_at=None,
        )

    def disconnected(self, *, at: datetime) -> Self:
        """What is known once the account has left the platform; once is for good."""
        if self.deauthorized_at is not None:
            return self
        return msgspec.structs.replace(
            self, has_transfers=False, has_payouts=False, was_active=True, deauthorized_at=at
        )


def news(was: AccountState, became: AccountState) -> AccountState | None:
    """What an instructor is told of a change; `None` where there is nothing to do."""
    return became if became != was and became in TOLD else None
