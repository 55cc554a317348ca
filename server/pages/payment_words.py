"""Where a lesson's money stands, in the words of the student or of the instructor."""

from typing import Literal

from domain import money
from domain.bookings import PaymentStatus
from domain.settings import POLICY
from server.pages.words import when
from storage.lessons import Lesson

Side = Literal["student", "instructor"]
Tone = Literal["", "accent", "success", "warning", "danger"]

ATTENTION = frozenset({"auth_retry", "card_required", "action_required", "auth_lost"})
TAKEN = frozenset({"captured", "payout_pending", "settled"})
LATER: dict[PaymentStatus, tuple[tuple[str, Tone], tuple[str, Tone]]] = {
    "refunding": (
        ("{back} is on its way back to your card", "accent"),
        ("{back} goes back to the student", ""),
    ),
    "refunded": (("{back} went back to you", ""), ("Refunded to the student", "")),
    "partially_refunded": (
        ("{back} of {amount} went back to your card", ""),
        ("{back} went back to the student", ""),
    ),
    "refund_failed": (
        ("Your card did not take the refund. We are looking into it.", "warning"),
        ("A refund to the student is being looked into", "warning"),
    ),
    "disputed": (
        ("Your bank is looking into this payment", "warning"),
        ("The student's bank is looking into this payment", "warning"),
    ),
    "dispute_lost": (
        ("Your bank took the payment back", ""),
        ("The student's bank took the payment back", "warning"),
    ),
    "collection": (
        ("The price is still due", "warning"),
        ("The student has not paid yet", "warning"),
    ),
    "written_off": (("Never paid", ""), ("The student never paid", "warning")),
}
"""What came after the capture, or instead of it, for the student and for the instructor."""


def payment_words(lesson: Lesson, *, side: Side, zone: str) -> tuple[str, Tone]:
    """Where the money stands, and its tone."""
    if lesson.status == "pending":
        until = lesson.hold_expires_at or lesson.start_at
        return f"Held until {when(until, zone, 'clock')}. Nothing is charged yet.", "accent"
    if later := LATER.get(lesson.payment_status):
        text, tone = later[0 if side == "student" else 1]
        back = money.words(lesson.refunded_cents, lesson.currency)
        price = money.words(lesson.price_cents, lesson.currency)
        return text.format(back=back, amount=price), tone
    if lesson.status in ("cancelled", "expired", "no_show"):
        return _ended_words(lesson, side)
    if lesson.payment_status in ATTENTION:
        return _attention_words(lesson, side, zone), "warning"
    if lesson.payment_status in TAKEN:
        return _taken_words(lesson, side), "success"
    return _ahead_words(lesson, side, zone), "accent"


def _amount(lesson: Lesson, side: Side) -> str:
    cents = lesson.price_cents if side == "student" else lesson.instructor_amount_cents
    return money.words(cents, lesson.currency)


def _taken_words(lesson: Lesson, side: Side) -> str:
    if side == "instructor":
        is_waiting = lesson.payment_status == "payout_pending"
        return f"{_amount(lesson, side)} {'comes to you soon' if is_waiting else 'paid to you'}"
    charged = f"{money.words(lesson.card_amount_cents, lesson.currency)} charged"
    if not lesson.credit_applied_cents:
        return charged
    if not lesson.card_amount_cents:
        return "Paid with credit"
    return f"{charged}, {money.words(lesson.credit_applied_cents, lesson.currency)} of credit used"


def _ahead_words(lesson: Lesson, side: Side, zone: str) -> str:
    """Nothing is taken yet: what will be, and when."""
    charged = when(lesson.end_at + POLICY.capture_after, zone)
    amount = _amount(lesson, side)
    is_student = side == "student"
    if lesson.payment_status == "credit_only":
        return "Paid with credit" if is_student else f"{amount} comes to you on {charged}"
    if lesson.payment_status in ("authorized", "capturing"):
        if is_student:
            return f"Card authorised, charged on {charged}"
        return f"Card authorised, {amount} comes to you on {charged}"
    authorized = when(lesson.start_at - POLICY.authorize_before, zone)
    if lesson.payment_status == "authorizing":
        return "Card is being authorised"
    if not is_student:
        return f"Card saved, {amount} comes to you on {charged}"
    return f"Card saved, authorised on {authorized}"


def _attention_words(lesson: Lesson, side: Side, zone: str) -> str:
    until = when(lesson.start_at - POLICY.cancel_unpaid_before, zone)
    if side == "instructor":
        return (
            f"The student's card was declined. The lesson is cancelled on {until} if it stays so."
        )
    if lesson.payment_status == "auth_retry":
        return f"Your card was declined. We try again until {until}; another card settles it now."
    if lesson.payment_status == "action_required":
        return f"Your bank asks you to confirm by {until}, or the lesson is cancelled."
    return f"Your card was not accepted. Use another one by {until}, or the lesson is cancelled."


def _ended_words(lesson: Lesson, side: Side) -> tuple[str, Tone]:
    """A lesson that did not take place, and what became of its money."""
    amount = _amount(lesson, side)
    is_student = side == "student"
    match lesson.outcome:
        case "credit" if is_student and lesson.payment_status in ("credited", "crediting"):
            return f"{amount} came back as credit", ""
        case "charged" | "no_show_student":
            return _charged_words(lesson, side)
        case "by_instructor":
            told = "Cancelled by the instructor. Nothing was charged." if is_student else "Not paid"
            return told, ""
        case "no_show_instructor":
            told = "The instructor did not come. Nothing was charged." if is_student else "Not paid"
            return told, ""
        case "payment_failed":
            return ("The card was declined. Nothing was charged.", "warning")
        case _:
            return ("Nothing was charged" if is_student else "Cancelled in time", "")


def _charged_words(lesson: Lesson, side: Side) -> tuple[str, Tone]:
    if lesson.payment_status in TAKEN:
        return _taken_words(lesson, side), "success"
    return f"{_amount(lesson, side)} is being charged", "accent"
