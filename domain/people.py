"""People: who has an account, which roles they have, and who is asking."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import LearnerId, UserId

Role = Literal["student", "instructor", "admin"]
SessionKind = Literal["token", "cookie"]
EndReason = Literal["logout", "reuse", "expired", "password_changed", "signed_out"]


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever makes this request, signed in."""

    user_id: UserId
    roles: frozenset[Role]
    session_id: UUID
    request_id: str

    @property
    def is_admin(self) -> bool:
        """Whether the viewer operates the marketplace."""
        return "admin" in self.roles


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its owner sees it."""

    id: UserId
    email: str
    display_name: str
    roles: list[Role]
    time_zone: str
    email_verified: bool


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is taught: the student, or a child the student books for."""

    id: LearnerId
    display_name: str
    created_at: datetime
