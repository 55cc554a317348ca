"""Does the model notice? Mistakes are built into a copy of the product, and lives lived there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("actors", "domain", "gateways", "sandbox", "sql", "storage", "tests")
SEED = os.environ.get("SEED", "1")
RUNS, STEPS = "25", "25"
MISTAKES = {
    "another fee": ("domain/settings.py", "fee_bps: int = 1500", "fee_bps: int = 1501"),
    "a full refund taken for a part": (
        "domain/refunds.py",
        "if given >= captured_cents:",
        "if given > captured_cents:",
    ),
    "a rung of the ladder skipped": (
        "domain/settings.py",
        "        timedelta(hours=22),\n",
        "",
    ),
    "exactly 24 hours taken for less": (
        "domain/cancellation.py",
        "if judged >= policy.free_until:",
        "if judged > policy.free_until:",
    ),
    "the credit tier ends at ten hours": (
        "domain/settings.py",
        "credit_until: timedelta = timedelta(hours=12)",
        "credit_until: timedelta = timedelta(hours=10)",
    ),
    "the second rung an hour early": (
        "domain/settings.py",
        "        timedelta(hours=22),\n",
        "        timedelta(hours=23),\n",
    ),
    "a move makes a cancellation cheaper": (
        "domain/cancellation.py",
        "judged = min(judged, terms.sticky_lead)",
        "judged = max(judged, terms.sticky_lead)",
    ),
    "a contested report delays nothing": (
        "domain/timings.py",
        "usual = None if is_reported else end_at + policy.capture_after",
        "usual = end_at + policy.capture_after",
    ),
}


def spoiled(place: Path, mistake: tuple[str, str, str]) -> None:
    """A copy of product and tests with one mistake in it."""
    for part in PARTS:
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    path, right, wrong = mistake
    text = (place / path).read_text()
    assert text.count(right) == 1, f"{path} has changed"
    (place / path).write_text(text.replace(right, wrong))


@pytest.mark.skipif(os.environ.get("EVERY") != "1", reason="long: part of make chaos")
@pytest.mark.parametrize("name", MISTAKES)
def test_the_model_notices(name: str, tmp_path: Path) -> None:
    spoiled(tmp_path, MISTAKES[name])
    own = {
        key: value for key, value in os.environ.items() if not key.startswith(("TEST_", "PYTEST"))
    }
    life = [sys.executable, "-m", "pytest", "-q", "-x", "--show-capture=no"]
    lived = subprocess.run(
        [*life, "-p", "no:cacheprovider", "tests/actors/test_chaos_model.py"],
        cwd=tmp_path,
        env=own | {"SEED": SEED, "RUNS": RUNS, "STEPS": STEPS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert lived.returncode == 1, lived.stdout[-2000:]
    found = re.search(r"tests\.model\.cast\.Wrong: SEED=(\d+)", lived.stdout)
    assert found is not None, lived.stdout[-2000:]
    print(f"{name}: noticed by seed {found[1]} of {SEED}…")  # noqa: T201 - kept in docs/proof.md
