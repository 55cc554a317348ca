"""Settings: what is read, and one clear sentence for what is refused."""

import pytest

from gateways.settings import SettingsInvalidError, settings_from

WHOLE = {
    "DATABASE_URL": "postgresql://me@db/market",
    "NATS_URL": "nats://bus:4222",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_1",
    "STRIPE_WEBHOOK_SECRETS": "whsec_1, whsec_2",
    "TOKEN_SECRET": "s" * 32,
}


def test_what_is_not_set_has_a_default() -> None:
    settings = settings_from(WHOLE)
    assert settings.stripe_webhook_secrets == ("whsec_1", "whsec_2")
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.rate_limits
    assert not settings.is_sandbox


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsInvalidError, match=f"^{name} is missing"):
        settings_from({**WHOLE, name: " "})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"TOKEN_SECRET": "short"}, "TOKEN_SECRET must have at least 32 characters"),
        ({"PORT": "70000"}, "PORT must be a whole number"),
        ({"PORT": "eight"}, "PORT must be a whole number"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must be a URL"),
        ({"NATS_URL": "http://[::1"}, "NATS_URL is not a URL"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of"),
        ({"CLOCK_FILE": "clock", "STRIPE_SECRET_KEY": "sk_live_1"}, "never runs with a live"),
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, "PUBLIC_URL must be https"),
    ],
)
def test_a_wrong_variable_is_refused_with_a_sentence(change: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsInvalidError, match=says):
        settings_from({**WHOLE, **change})


def test_the_sandbox_is_relaxed_unless_it_is_strict() -> None:
    assert settings_from({**WHOLE, "CLOCK_FILE": "clock"}).is_relaxed
    assert not settings_from({**WHOLE, "CLOCK_FILE": "clock", "SANDBOX_STRICT": "1"}).is_relaxed


def test_limits_are_switched_off_by_word() -> None:
    assert not settings_from({**WHOLE, "RATE_LIMITS": "off"}).rate_limits
