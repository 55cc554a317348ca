"""An account is in one state, whatever Stripe says of it, and each worse one is news once."""

from datetime import UTC, datetime

import msgspec
import pytest

from domain.operations import AccountSeen
from domain.restrictions import Standing, news

AT = datetime(2027, 3, 8, tzinfo=UTC)
NEW = Standing(
    has_transfers=False,
    has_payouts=False,
    has_submitted_details=False,
    requirements_due=[],
    was_active=False,
    disabled_reason=None,
    deadline_at=None,
    deauthorized_at=None,
)
SEEN = AccountSeen(id="acct_1", has_transfers=True, has_payouts=True, has_submitted_details=True)
ACTIVE = NEW.after(SEEN)


def standing(base: Standing = ACTIVE, **changes: object) -> Standing:
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (NEW, "onboarding"),
        (standing(NEW, disabled_reason="requirements.past_due"), "onboarding"),
        (
            standing(
                NEW,
                has_submitted_details=True,
                disabled_reason="requirements.pending_verification",
            ),
            "onboarding",
        ),
        (ACTIVE, "active"),
        (standing(deadline_at=AT), "restricted_soon"),
        (standing(has_payouts=False), "restricted"),
        (standing(has_transfers=False), "restricted"),
        (standing(disabled_reason="requirements.past_due", deadline_at=AT), "restricted"),
        (standing(disabled_reason="rejected.fraud"), "rejected"),
        (standing(NEW, disabled_reason="rejected.other"), "rejected"),
        (ACTIVE.disconnected(at=AT), "restricted"),
    ],
)
def test_every_account_is_in_one_state(now: Standing, state: str) -> None:
    assert now.state == state


def test_an_account_that_left_comes_back_when_it_is_shown_again() -> None:
    gone = ACTIVE.disconnected(at=AT)
    assert (gone.has_transfers, gone.has_payouts) == (False, False)
    assert gone.disconnected(at=datetime(2028, 1, 1, tzinfo=UTC)) is gone
    assert gone.after(SEEN) == ACTIVE


def test_a_look_replaces_all_that_was_known_but_that_it_was_once_active() -> None:
    seen = AccountSeen(
        id="acct_1",
        has_transfers=False,
        has_payouts=True,
        has_submitted_details=True,
        requirements_due=("individual.id_number",),
        disabled_reason="requirements.past_due",
        deadline_at=AT,
    )
    expected = Standing(
        has_transfers=False,
        has_payouts=True,
        has_submitted_details=True,
        requirements_due=["individual.id_number"],
        was_active=False,
        disabled_reason="requirements.past_due",
        deadline_at=AT,
        deauthorized_at=None,
    )
    assert NEW.after(SEEN).was_active
    assert NEW.after(seen) == expected
    assert ACTIVE.after(seen) == msgspec.structs.replace(expected, was_active=True)
    assert ACTIVE.after(seen).after(SEEN) == ACTIVE


def test_leaving_takes_what_an_account_may_do_and_nothing_else() -> None:
    known = standing(requirements_due=["x"], disabled_reason="requirements.past_due")
    gone = known.disconnected(at=AT)
    changes = {"has_transfers": False, "has_payouts": False, "deauthorized_at": AT}
    assert gone == standing(known, **changes)
    assert NEW.disconnected(at=AT).was_active


def test_only_a_worse_state_is_news_and_only_once() -> None:
    assert news("active", "restricted_soon") == "restricted_soon"
    assert news("restricted_soon", "restricted") == "restricted"
    assert news("restricted", "restricted") is None
    assert news("restricted", "active") is None
    assert news("onboarding", "active") is None
