"""What a read at Stripe means that we cannot make sense of."""

import msgspec
import pytest

from domain.movements import DisputeSeen
from domain.operations import Unknown
from gateways.stripe_disputes import DisputeBody
from gateways.stripe_patience import UNREADABLE, looked


async def read(status: str) -> DisputeBody:
    """A dispute as Stripe might show it."""
    shown = {
        "id": "du_1",
        "payment_intent": "pi_1",
        "status": status,
        "reason": "fraudulent",
        "amount": 1,
    }
    return msgspec.convert(shown, DisputeBody)


@pytest.mark.parametrize("status", ["appeal_needs_response", "appeal_under_review", "prevented"])
async def test_every_status_of_a_dispute_is_known(status: str) -> None:
    assert (await read(status)).status == status
    assert "appeal_under_review" in str(msgspec.json.schema(DisputeSeen))


async def test_what_is_newer_than_we_are_is_unknown_and_counted() -> None:
    before = UNREADABLE._value.get()
    seen = await looked(lambda: read("argued_about"))
    assert isinstance(seen, Unknown)
    assert seen.reason.startswith("unreadable: Invalid enum value 'argued_about'")
    assert UNREADABLE._value.get() == before + 1
