"""What the process is told at start, and what tests change while it runs."""

import os
from pathlib import Path
from typing import Literal

import msgspec

API_VERSION = "2026-10-28.endive"
InstantRefusal = Literal[
    "",
    "instant_payouts_config_disabled",
    "instant_payouts_currency_disabled",
    "instant_payouts_limit_exceeded",
    "instant_payouts_unsupported",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """From the environment."""

    host: str = "127.0.0.1"
    port: int = 12111
    data: Path = Path(".data/stripe")
    clock_file: str | None = None
    seed: str = "instainstru"
    secret_key: str = "sk_test_emulator"  # noqa: S105 -- a test key of a local stand-in
    publishable_key: str = "pk_test_emulator"


class Config(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Changed by `POST /_emulator/config`; kept in the store."""

    is_strict_version: bool = False
    """Refuse a request without this API version."""
    retry_clock: str = "virtual"
    """`virtual` or `wall`: what webhook retries wait for."""
    key_expiry_seconds: int = 86_400
    """Virtual age at which idempotency keys are forgotten."""
    lock_wait_ms: int = 2_000
    """How long a request waits for an object another one works on."""
    silence_seconds: float = 20.0
    """How long a timeout fault keeps silent."""
    card_fee_permille: int = 29
    card_fee_fixed_cents: int = 30
    settlement_business_days: int = 2
    is_connect_reserves_on: bool = True
    """A stand-alone transfer can be reversed although the account's balance is short."""
    default_payout_interval: str = "manual"
    """Schedule of accounts created without one: Stripe's own default is `daily`. Manual here, so
    that a balance changes by itself only for who asked for it."""
    dispute_fee_cents: int = 1_500
    dispute_counter_fee_cents: int = 0
    """Taken when evidence against a chargeback is submitted, given back when it is won."""
    dispute_decision_seconds: int = 0
    """Virtual time from evidence with a test word to the decision."""
    refund_seconds: int = 3_600
    """Virtual time until a refund that begins as pending succeeds, or one that will fail fails."""
    topup_business_days: int = 1
    instant_fee_bps: int = 200
    """The platform's price of an instant payout; 0 charges none."""
    instant_fee_base: str = "gross"
    """`gross`: of what leaves the balance; `payout`: of what arrives."""
    instant_cost_bps: int = 100
    """Stripe's price of an instant payout, billed to the platform."""
    instant_limit_cents: int = 100_000_000
    """Instant payouts of all accounts together, a day of US Central time."""
    is_instant_enabled: bool = True
    instant_refusal: InstantRefusal = ""
    """Why every instant payout is refused, as Stripe's code; '' refuses none."""
    payouts_limit_cents: int = 0
    """Standard payouts of one account, a day of UTC; 0 is no limit."""
    negative_debit_days: int = 0
    """Days after which Stripe takes what an account owes from its bank, if its balance settings
    say so (`debit_negative_balances`); 0 never does, and the platform pays after 180 days."""
    is_instant_fee_returned: bool = False
    """A failed instant payout gives its application fee back by itself."""
    instant_seconds: int = 1_800
    """Virtual time until an instant payout is paid."""
    delivery_timeout_seconds: float = 10.0
    shuffle_window: int = 0
    """How many deliveries that are due together are sent in a shuffled order; 0 keeps it."""
    is_rate_limited: bool = False
    rate_per_second: float = 25.0
    """Requests a second of the whole account: 25 in a sandbox, 100 live."""
    rate_per_endpoint: float = 25.0
    updates_per_intent_hour: int = 1_000


def settings_from_environment() -> Settings:
    """Read EMULATOR_HOST, EMULATOR_PORT, EMULATOR_DATA, EMULATOR_SEED and CLOCK_FILE."""
    env = os.environ
    default = Settings()
    return Settings(
        host=env.get("EMULATOR_HOST") or default.host,
        port=int(env.get("EMULATOR_PORT") or default.port),
        data=Path(env.get("EMULATOR_DATA") or default.data),
        clock_file=env.get("CLOCK_FILE") or None,
        seed=env.get("EMULATOR_SEED") or default.seed,
    )
