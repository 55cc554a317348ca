"""Accounts at Stripe that change under us, students to look at, and what admins can do about it."""

from datetime import timedelta

import httpx
import pytest

from sandbox.client import JSON, Market, Person, Refused, fresh_key
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world


async def deleted(lesson: Lesson, path: str) -> JSON:
    """Deletes something at Stripe, as somebody in its dashboard would; the world takes it in."""
    base, secret = lesson.world["stripe_url"], lesson.world["stripe_secret_key"]
    async with httpx.AsyncClient(base_url=base, auth=(secret, ""), timeout=30) as client:
        answer = (await client.delete(path)).raise_for_status().json()
    await lesson.travel(await lesson.market.now())
    return answer


async def standing(lesson: Lesson) -> JSON:
    return await lesson.offer.instructor.get("/api/instructor/stripe/status")


async def require(lesson: Lesson, **wanted: object) -> JSON:
    """Lets Stripe ask the instructor for more; how they stand then."""
    account = (await standing(lesson))["account_id"]
    await lesson.stripe_post(f"/_emulator/accounts/{account}/requirements", wanted)
    await lesson.travel(await lesson.market.now())
    return await standing(lesson)


async def overview(market: Market, teacher: Person) -> str:
    """The instructor's overview as a page."""
    headers = {"Authorization": f"Bearer {teacher.token}"}
    async with httpx.AsyncClient(base_url=market.url, headers=headers, timeout=30) as client:
        return (await client.get("/teach")).raise_for_status().text


async def flags_of(lesson: Lesson) -> list[JSON]:
    admin = await lesson.market.admin()
    me = await lesson.student.get("/api/me")
    return (await admin.get("/api/admin/flags", user_id=me["id"]))["items"]


