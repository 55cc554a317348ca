"""What mails say: plain words, the reader's own time, money told exactly.

A letter is written from the booking as it is now, so nobody hears of what is no longer so.
"""

from collections.abc import Callable
from datetime import datetime

from domain.events import Topic
from domain.money_letters import (
    credit_expiring,
    credit_issued,
    disputed,
    refund_failed,
    refunded,
)
from domain.occasions import Letter, Occasion
from domain.timings import UNPAID


def letter_of(occasion: Occasion) -> Letter | None:
    """The letter for this reader; `None` when it does not concern them or is no longer so."""
    write = _LETTERS.get(occasion.topic)
    return None if write is None else write(occasion)


def _confirmed(occasion: Occasion) -> Letter | None:
    lesson, policy = occasion.lesson, occasion.policy
    if lesson.status != "confirmed":
        return None
    if not occasion.is_student:
        return Letter(
            subject=f"New lesson: {occasion.what}",
            paragraphs=(
                f"{lesson.student_name} has booked a lesson: {occasion.what}.",
                f"You receive {occasion.share} a day after the lesson.",
            ),
        )
    asked_at = lesson.start_at - policy.authorize_before
    money = f"Your card is authorised for {occasion.amount} and charged a day after the lesson."
    if asked_at > occasion.now:
        money = (
            f"Nothing is charged today. Your card is authorised for {occasion.amount} on "
            f"{occasion.when(asked_at)} and charged a day after the lesson."
        )
    free_until = lesson.start_at - policy.free_until
    cancelling = (
        "Cancelling now costs a part or all of the price; your lesson's page says how much."
    )
    if free_until > occasion.now:
        cancelling = f"You can cancel free of charge until {occasion.when(free_until)}."
    return Letter(
        subject=f"Your lesson is booked: {occasion.what}",
        paragraphs=(f"Your lesson is booked: {occasion.what}.", money, cancelling),
    )


_ENDS_FOR_STUDENT: dict[str, str] = {
    "free": "Nothing was charged.",
    "credit": "Your card was charged {amount}, and the same amount is yours as credit for a year.",
    "charged": "As it was cancelled less than 12 hours ahead, your card is charged {amount}.",
    "by_instructor": "Your instructor cancelled it. Nothing was charged.",
    "payment_failed": "Your card could not be authorised in time. Nothing was charged.",
}


def _cancelled(occasion: Occasion) -> Letter | None:
    lesson = occasion.lesson
    if lesson.status != "cancelled":
        return None
    if lesson.outcome == "by_instructor" and occasion.payload.get("by") == "admin":
        ending = "We had to cancel it; write to us if you want to know more. Nothing was charged."
    elif occasion.is_student:
        money = _ENDS_FOR_STUDENT.get(lesson.outcome or "", "Nothing was charged.")
        ending = money.format(amount=occasion.amount)
    elif lesson.outcome == "charged":
        ending = f"It was cancelled less than 12 hours ahead, so you receive {occasion.share}."
    else:
        ending = "The time is free for others again."
    return Letter(
        subject=f"Cancelled: {occasion.what}",
        paragraphs=(f"This lesson is cancelled: {occasion.what}.", ending),
    )


def _unpaid(occasion: Occasion, subject: str, *paragraphs: str) -> Letter | None:
    """For the student of a lesson whose money is still not sure."""
    lesson = occasion.lesson
    is_so = lesson.status == "confirmed" and lesson.payment_status in UNPAID
    if not (is_so and occasion.is_student):
        return None
    return Letter(subject=subject, paragraphs=paragraphs)


def _deadline(occasion: Occasion) -> str:
    return occasion.when(occasion.lesson.start_at - occasion.policy.cancel_unpaid_before)


def _retry(occasion: Occasion) -> Letter | None:
    if not occasion.payload.get("is_first"):
        return None
    return _unpaid(
        occasion,
        "Your card was declined, we will try again",
        f"Your card was declined for your lesson: {occasion.what}.",
        "Nothing is lost: we try again every two hours. If you like, choose another card now.",
        f"The lesson is kept for you until {_deadline(occasion)}.",
    )


def _card_required(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Please choose another card for your lesson",
        f"Your card was declined for your lesson: {occasion.what}.",
        f"Please choose another card by {_deadline(occasion)}; "
        "the lesson is kept for you till then.",
    )


def _action_required(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Your bank asks you to confirm your card payment",
        f"Your bank wants you to confirm the payment for your lesson: {occasion.what}.",
        f"Please do so by {_deadline(occasion)}; the lesson is kept for you till then.",
    )


def _warned(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Your lesson will be cancelled unless your card works",
        f"We still could not authorise your card for your lesson: {occasion.what}.",
        f"Please choose another card by {_deadline(occasion)}. "
        "After that the lesson is cancelled, and nothing is charged.",
    )


