"""The whole state as a file: kept under a name, and brought back."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.store import Store

Doc = dict[str, Any]

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Snapshots:
    """Files beside the state's own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.path.parent / "snapshots"

    def _file(self, name: object) -> Path:
        """Where a snapshot lies."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise invalid("A snapshot's name is 1 to 64 letters, digits, - and _.", param="name")
        return self.folder / f"{name}.sqlite"

    def names(self) -> list[str]:
        """Every snapshot."""
        return sorted(file.stem for file in self.folder.glob("*.sqlite"))

    def take(self, name: object) -> Doc:
        """Keep the state as it is now; an earlier one of this name is replaced."""
        file = self._file(name)
        self.folder.mkdir(exist_ok=True)
        file.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as copy:
            self.store.db.backup(copy)
        return {"name": file.stem, "bytes": file.stat().st_size}

    def bring_back(self, name: object) -> Doc:
        """Replace the state, its clock and its log included."""
        file = self._file(name)
        if not file.exists():
            raise StripeError(404, f"No such snapshot: '{file.stem}'", param="name")
        with closing(sqlite3.connect(file)) as copy:
            copy.backup(self.store.db)
        self.store.reopened()
        return {"name": file.stem, "bytes": file.stat().st_size}