async def test_m17_a_late_cancellation_without_any_reservation_is_free_and_flags_the_student(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_chargeCustomerFail")
    await lesson.before(hours=20)
    ended = await lesson.cancel()
    assert (ended["outcome"], ended["payment_status"]) == ("free", "released")
    assert await lesson.totals() == {}
    (flag,) = await flags_of(lesson)
    assert (flag["kind"], flag["booking_id"]) == ("late_without_authorization", ended["id"])
    assert flag["flags_of_user"] == 1
    admin = await market.admin()
    trail = await admin.get("/api/admin/audit", booking_id=ended["id"], event="booking.cancelled")
    assert [each["details"]["flag"] for each in trail["items"]] == ["late_without_authorization"]


async def test_a_cancellation_that_becomes_credit_or_comes_early_flags_nobody(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    assert (await lesson.cancel())["outcome"] == "credit"
    assert await flags_of(lesson) == []


async def test_an_account_that_leaves_is_noted_once_and_its_later_events_are_no_trouble(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    account = (await standing(lesson))["account_id"]
    await deleted(lesson, f"/v1/accounts/{account}")

    now = await standing(lesson)
    assert (now["state"], now["bookable"]) == ("restricted", False)
    assert (now["transfers_active"], now["payouts_enabled"]) == (False, False)
    with pytest.raises(Refused) as refused:
        await lesson.book()
    assert refused.value.code == "instructor-not-bookable"
    with pytest.raises(Refused) as closed:
        await lesson.offer.instructor.post("/api/instructor/stripe/onboarding")
    assert closed.value.status == 409

    admin = await market.admin()
    worked = (await admin.get("/api/admin/webhooks", account=account, limit=100))["items"]
    again = await admin.post("/api/admin/webhooks/replay", {"event_ids": [e["id"] for e in worked]})
    assert len(again["event_ids"]) == len(worked)
    await lesson.travel(await market.now() + timedelta(hours=1))
    after = (await admin.get("/api/admin/webhooks", account=account, limit=100))["items"]
    assert {each["state"] for each in after} == {"worked"}
    whom = (await market.send("GET", "/sandbox"))["demo"]["admin"]["email"]
    caught = await market.send("GET", "/sandbox/mail", params={"to": whom})
    mails = caught["items"] if isinstance(caught, dict) else caught
    told = [each for each in mails if account in each["text"]]
    assert [each["subject"] for each in told] == ["An instructor's account left the platform"]


async def test_a_customer_deleted_at_stripe_takes_its_cards_along_and_is_made_anew(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    customers = await lesson.stripe("/v1/customers", email=lesson.student.email)
    (customer,) = customers["data"]
    assert len((await lesson.student.get("/api/payments/methods"))["items"]) == 1

    await deleted(lesson, f"/v1/customers/{customer['id']}")
    assert (await lesson.student.get("/api/payments/methods"))["items"] == []
    first = lesson.booking
    lesson.start_at += timedelta(hours=2)
    await lesson.book()
    assert lesson.booking["status"] == "confirmed"
    customers = await lesson.stripe("/v1/customers", email=lesson.student.email)
    (made,) = customers["data"]
    assert made["id"] != customer["id"]

    lesson.booking = first
    await lesson.before(hours=24)
    assert (await lesson.read())["payment_status"] == "card_required"


async def test_an_instructor_hears_once_of_each_worse_state_of_their_account(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    teacher = lesson.offer.instructor
    assert (await standing(lesson))["state"] == "active"
    deadline = await market.now() + timedelta(days=14)

    soon = await require(lesson, due=["individual.id_number"], deadline=int(deadline.timestamp()))
    assert (soon["state"], soon["bookable"]) == ("restricted_soon", True)
    assert soon["deadline_at"] == deadline.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    assert len(await lesson.mails("stripe needs something", to=teacher)) == 1
    assert "Stripe needs something from you" in await overview(market, teacher)

    late = await require(
        lesson, due=["individual.id_number"], disabled_reason="requirements.past_due"
    )
    assert (late["state"], late["bookable"]) == ("restricted", False)
    assert "account-disabled" in late["blockers"]
    assert len(await lesson.mails("students cannot book you", to=teacher)) == 1
    assert not await lesson.is_listed()

    fine = await require(lesson)
    assert (fine["state"], fine["bookable"], fine["deadline_at"]) == ("active", True, None)
    # the last one's subject has the first one's words too
    assert len(await lesson.mails("stripe needs something", to=teacher)) == 2


async def test_an_admin_finds_payments_and_promises_and_cancels_without_a_strike(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    booking, admin = lesson.booking["id"], await market.admin()
    (payment,) = (await admin.get("/api/admin/payments", booking_id=booking))["items"]
    assert (payment["status"], payment["card_amount_cents"]) == ("authorized", 10_000)
    teacher = lesson.offer.instructor.id
    mine = await admin.get("/api/admin/payments", user_id=teacher, status="authorized")
    assert [each["booking_id"] for each in mine["items"]] == [booking]

    promised = await admin.get("/api/admin/timings", subject_id=booking, state="scheduled")
    assert [each["kind"] for each in promised["items"]] == ["start"]
    with pytest.raises(Refused) as refused:
        await admin.post(f"/api/admin/timings/{promised['items'][0]['id']}/retry")
    assert refused.value.status == 409

    path, why = f"/api/admin/bookings/{booking}/cancel", {"reason": "The house has burned down."}
    await admin.post(path, why, key=fresh_key())
    await lesson.travel(await market.now())
    ended = await lesson.read()
    assert (ended["outcome"], ended["payment_status"]) == ("by_instructor", "released")
    assert await lesson.totals() == {}
    trail = await admin.get("/api/admin/audit", booking_id=booking, actor_kind="admin")
    assert "booking.cancelled" in [each["event"] for each in trail["items"]]
    (told,) = await lesson.mails("cancelled")
    assert "We had to cancel it" in told["text"]


async def test_given_credit_is_told_at_once_and_twice_before_its_end(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    admin, now = await market.admin(), await market.now()
    me = await lesson.student.get("/api/me")
    wish = {
        "user_id": me["id"],
        "amount_cents": 1200,
        "expires_at": (now + timedelta(days=40)).isoformat(),
        "reason": "a present",
    }
    await admin.post("/api/admin/credits", wish, key=fresh_key())
    await lesson.travel(now + timedelta(days=11))
    assert len(await lesson.mails("you have $12.00 credit")) == 1
    assert len(await lesson.mails("your credit of $12.00 ends soon")) == 1
    await lesson.travel(now + timedelta(days=34))
    assert len(await lesson.mails("your credit of $12.00 ends soon")) == 2
    await lesson.travel(now + timedelta(days=41))
    assert len(await lesson.mails("your credit of $12.00 ends soon")) == 2