def _settled(occasion: Occasion) -> Letter | None:
    if occasion.is_student:
        return Letter(
            subject=f"Receipt: {occasion.amount} for {occasion.lesson.title}",
            paragraphs=(
                f"We charged your card {occasion.amount} for {occasion.what}.",
                "Thank you for learning with us.",
            ),
        )
    return Letter(
        subject=f"You are paid {occasion.share}",
        paragraphs=(f"{occasion.share} is on its way to you for {occasion.what}.",),
    )


def _moved(occasion: Occasion) -> Letter | None:
    if occasion.lesson.status != "confirmed":
        return None
    return Letter(
        subject=f"Moved: {occasion.what}",
        paragraphs=(f"This lesson has another time: {occasion.what}.",),
    )


def _proposed(occasion: Occasion) -> Letter | None:
    payload = occasion.payload
    is_own = payload.get("proposed_by") == ("student" if occasion.is_student else "instructor")
    if is_own or occasion.lesson.status != "confirmed":
        return None
    new = occasion.when(datetime.fromisoformat(str(payload.get("start_at"))))
    ends = occasion.when(datetime.fromisoformat(str(payload.get("expires_at"))))
    free = "If it does not suit you, you may cancel free of charge." if occasion.is_student else ""
    told = (
        f"You are asked to move a lesson to {new}: {occasion.what}.",
        f"The lesson stays where it is unless you agree by {ends}.",
        free,
    )
    return Letter(
        subject=f"May your lesson move to {new}?", paragraphs=tuple(each for each in told if each)
    )


def _declined(occasion: Occasion) -> Letter | None:
    is_own = occasion.payload.get("proposed_by") == (
        "student" if occasion.is_student else "instructor"
    )
    if not is_own or occasion.lesson.status != "confirmed":
        return None
    return Letter(
        subject=f"It stays when it is: {occasion.what}",
        paragraphs=(f"The other side cannot move this lesson: {occasion.what}.",),
    )


def _reported(occasion: Occasion) -> Letter | None:
    is_accused = occasion.payload.get("absent") == (
        "student" if occasion.is_student else "instructor"
    )
    if not is_accused or occasion.lesson.status not in {"confirmed", "completed"}:
        return None
    return Letter(
        subject=f"Did you miss this lesson? {occasion.what}",
        paragraphs=(
            f"The other side says that you did not come: {occasion.what}.",
            "If you did, say so within 24 hours; a person then decides. Otherwise it holds.",
        ),
    )


def _no_show(occasion: Occasion) -> Letter | None:
    lesson = occasion.lesson
    if lesson.status != "no_show":
        return None
    if lesson.outcome == "no_show_instructor":
        money = "Nothing is charged." if occasion.is_student else "You are not paid for it."
    elif occasion.is_student:
        money = f"Your card is charged {occasion.amount}, as for a lesson taught."
    else:
        money = f"You receive {occasion.share}, as for a lesson taught."
    return Letter(
        subject=f"Missed: {occasion.what}",
        paragraphs=(f"This lesson did not take place: {occasion.what}.", money),
    )


def _collection(occasion: Occasion) -> Letter | None:
    if occasion.lesson.payment_status != "collection":
        return None
    if not occasion.is_student:
        return Letter(
            subject=f"Not yet paid: {occasion.what}",
            paragraphs=(
                f"The student's card was declined for {occasion.what}.",
                f"You receive {occasion.share} when they have paid; we have asked them to.",
            ),
        )
    return Letter(
        subject=f"Please pay {occasion.amount} for your lesson",
        paragraphs=(
            f"Your card was declined and {occasion.amount} is still due: {occasion.what}.",
            f"Please pay it with another card within {occasion.policy.collect_within.days} days.",
        ),
    )


def _slot_lost(occasion: Occasion) -> Letter | None:
    if not occasion.is_student or occasion.lesson.outcome != "slot_lost":
        return None
    if occasion.lesson.start_at in occasion.alternatives:
        subject, when = "Your payment came too late", "when the time was not held for you any more"
    else:
        subject, when = "Somebody was faster", "when the time was taken already"
    times = " and ".join(occasion.when(each) for each in occasion.alternatives)
    offer = f"Free at the moment: {times}." if times else "Please look for another time."
    return Letter(
        subject=f"{subject}: {occasion.what}",
        paragraphs=(
            f"Your payment came {when}: {occasion.what}.",
            "Nothing was charged; what was reserved on your card is let go.",
            offer,
        ),
    )


_LETTERS: dict[Topic, Callable[[Occasion], Letter | None]] = {
    "booking.confirmed": _confirmed,
    "booking.cancelled": _cancelled,
    "booking.moved": _moved,
    "booking.move_proposed": _proposed,
    "booking.move_declined": _declined,
    "booking.no_show_reported": _reported,
    "booking.no_show": _no_show,
    "booking.slot_lost": _slot_lost,
    "payment.collection_opened": _collection,
    "payment.retry_scheduled": _retry,
    "payment.card_required": _card_required,
    "payment.action_required": _action_required,
    "payment.warned": _warned,
    "payment.settled": _settled,
    "payment.refunded": refunded,
    "payment.refund_failed": refund_failed,
    "payment.disputed": disputed,
    "credit.issued": credit_issued,
    "credit.expiring": credit_expiring,
}
