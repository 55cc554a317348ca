"""Breaks the money rules in every small way there is and counts how many ways a test notices.

Run by `make mutants`. mutmut writes beside what it changes, so it gets a copy of the domain and of
its tests; whoever passes `--show` also sees the changes nobody noticed, and who names files breaks
those alone.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUBJECTS = (
    "domain/pricing.py",
    "domain/cancellation.py",
    "domain/timings.py",
    "domain/payments.py",
    "domain/payment_steps.py",
    "domain/payment_folds.py",
    "domain/refunds.py",
    "domain/disputes.py",
    "domain/journals.py",
    "domain/credit_journals.py",
    "domain/dispute_journals.py",
    "domain/payout_journals.py",
    "domain/credits.py",
    "domain/moves.py",
    "domain/no_shows.py",
    "domain/payouts.py",
    "domain/standard_payouts.py",
    "domain/debts.py",
    "domain/withholding.py",
    "domain/restrictions.py",
    "domain/reconciliation.py",
)
"""The split, the windows, the ladder with its instants, the folds, what is posted and compared."""
GOAL_PERCENT = 90
FEWER = """\
from hypothesis import settings

settings.register_profile("mutants", max_examples=25, derandomize=True, deadline=None)
settings.load_profile("mutants")
"""
"""Properties are tried on few examples, the same for every change."""
CONFIGURATION = """\
[tool.pytest.ini_options]
testpaths = ["tests/domain"]
pythonpath = ["."]
addopts = "-q --import-mode=importlib"

[tool.mutmut]
source_paths = [{sources}]
pytest_add_cli_args_test_selection = ["tests/domain"]
also_copy = ["domain", "docs", "sql"]
"""
NOTICED = {"killed", "timeout", "segfault", "suspicious"}


def prepare(place: Path, subjects: Sequence[str]) -> None:
    """A fresh copy of what is changed and what notices."""
    shutil.rmtree(place, ignore_errors=True)
    for part in ("domain", "tests/domain", "docs", "sql"):
        shutil.copytree(ROOT / part, place / part)
    (place / "tests/domain/conftest.py").write_text(FEWER)
    sources = ", ".join(f'"{each}"' for each in subjects)
    (place / "pyproject.toml").write_text(CONFIGURATION.format(sources=sources))


def states(place: Path) -> dict[str, str]:
    """What became of each change, by its name."""
    listed = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), "results", "--all", "true"],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.strip().rpartition(": ") for line in listed.stdout.splitlines()]
    return {name: state for name, _, state in lines if name}


def report(found: dict[str, str], subjects: Sequence[str]) -> int:
    """Prints the score of each file and of all; the exit code says whether it is good enough."""
    every: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for name, state in found.items():
        subject = "/".join(name.split(".")[:2]) + ".py"
        every[subject] += 1
        noticed[subject] += state in NOTICED
    for subject in subjects:
        print(line(subject, noticed[subject], every[subject]))  # noqa: T201 - the report
    print(line("all", noticed.total(), every.total()))  # noqa: T201 - the report
    return 0 if 100 * noticed.total() >= GOAL_PERCENT * every.total() > 0 else 1


def line(subject: str, noticed: int, every: int) -> str:
    """One line of the report."""
    return f"{subject:28} {noticed:4} of {every:4} noticed  {100 * noticed // max(1, every)} %"


def main() -> int:
    """Prepares, runs, reports."""
    place = ROOT / ".make" / "mutants"
    subjects = [each for each in SUBJECTS if each in sys.argv] or SUBJECTS
    prepare(place, subjects)
    mutmut = Path(sys.executable).with_name("mutmut")
    children = os.environ.get("WORKERS", "2")
    with (place / "log").open("w") as log:
        run = subprocess.run(
            [mutmut, "run", "--max-children", children],
            cwd=place,
            stdout=log,
            stderr=log,
            check=False,
        )
    if run.returncode:
        sys.stderr.write((place / "log").read_text()[-2000:])
        return run.returncode
    found = states(place)
    if "--show" in sys.argv:
        for name in sorted(name for name, state in found.items() if state not in NOTICED):
            subprocess.run([mutmut, "show", name], cwd=place, check=False)
    return report(found, subjects)


if __name__ == "__main__":
    sys.exit(main())
