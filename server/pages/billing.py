"""A student's money: cards, credit, and what was charged and given back."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from litestar import get
from litestar.response import Redirect, Template

from domain.ids import BookingId
from domain.journals import LotSource
from domain.money import CURRENCY
from domain.statements import StudentLine
from server.guards import known
from server.pages.frame import frame_of, show, sign_in_first
from server.requests import Request
from storage.credits import lots_of_user
from storage.lessons import LessonName, lesson_names
from storage.payment_methods import methods_of_user
from storage.statements import student_lines

SHOWN_MAX = 30

SOURCES: dict[LotSource, str] = {
    "cancellation": "From a cancelled lesson",
    "goodwill": "A gift from us",
    "referral": "For inviting a friend",
    "no_show": "For a missed lesson",
    "package": "Bought as a package",
    "gift": "A gift",
}
KINDS: dict[str, str] = {
    "charge": "Charged to your card",
    "refund": "Back to your card",
    "refund_failed": "A refund that your card did not take",
    "credit_rule": "Cancelled lesson turned into credit",
    "credit_granted": "Credit from us",
    "credit_reserved": "Credit set aside for a lesson",
    "credit_restored": "Credit given back",
    "credit_consumed": "Credit used",
    "credit_refunded": "Credit given back",
    "credit_expired": "Credit ended",
    "credit_voided": "Credit taken back with the payment it came from",
    "application_fee_refunded": "Credit taken back with the payment it came from",
    "refund_absorbed": "Credit taken back with the payment it came from",
}


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; cents as the student feels them: what is taken is negative."""

    line: StudentLine
    text: str
    lesson: LessonName | None
    card_cents: int
    credit_cents: int


@get("/billing", include_in_schema=False, guards=[known])
async def billing(request: Request) -> Template | Redirect:
    """The viewer's cards, credit and payments."""
    frame = await frame_of(request)
    if frame.viewer is None:
        return sign_in_first(frame)
    reads, me = request.parts.reads, frame.viewer.id
    lots = await lots_of_user(reads, user_id=me, now=frame.now)
    lines = await student_lines(reads, user_id=me, most=SHOWN_MAX)
    ids = [BookingId(each.booking_id) for each in lines if each.booking_id is not None]
    found = await lesson_names(reads, booking_ids=ids, viewer_id=me)
    names: dict[UUID, LessonName] = {each.id: each for each in found}
    return show(
        "billing",
        frame,
        {
            "lots": lots,
            "sources": SOURCES,
            "credit_cents": sum(lot.remaining_cents for lot in lots),
            "cards": await methods_of_user(reads, user_id=me),
            "happened": [_happened(each, names) for each in lines],
            "currency": CURRENCY,
        },
    )


def _happened(line: StudentLine, names: Mapping[UUID, LessonName]) -> Happened:
    return Happened(
        line=line,
        text=KINDS.get(line.kind, "Payment"),
        lesson=names.get(line.booking_id) if line.booking_id else None,
        card_cents=line.refund_cents - line.card_cents,
        credit_cents=line.credit_cents,
    )
