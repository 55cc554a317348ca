"""What a look at an intent leaves behind, whatever the payment's status becomes by it."""

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.operations import ChargeSeen, IntentSeen, KeptAs
from tests.domain.test_fold_algebra import taken
from tests.domain.test_payments import (
    AMOUNT,
    CREDITED,
    END,
    LAPSED,
    RESERVED,
    START,
    TAKEN,
    UNBOOKED,
    charge,
    folded,
    payment,
    seen,
)


def test_what_a_refused_charge_shows_is_no_evidence() -> None:
    refused = msgspec.structs.replace(charge(), is_good=False)
    before = payment("authorizing", decline_code="insufficient_funds")
    after = folded(before, seen("requires_payment_method", charge=refused))
    assert after == before


def test_a_reservation_is_evidence_and_ends_the_last_refusal() -> None:
    first = ChargeSeen(id="ch_1", is_good=True, authorized_at=START, capture_before=END)
    later = msgspec.structs.replace(first, capture_before=None)
    before = payment("authorizing", decline_code="insufficient_funds")
    for looks in ((first, later), (later, first)):
        after = before
        for each in looks:
            look = seen("requires_capture", capturable_cents=AMOUNT, charge=each)
            after = folded(after, look)
        assert (after.status, after.decline_code) == ("authorized", None)
        assert (after.charge_id, after.authorized_at) == ("ch_1", START)
        assert after.capture_before == END


def test_a_capture_is_kept_with_all_that_was_booked_for_it() -> None:
    after = folded(payment("capturing"), taken(1500))
    assert (after.status, after.captured_cents) == ("captured", AMOUNT)
    assert (after.transfer_id, after.application_fee_id) == ("tr_1", "fee_1")
    assert after.captured_at == END + (END - START) * 24


@pytest.mark.parametrize(
    ("fee_cents", "kept_as", "status", "withheld_cents", "to_reverse_cents"),
    [
        (1500, None, "captured", 0, 0),
        (AMOUNT, "owed", "captured", 8500, 0),
        (AMOUNT, "credit", "credited", 0, 0),
        (AMOUNT, None, "credited", 0, 0),
        (1500, "credit", "credited", 0, AMOUNT),
    ],
)
def test_what_a_capture_was_meant_for_is_read_from_the_intent(
    fee_cents: int,
    kept_as: KeptAs | None,
    status: PaymentStatus,
    withheld_cents: int,
    to_reverse_cents: int,
) -> None:
    look = taken(fee_cents, kept_as=kept_as)
    after = folded(payment("capturing"), look)
    assert (after.status, after.captured_cents) == (status, AMOUNT)
    assert (after.withheld_cents, after.to_reverse_cents) == (withheld_cents, to_reverse_cents)


@pytest.mark.parametrize(
    ("status", "observed", "became"),
    [
        ("authorizing", RESERVED, "authorized"),
        ("auth_retry", RESERVED, "authorized"),
        ("action_required", RESERVED, "authorized"),
        ("authorizing", seen("requires_action"), "action_required"),
        ("authorized", seen("requires_action"), "authorized"),
        ("authorized", LAPSED, "auth_lost"),
        ("capturing", TAKEN, "captured"),
        ("crediting", CREDITED, "credited"),
        ("capturing", UNBOOKED, "capturing"),
        ("releasing", LAPSED, "released"),
        ("releasing", TAKEN, "captured"),
        ("settled", RESERVED, "settled"),
        ("settled", LAPSED, "settled"),
        ("collection", LAPSED, "auth_lost"),
        ("collection", RESERVED, "authorized"),
        ("authorizing", seen("requires_capture", capturable_cents=1), "authorizing"),
    ],
)
def test_an_observation_moves_a_payment_by_rank(
    status: PaymentStatus, observed: IntentSeen, became: PaymentStatus
) -> None:
    assert folded(payment(status), observed).status == became
