"""Which accounts a dispute moves, each movement once by the dispute's id."""

from datetime import datetime

from domain.disputes import Recovery
from domain.journals import LOSSES, STRIPE, Journal, JournalKind, Line
from domain.movements import DisputeSeen
from domain.payments import MoneyFacts

WITHDRAWN = "DSP"
DISPUTE_FEES = "XDF"


def dispute_journals(
    facts: MoneyFacts,
    seen: DisputeSeen,
    recovery: Recovery,
    *,
    at: datetime,
    was_lost: Recovery = "none",
) -> tuple[Journal, ...]:
    """The withdrawal with its fee, what came back, and who bears a lost one.

    A lost one goes to the booking's transit account until its transfer is taken back; what cannot
    be taken back is the platform's loss. An inquiry moves nothing. `was_lost`: who bore it, if it
    was lost before an appeal was won; what comes back then is theirs.
    """
    moved: list[tuple[JournalKind, tuple[Line, ...]]] = []
    if seen.withdrawal_transaction_id is not None:
        moved.append(("dispute_opened", _withdrawal(seen)))
    if seen.reinstatement_transaction_id is not None:
        moved.append(("dispute_won", _reinstatement(facts, seen, was_lost)))
    if seen.status == "lost" and seen.withdrawn_cents:
        bearer = _bearer(facts, recovery)
        lines = (
            Line(account=WITHDRAWN, amount_cents=-seen.withdrawn_cents),
            Line(account=bearer, amount_cents=seen.withdrawn_cents),
        )
        moved.append(("dispute_lost", lines))
    return tuple(
        Journal(
            kind=kind,
            dedupe_key=f"{kind}:{seen.id}",
            booking_id=facts.booking_id,
            user_ids=(facts.student_id, facts.instructor_id),
            effective_at=at,
            source=seen.id,
            lines=tuple(line for line in lines if line.amount_cents),
        )
        for kind, lines in moved
    )


def absorbed_journal(facts: MoneyFacts, cents: int, *, at: datetime) -> Journal:
    """A lost dispute that nobody can be asked for: the platform's loss."""
    return Journal(
        kind="dispute_absorbed",
        dedupe_key=f"dispute_absorbed:{facts.booking_id}",
        booking_id=facts.booking_id,
        user_ids=(facts.student_id, facts.instructor_id),
        effective_at=at,
        source=str(facts.booking_id),
        lines=(
            Line(account=f"CLR:{facts.booking_id}", amount_cents=-cents),
            Line(account=LOSSES, amount_cents=cents),
        ),
    )


def _withdrawal(seen: DisputeSeen) -> tuple[Line, ...]:
    taken, fee = seen.withdrawn_cents, seen.withdrawal_fee_cents
    return (
        Line(
            account=STRIPE,
            amount_cents=-taken - fee,
            balance_transaction_id=seen.withdrawal_transaction_id,
        ),
        Line(account=DISPUTE_FEES, amount_cents=fee),
        Line(account=WITHDRAWN, amount_cents=taken),
    )


def _bearer(facts: MoneyFacts, recovery: Recovery) -> str:
    """Where a loss lies: in transit until the transfer is back, or with the platform."""
    return LOSSES if recovery == "absorbed" else f"CLR:{facts.booking_id}"


def _reinstatement(facts: MoneyFacts, seen: DisputeSeen, was_lost: Recovery) -> tuple[Line, ...]:
    """Who had to do without it has it; what was taken back is the platform's until it is paid."""
    bearer: dict[Recovery, str] = {"none": WITHDRAWN, "wanted": _bearer(facts, was_lost)}
    back, fee = seen.reinstated_cents, seen.reinstatement_fee_cents
    return (
        Line(
            account=STRIPE,
            amount_cents=back - fee,
            balance_transaction_id=seen.reinstatement_transaction_id,
        ),
        Line(account=DISPUTE_FEES, amount_cents=fee),
        Line(account=bearer.get(was_lost, LOSSES), amount_cents=-back),
    )
