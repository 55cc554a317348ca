"""Documents say what is true: settings, problems, commands, dependencies, locks."""

import inspect

from domain import errors
from gateways.settings import Settings
from sandbox import travel
from tests.architecture import doc_rules as rules
from tests.architecture.sources import ROOT


def text_of(name: str) -> str:
    """Return a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def error_codes() -> set[str]:
    """Return the code of every refusal, kinds included."""
    classes = [each for _, each in inspect.getmembers(errors, inspect.isclass)]
    return {
        each.code
        for each in classes
        if issubclass(each, errors.DomainError) and each is not errors.DomainError
    }


def test_the_readme_tells_every_setting() -> None:
    real = {field.upper() for field in Settings.__struct_fields__}
    assert not rules.differing(rules.settings_told(text_of("README.md")), real)


def sandbox_codes() -> set[str]:
    """Return the code of every refusal that only a sandbox knows."""
    classes = [each for _, each in inspect.getmembers(travel, inspect.isclass)]
    own = [each for each in classes if each.__module__ == travel.__name__]
    return {each.code for each in own if issubclass(each, errors.DomainError)}


def test_the_list_of_problems_tells_every_code() -> None:
    product, _, sandbox = text_of("docs/problems.md").partition("## Only in a sandbox")
    assert not rules.differing(rules.codes_told(product), error_codes())
    assert not rules.differing(rules.codes_told(sandbox), sandbox_codes())


def test_every_file_that_people_are_told_of_exists() -> None:
    told = ["README.md", "CONTRIBUTING.md"]
    told += [str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")]
    missing = {name: rules.files_missing(text_of(name), ROOT) for name in told}
    assert not {name: gone for name, gone in missing.items() if gone}


def test_every_command_people_are_told_exists() -> None:
    told = rules.targets_told(text_of("README.md")) | rules.targets_told(text_of("CONTRIBUTING.md"))
    assert {"run", "test"} <= told
    assert not told - rules.targets_of(text_of("Makefile"))


def test_every_dependency_says_why_it_is_there() -> None:
    assert not rules.without_a_reason(text_of("pyproject.toml"))


def test_locks_hold_exact_versions_with_hashes_and_no_address() -> None:
    locks = sorted(ROOT.glob("requirements*.lock"))
    assert "requirements.lock" in {path.name for path in locks}
    assert not [fault for path in locks for fault in rules.lock_faults(text_of(path.name))]


def test_a_setting_that_is_not_told_is_noticed() -> None:
    told = rules.settings_told("| setting | default |\n|---|---|\n| `PORT` | `8000` |\n")
    assert told == {"PORT"}
    assert rules.differing(told, {"PORT", "HOST"}) == ["HOST is there and not told"]
    assert rules.differing({"PORT", "OLD"}, told) == ["OLD is told and not there"]


def test_a_file_that_is_not_there_is_noticed() -> None:
    text = "`README.md`, `sql/bookings/`, `docs/NNNN-….md`, `domain/<noun>.py`, `a/b` and `no/x.py`"
    assert rules.files_missing(text, ROOT) == ["no/x.py"]
    assert rules.files_missing("`nobody/`", ROOT) == ["nobody/"]


def test_codes_and_targets_are_read() -> None:
    assert rules.codes_told("| `slot-taken` | 409 | x |\n| code | x |\n") == {"slot-taken"}
    assert rules.targets_told("`make run` and\nmake test # x\n") == {"run", "test"}
    assert rules.targets_of("run: setup\n\techo\nX := 1\ntest-all:\n") == {"run", "test-all"}
    assert {"slot-taken", "unavailable"} <= error_codes()


def test_a_dependency_without_a_reason_is_noticed() -> None:
    bad = '[project]\ndependencies = [\n  "a>=1",  # says why\n  "b>=2",\n]\n[tool.ruff]\n'
    assert rules.without_a_reason(bad) == ['"b>=2",']


def test_a_loose_lock_is_noticed() -> None:
    good = f"a==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    assert not rules.lock_faults(good)
    assert rules.lock_faults("a==1.0\n")
    assert rules.lock_faults(good.replace("==1.0", ">=1.0"))
    assert rules.lock_faults(f"--index-url https://example.org/simple\n{good}")
    assert rules.lock_faults(f"# from http://example.org\n{good}")
