"""Who can sign in to a sandbox, kept in DATA_DIR/logins.json."""

from pathlib import Path

import msgspec

FILE = "logins.json"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can sign in."""

    email: str
    password: str
    id: str
    name: str


class Logins(msgspec.Struct, frozen=True, kw_only=True):
    """The people of a sandbox; without a demo, the admin alone."""

    admin: Login | None = None
    instructors: list[Login] = []
    students: list[Login] = []

    @property
    def has_demo(self) -> bool:
        """Tell whether the demo has been played."""
        return bool(self.instructors)


def logins_in(directory: Path) -> Logins:
    """Return what was written there; nobody when nothing was."""
    path = directory / FILE
    return msgspec.json.decode(path.read_bytes(), type=Logins) if path.exists() else Logins()


def write_logins(directory: Path, logins: Logins) -> None:
    """Replace what is written there, whole or not at all."""
    partial = directory / f"{FILE}.new"
    partial.write_bytes(msgspec.json.encode(logins))
    partial.replace(directory / FILE)
