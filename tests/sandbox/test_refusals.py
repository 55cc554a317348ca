"""What a world refuses before it starts anything: one sentence each, exit code 1."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.ports import LOOPBACK, free_port
from sandbox.processes import ROOT

STRIPE = {
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_1",
    "STRIPE_WEBHOOK_SECRETS": "whsec_1",
}


def refusal(directory: Path, settings: dict[str, str]) -> str:
    """Start a world with these settings; return the one sentence with which it refuses."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("STRIPE_")},
        "DATA_DIR": str(directory),
        "PORT": str(free_port()),
        **settings,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox.world"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout in ("", "stopping\nstopped\n")
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    assert not list((directory / "pids").glob("*.json"))
    return lines[0]


def test_a_live_key_never_meets_the_sandbox(tmp_path: Path) -> None:
    said = refusal(tmp_path, {**STRIPE, "STRIPE_SECRET_KEY": "sk_live_51"})
    assert said == "STRIPE_SECRET_KEY is a live key: sandbox features never run with live money."
    assert "sk_live_51" not in said


@pytest.mark.parametrize("name", sorted(STRIPE))
def test_a_missing_secret_is_named(tmp_path: Path, name: str) -> None:
    base = f"http://{LOOPBACK}:{free_port()}"
    said = refusal(tmp_path, {**STRIPE, "STRIPE_API_BASE": base, name: ""})
    assert said == f"{name} is missing: a Stripe of your own needs it."


@pytest.mark.parametrize(
    ("name", "scheme"), [("NATS_URL", "nats"), ("SMTP_URL", "smtp"), ("STRIPE_API_BASE", "http")]
)
def test_an_unreachable_service_is_named(tmp_path: Path, name: str, scheme: str) -> None:
    port = free_port()
    said = refusal(tmp_path, {**STRIPE, name: f"{scheme}://{LOOPBACK}:{port}"} | stripe_here(name))
    assert said.startswith(f"{name} cannot be reached at {LOOPBACK}:{port}: ")


def stripe_here(name: str) -> dict[str, str]:
    """Leave Stripe embedded unless it is what cannot be reached."""
    return {} if name == "STRIPE_API_BASE" else dict.fromkeys(STRIPE, "")


def test_an_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://somebody:verysecret@{LOOPBACK}:{free_port()}/market"
    said = refusal(tmp_path, {"DATABASE_URL": url})
    assert said.startswith("DATABASE_URL cannot be used: ")
    assert "verysecret" not in said


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody:
        port = somebody.getsockname()[1]
        said = refusal(tmp_path, {"PORT": str(port)})
    assert said == f"Port {port} is taken: set PORT to a free one."


@pytest.mark.parametrize("port", ["eighty", "0", "-1", "65536", "99999", "8_000"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    said = refusal(tmp_path, {"PORT": port})
    assert said == "PORT must be a whole number between 1 and 65535."


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.touch()
    said = refusal(tmp_path, {"DATA_DIR": str(file / "world")})
    assert said == f"DATA_DIR {file}/world: Not a directory."
