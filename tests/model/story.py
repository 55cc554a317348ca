"""One booking as the specification tells it: what was promised at which hour, and what it moved.

Nothing of the product is imported (`docs/money.md`, "state machines"; `docs/states.md`). A story is
told what people and banks did and lets everything that was due meanwhile happen by itself.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.model.facts import Card, Facts, Report
from tests.model.reference import (
    HOUR,
    consumed,
    credit_back,
    fee_of_refund,
    given_back,
    lost,
    paid,
    questioned,
    reserved,
    restored,
    revoked,
    topped_up,
    turned_into_credit,
    won,
)

DAY = 24 * HOUR
MINUTE = timedelta(minutes=1)
RUNGS = (24, 22, 20, 18)
UNPAID = {"auth_retry", "card_required", "action_required"}
SECURED = {"authorized", "credit_only"}
UNDECIDED = {"open", "contested"}
KEPT_OFF_SESSION = timedelta(days=4, hours=18)
KEPT_ON_SESSION = timedelta(days=7)
MARGIN = 2 * HOUR
DEBT = timedelta(days=14)
ANSWERED_WITHIN = timedelta(days=20)
"""A dispute is lost at the end of the nineteenth day after it was opened, as banks' days go."""
GRACE = {"student": 15 * MINUTE, "instructor": 10 * MINUTE}

Due = tuple[datetime, Callable[[datetime], None]]


