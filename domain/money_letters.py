"""What mails say of money: given back, owed, credited, paid out, or in question."""

from collections.abc import Callable
from datetime import datetime

from domain.events import Topic
from domain.money import words
from domain.occasions import Letter, Occasion, Payload, Reader


def refunded(occasion: Occasion) -> Letter | None:
    """For the student whose money or credit came back."""
    if not occasion.is_student:
        return None
    amount = words(int(occasion.payload.get("refunded_cents") or 0), occasion.lesson.currency)
    if not occasion.payload.get("amount_cents"):
        return Letter(
            subject=f"Refund: {amount} credit for {occasion.lesson.title}",
            paragraphs=(f"You have the {amount} credit back that paid for {occasion.what}.",),
        )
    return Letter(
        subject=f"Refund: {amount} for {occasion.lesson.title}",
        paragraphs=(
            f"Of what you paid for {occasion.what}, {amount} goes back to your card.",
            "Your bank shows it within five to ten days.",
        ),
    )


def refund_failed(occasion: Occasion) -> Letter | None:
    """For admins alone: the student is told when the money really comes back."""
    if occasion.is_student or occasion.is_instructor:
        return None
    lesson = occasion.lesson
    return Letter(
        subject=f"A refund failed: {lesson.title} of {lesson.student_name}",
        paragraphs=(
            (
                f"A refund that is owed cannot be made for {occasion.what} (booking "
                f"{lesson.booking_id}, card {occasion.amount})."
            ),
            (
                "It waits for you in /api/admin/refunds?state=failed: refund it again, or pay the "
                "student in another way."
            ),
        ),
    )


def disputed(occasion: Occasion) -> Letter | None:
    """For the instructor: their share may be kept back while the bank decides."""
    if not occasion.is_instructor:
        return None
    return Letter(
        subject=f"A payment is in question: {occasion.lesson.title}",
        paragraphs=(
            f"The student's bank questions the payment for {occasion.what}.",
            (
                f"We answer the bank. Until it decides, {occasion.share} of yours is not paid "
                "out; if the student's side holds, that is taken back."
            ),
            "Whatever shows that the lesson took place helps: messages, notes, the link used.",
        ),
    )


def credit_issued(occasion: Occasion) -> Letter | None:
    """For the student whose late cancellation became credit."""
    if not occasion.is_student:
        return None
    amount = _amount(occasion.payload)
    return Letter(
        subject=f"You have {amount} credit",
        paragraphs=(
            f"The charge for your cancelled lesson is yours as credit: {amount}.",
            f"It is good for any lesson until {_end(occasion.payload, occasion.reader)}.",
        ),
    )


def credit_expiring(occasion: Occasion) -> Letter | None:
    """For the student whose credit ends soon, wherever it came from."""
    return _expiring(occasion.payload, occasion.reader) if occasion.is_student else None


def _owes(payload: Payload, _: Reader) -> Letter:
    amount = _amount(payload)
    return Letter(
        subject=f"Your balance is negative: {amount} is owed",
        paragraphs=(
            f"Money that you were paid already was given back, so you owe {amount}.",
            "What you earn next is set against it; until then nothing is paid out.",
            "Your lessons go on as booked.",
        ),
    )


def _payout_failed(payload: Payload, _: Reader) -> Letter:
    amount = _amount(payload)
    return Letter(
        subject=f"Your bank returned a payout of {amount}",
        paragraphs=(
            f"Your bank did not take a payout of {amount}. The money is yours as before.",
            "Please check your bank account with Stripe: we try again at the next payout.",
        ),
    )


def _payout_paid(payload: Payload, _: Reader) -> Letter:
    amount = _amount(payload)
    return Letter(
        subject=f"Paid out: {amount}",
        paragraphs=(
            f"{amount} has been paid out to your bank.",
            "Your earnings page shows which lessons it is for.",
        ),
    )


def _given(payload: Payload, reader: Reader) -> Letter:
    amount = _amount(payload)
    return Letter(
        subject=f"You have {amount} credit",
        paragraphs=(
            f"{amount} credit is yours. It is used by itself when you book.",
            f"It is good for any lesson until {_end(payload, reader)}.",
        ),
    )


def _expiring(payload: Payload, reader: Reader) -> Letter:
    amount = _amount(payload)
    return Letter(
        subject=f"Your credit of {amount} ends soon",
        paragraphs=(
            f"{amount} of your credit ends on {_end(payload, reader)}.",
            "A lesson booked before then uses it by itself, also when it takes place later.",
        ),
    )


def _restricted(payload: Payload, reader: Reader) -> Letter:
    deadline, state = payload.get("deadline_at"), payload.get("state")
    if state == "rejected":
        return Letter(
            subject="Stripe has closed your account for payouts",
            paragraphs=(
                "Stripe has rejected your account, so students cannot book you any more.",
                "What you are owed stays yours. Please write to us.",
            ),
        )
    if state == "restricted_soon":
        ends = reader.when(datetime.fromisoformat(str(deadline)))
        return Letter(
            subject="Stripe needs something from you",
            paragraphs=(
                f"Stripe asks you for more about yourself by {ends}.",
                (
                    "Until then nothing changes. After that students cannot book you and nothing "
                    "is paid out, until you have answered."
                ),
            ),
        )
    return Letter(
        subject="Students cannot book you: Stripe needs something from you",
        paragraphs=(
            "Stripe has restricted your account until you tell it more about yourself.",
            "Until then students cannot book you. Booked lessons go on, and your share is kept.",
        ),
    )


def _deauthorized(payload: Payload, _: Reader) -> Letter:
    return Letter(
        subject="An instructor's account left the platform",
        paragraphs=(
            (
                f"Stripe no longer lets us use the account {payload.get('account')} of instructor "
                f"{payload.get('instructor_id')}."
            ),
            (
                "Nobody can book them, and nothing can be paid to them. Booked lessons go on; "
                "their share is kept until a person decides."
            ),
        ),
    )


def _amount(payload: Payload) -> str:
    return words(int(payload.get("amount_cents") or 0), str(payload.get("currency") or "usd"))


def _end(payload: Payload, reader: Reader) -> str:
    return reader.when(datetime.fromisoformat(str(payload.get("expires_at"))))


_APART: dict[Topic, Callable[[Payload, Reader], Letter]] = {
    "instructor.owes": _owes,
    "instructor.restricted": _restricted,
    "instructor.deauthorized": _deauthorized,
    "payout.failed": _payout_failed,
    "payout.paid": _payout_paid,
    "credit.issued": _given,
    "credit.expiring": _expiring,
}


def account_letter(topic: Topic, payload: Payload, reader: Reader) -> Letter | None:
    """What people are told about their money apart from any lesson; `None`: nothing."""
    write = _APART.get(topic)
    return None if write is None else write(payload, reader)
