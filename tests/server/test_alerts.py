"""Alert rules: each has a page that tells what to do, and fires when it must, also at first."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALERTS = (ROOT / "ops" / "alerts.yml").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "money-operations.md").read_text(encoding="utf-8")
TIMES = Path(__file__).with_name("alerts.test.yml")
LABELLED = re.compile(
    r"^sum(?: by \([a-z, ]+\))? ?\(\s*increase\(([a-z_]+(?:\{[^}]*\})?)\[(\w+)\]\)(.*)\) > 0$"
)


def expressions() -> list[str]:
    """Every rule's expression, on one line."""
    found = re.findall(r"expr: (?:>-)?(.*?)\n\s+(?:for|labels):", ALERTS, re.DOTALL)
    return [" ".join(each.split()) for each in found]


def test_every_alert_has_a_rule_how_bad_it_is_and_a_page_that_tells_what_to_do() -> None:
    names = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(names) == len(set(names)) == len(expressions()) > 20
    assert len(re.findall(r"severity: (?:page|ticket)}", ALERTS)) == len(names)
    assert not [each for each in names if f"**{each}**" not in RUNBOOK]


def test_a_counter_with_labels_tells_with_its_first_value() -> None:
    alone = [each for each in expressions() if each.count("increase(") == 1]
    sums = [found for each in alone if (found := LABELLED.match(each))]
    assert len(sums) >= 9
    for selector, window, rest in (each.groups() for each in sums):
        assert rest.strip() == f"> 0 or ({selector} unless {selector} offset {window})"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on this machine")
def test_alerts_fire_when_they_must_and_are_silent_when_they_may() -> None:
    run = subprocess.run(
        ["promtool", "test", "rules", TIMES], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