class Story(Facts):
    """One booking's life."""

    def _ask(self) -> str:
        answer = self.card.answers[min(self.tries, len(self.card.answers) - 1)]
        self.tries += 1
        return answer

    def _authorized(self, at: datetime) -> None:
        self.authorized_at = at
        self.kept_until = at + (KEPT_ON_SESSION if self.is_on_session else KEPT_OFF_SESSION)
        self.payment = "authorized"

    def book(self, now: datetime) -> None:
        """Books; far ahead nothing is asked of the card, near the start all of it at once."""
        self.booked_at = self.at = now
        self.first_start = self.start
        self.status, self.payment = "confirmed", "scheduled"
        self.ledger.update(reserved(self.part))
        if self.part.card == 0:
            self.payment = "credit_only"
        elif self.start - now < DAY:
            self._book_near(now)
        self.tick(now)

    def _book_near(self, now: datetime) -> None:
        self.is_on_session = True
        match self._ask():
            case "ok":
                self._authorized(now)
            case "asks":
                self.status, self.payment = "pending", "action_required"
                self.hold_until = now + 15 * MINUTE
            case _:
                self.status, self.payment = "pending", "card_required"
                self.hold_until = now + 5 * MINUTE

    def tick(self, now: datetime) -> None:
        """Lets everything happen that is due by now, in order."""
        assert self.at is not None
        while (due := self._next()) is not None and due[0] <= now:
            self.at = max(self.at, due[0])
            due[1](self.at)
        self.at = max(self.at, now)

    def _next(self) -> Due | None:
        """The next promise: its instant and what happens then."""
        promises = (self._next_of_money(), self._next_of_report(), self._next_of_bank())
        found = [each for each in promises if each]
        return min(found, key=lambda each: each[0]) if found else None

    def _next_of_bank(self) -> Due | None:
        if self.payment != "disputed" or self.answered_by is None:
            return None
        return self.answered_by, self._unanswered

    def _next_of_report(self) -> Due | None:
        is_open = self.report is not None and self.report.state == "open"
        if self.report is None or not is_open or self.status not in {"confirmed", "completed"}:
            return None
        return self.report.upheld_at, self._uphold

    def _next_of_money(self) -> Due | None:
        match self.status, self.payment:
            case "pending", _ if self.hold_until is not None:
                return self.hold_until, self._expire
            case "confirmed", "authorized" | "credit_only":
                return self.end, self._complete
            case "confirmed", _:
                return self._next_of_unpaid()
            case "completed" | "no_show", "authorized" | "credit_only":
                return self._capture_at(), self._capture
            case "cancelled", "collection" if self.ended_at is not None:
                return self.ended_at + DEBT, self._write_off
            case _:
                return None

    def _next_of_unpaid(self) -> Due | None:
        match self.payment:
            case "scheduled":
                return self.start - DAY, self._try_rung
            case "auth_retry":
                return self.start - RUNGS[self.rung] * HOUR, self._try_rung
            case "card_required" | "action_required":
                return self.start - 6 * HOUR, self._give_up
            case _:
                return None

    def _capture_at(self) -> datetime:
        """A day after the lesson; an undecided report puts it off, the bank's end does not."""
        is_reported = self.report is not None and self.report.state in UNDECIDED
        last = datetime.max.replace(tzinfo=self.end.tzinfo)
        if self.payment == "authorized" and self.kept_until is not None:
            last = max(self.end, self.kept_until - MARGIN)
        return last if is_reported else min(self.end + DAY, last)

    def _expire(self, at: datetime) -> None:
        self.status = "expired"
        self._release(at)

    def _release(self, at: datetime) -> None:
        self.ended_at = at
        self.payment = "released"
        self.ledger.update(restored(self.part))

    def _try_rung(self, at: datetime) -> None:
        self.is_on_session = False
        match self._ask():
            case "ok":
                self._authorized(at)
            case "soft":
                self._climb(at)
            case "asks":
                self.payment = "action_required"
            case _:
                self.payment = "card_required"

    def _climb(self, at: datetime) -> None:
        """The next rung that still lies ahead, if there is one."""
        while self.rung < len(RUNGS) and self.start - RUNGS[self.rung] * HOUR <= at:
            self.rung += 1
        self.payment = "auth_retry" if self.rung < len(RUNGS) else "card_required"

    def _give_up(self, at: datetime) -> None:
        self.status, self.outcome = "cancelled", "payment_failed"
        self._release(at)

    def _complete(self, at: datetime) -> None:
        del at
        self.status = "completed"

    def _capture(self, at: datetime) -> None:
        self.payment = "settled"
        for each in (paid(self.part), consumed(self.part), topped_up(self.part)):
            self.ledger.update(each)
        self._question(at)

    def _question(self, at: datetime) -> None:
        if self.card.dispute:
            self.before_dispute, self.payment = self.payment, "disputed"
        if self.card.dispute == "chargeback":
            self.ledger.update(questioned(self.part))
            midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
            self.answered_by = midnight + ANSWERED_WITHIN

    def _unanswered(self, at: datetime) -> None:
        self.judged("lost", at)

    def _write_off(self, at: datetime) -> None:
        self._release(at)
        self.payment = "written_off"

    def tier(self, now: datetime) -> str:
        """What a cancellation by the student costs now."""
        lead = self.start - now
        is_fresh = self.booked_at is not None and now - self.booked_at <= 5 * MINUTE
        if self.status == "pending" or self.is_excused or (is_fresh and lead > 2 * HOUR):
            return "free"
        judged = lead if self.sticky is None else min(lead, self.sticky)
        if judged >= DAY:
            return "free"
        if judged >= 12 * HOUR:
            return "credit" if self.was_authorized else "free"
        return "full"

    def can_be_cancelled(self, now: datetime, *, by: str = "student") -> bool:
        """Whether there still is something to cancel; instructors may after the lesson as well."""
        if self.status in {"pending", "confirmed"} and now < self.start:
            return True
        is_theirs = by == "instructor" and self.status in {"confirmed", "completed"}
        return (
            is_theirs
            and self.payment in SECURED
            and self.report is None
            and now < self.end + DAY - MINUTE
        )

    def cancel(self, now: datetime, *, by: str) -> None:
        """Cancels; the money follows at once."""
        tier = self.tier(now) if by == "student" else "free"
        self.status, self.ended_at = "cancelled", now
        self.outcome = {"free": "free", "credit": "credit", "full": "charged"}[tier]
        if by == "instructor":
            self.outcome = "by_instructor"
        is_there = self.payment in SECURED or (tier != "free" and self._ask() == "ok")
        if tier == "free" or (tier == "credit" and not is_there):
            self._release(now)
        elif tier == "credit":
            self.payment = "credited"
            self.ledger.update(restored(self.part))
            self.ledger.update(turned_into_credit(self.part))
            self._question(now)
        elif is_there:
            self._capture(now)
        else:
            self.payment = "collection"

    def new_card(self, card: Card, now: datetime) -> None:
        """Another card, which is tried at once; a debt is paid with it."""
        self.card, self.tries, self.is_on_session = card, 1, True
        if self.payment == "collection":
            self._capture(now)
            return
        self._authorized(now)
        self.status = "confirmed"

    def challenge_passed(self, now: datetime) -> None:
        """The cardholder says yes to the bank."""
        self.is_on_session = True
        self._authorized(now)
        self.status = "confirmed"

    def may_move_alone(self, now: datetime) -> bool:
        """Whether the student needs nobody's consent."""
        lead = self.start - now
        if lead >= DAY:
            return self.moves < 2
        return lead >= 12 * HOUR and self.late_moves < 1

    def move(self, now: datetime, to: datetime, *, by: str, is_alone: bool) -> None:
        """Another time; what was reserved for the old one stays only where it lasts."""
        lead = self.start - now
        is_late = lead < DAY
        if by == "student" and is_late:
            lead -= timedelta(microseconds=lead.microseconds)
            self.sticky = lead if self.sticky is None else min(self.sticky, lead)
        self.moves += is_alone and not is_late
        self.late_moves += is_alone and is_late
        self.start, self.is_excused = to, False
        is_far = now < to - DAY
        is_stuck = self.payment in UNPAID and is_far
        if is_stuck or (self.payment == "authorized" and self._is_outgrown(now, is_far=is_far)):
            self.payment, self.rung = "scheduled", 0
        self.tick(now)

    def _is_outgrown(self, now: datetime, *, is_far: bool) -> bool:
        assert self.kept_until is not None
        assert self.authorized_at is not None
        if self.end + DAY <= self.kept_until - MARGIN:
            return False
        return is_far or now - self.authorized_at >= DAY

    def can_be_reported(self, now: datetime, *, absent: str) -> bool:
        """Whether somebody may say now that the other did not come."""
        is_time = self.start + GRACE[absent] <= now < self.end + DAY
        is_over = self.status in {"confirmed", "completed"} and self.payment in SECURED
        return self.report is None and is_over and is_time

    def reported(self, now: datetime, *, absent: str) -> None:
        """One side says that the other did not come."""
        self.report = Report(absent, now + DAY)

    def contested(self) -> None:
        """The other side says that they did."""
        assert self.report is not None
        self.report.state = "contested"

    def resolved(self, now: datetime, *, is_upheld: bool) -> None:
        """A person decides."""
        assert self.report is not None
        if is_upheld:
            self._uphold(now)
        else:
            self.report.state = "rejected"
        self.tick(now)

    def _uphold(self, at: datetime) -> None:
        assert self.report is not None
        self.report.state = "upheld"
        self.status, self.outcome = "no_show", f"no_show_{self.report.absent}"
        self.ended_at = at
        if self.report.absent == "instructor":
            self._undo(at)

    def _undo(self, at: datetime) -> None:
        """The instructor's fault: nothing is owed, and what was taken goes back."""
        if self.payment in SECURED:
            self._release(at)
        elif self.payment == "settled" and not self.refunded:
            self.refund(self.part.card, reverses=True)

    def refund(self, amount: int, *, reverses: bool) -> None:
        """Gives a part of what was taken back."""
        part, returned = self.part, self.fee_returned
        self.refunded += amount
        self.ledger.update(given_back(part, amount, reverses=reverses, returned=returned))
        if reverses:
            self.reversed += amount
            self.fee_returned += fee_of_refund(part, amount, returned)
        is_all = self.refunded == part.card
        self.payment = "refunded" if is_all else "partially_refunded"
        if is_all:
            self.ledger.update(credit_back(part))

    def judged(self, verdict: str, now: datetime) -> None:
        """The bank has decided the dispute, or given its inquiry up."""
        self.verdict = verdict
        is_lost = verdict == "lost"
        self.payment = "dispute_lost" if is_lost else self.before_dispute or "settled"
        if self.card.dispute == "chargeback":
            is_credit = self.before_dispute == "credited"
            end = revoked if is_lost and is_credit else lost if is_lost else won
            self.ledger.update(end(self.part))
        if self.outcome == "no_show_instructor":
            self._undo(now)
