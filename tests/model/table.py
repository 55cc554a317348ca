"""A plugin of pytest: what each scenario should move and what it moved, as one table.

`make scenarios` loads it. It writes down every comparison of ledger totals that a journey made, the
values as pytest saw them: nothing here knows a scenario or computes a cent.
"""

import ast
import re

import pytest

SCENARIO = re.compile(r"[mx]\d\d?(?=_|$)")
ACCOUNT = re.compile(
    r"(SP|SC|WAL|CLR|CRA|CRR|PAY|DSP|REV|IPF|BRK|CRX|XPR|XIP|XDF|XCN|XGW|XLS|BNK)$"
)
NAMES = ("totals", "ledger")
"""What a journey calls its sums; needed where nothing was moved, and so no account is named."""


class Table:
    """The rows of one run."""

    def __init__(self) -> None:
        """Empty."""
        self.rows: list[tuple[str, str, str]] = []
        self.failed: list[str] = []

    @pytest.hookimpl
    def pytest_assertion_pass(self, item: pytest.Item, lineno: int, orig: str, expl: str) -> None:
        """Keeps a comparison that held."""
        del lineno
        actual, _, expected = expl.partition("\n")[0].partition(" == ")
        sides = [totals(each) for each in (expected, actual)]
        is_told = any(sides) or any(each in orig for each in NAMES)
        if is_told and None not in sides:
            self.rows.append((named(item), *(shown(each or {}) for each in sides)))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps a scenario that failed."""
        if report.failed:
            self.failed.append(report.nodeid.partition("::")[2])

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the table."""
        write = terminalreporter.write_line
        write("")
        write("| Scenario | Expected cents | Actual cents |")
        write("|---|---|---|")
        for name, expected, actual in sorted(dict.fromkeys(self.rows)):
            write(f"| {name} | {expected} | {actual} |")
        for name in self.failed:
            write(f"| {name} | failed | failed |")
        write(f"\n{len(set(self.rows))} comparisons, {len(self.failed)} failed")


def named(item: pytest.Item) -> str:
    """The scenario's number and the test's sentence."""
    words = item.name.partition("[")[0].removeprefix("test_")
    parameter = SCENARIO.search(item.name.partition("[")[2])
    sentence = words.replace("_", " ")
    return f"{parameter.group().upper()}: {sentence}" if parameter else sentence.capitalize()


def totals(text: str) -> dict[str, int] | None:
    """The accounts and cents that a side of a comparison shows; `None` for anything else."""
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None
    is_ledger = isinstance(found, dict) and all(ACCOUNT.match(str(each)) for each in found)
    return found if is_ledger else None


def shown(found: dict[str, int]) -> str:
    """`SP +1180 · SC +8500`, or that nothing was moved."""
    return (
        " · ".join(f"{account} {cents:+}" for account, cents in sorted(found.items())) or "nothing"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Joins the run."""
    config.pluginmanager.register(Table(), "scenario table")
