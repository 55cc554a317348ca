"""A small patient client of the public API: plays people for demo, stories and benches."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import httpx

JSON = dict[str, Any]
PASSWORD = "violet kettle sings at noon"  # noqa: S105 - the demo's public password
RETRIES_MAX = 600
RETRY_SECONDS = 0.25


class Refused(Exception):
    """An answer of 400 or above; carries the problem body."""

    def __init__(self, status: int, problem: JSON, request: str) -> None:
        """`request` is method and path, for the reader of the error."""
        super().__init__(f"{request}: {status} {problem.get('code')} {problem.get('detail')}")
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = problem


class Person:
    """Somebody signed in: sends requests with their token."""

    def __init__(self, market: "Market", email: str, user: JSON, token: str) -> None:
        """Made by `Market.register` and `Market.login`."""
        self.market = market
        self.email = email
        self.user = user
        self.token = token
        self.id = str(user["id"])
        self.name = str(user["display_name"])

    async def get(self, path: str, **params: str | int) -> JSON:
        """GET as this person."""
        return await self.market.send("GET", path, person=self, params=params)

    async def post(self, path: str, body: JSON | None = None, *, key: str | None = None) -> JSON:
        """POST as this person; with a key the request is safe to repeat."""
        return await self.market.send("POST", path, person=self, body=body or {}, key=key)

    async def put(self, path: str, body: JSON) -> JSON:
        """PUT as this person."""
        return await self.market.send("PUT", path, person=self, body=body)


class Market:
    """One marketplace at one address; `is_patient` retries what a dying process left open."""

    def __init__(self, url: str, *, is_patient: bool = False) -> None:
        """Connects lazily; use as an async context manager."""
        self.url = url.rstrip("/")
        self.is_patient = is_patient
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self.http = httpx.AsyncClient(base_url=self.url, timeout=150, limits=limits)

    async def __aenter__(self) -> Self:
        """Opens the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the client."""
        await self.http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        person: Person | None = None,
        body: JSON | None = None,
        params: Mapping[str, str | int] | None = None,
        key: str | None = None,
    ) -> JSON:
        """One request; raises `Refused`. Patient clients repeat what is safe to repeat."""
        for _ in range(RETRIES_MAX):
            headers = {"Authorization": f"Bearer {person.token}"} if person else {}
            if key:
                headers["Idempotency-Key"] = key
            answer = await self.ask(method, path, body=body, params=params, headers=headers)
            if self.is_patient and person and answer.status_code == 401:
                person.token = (await self.login(person.email)).token
                continue
            if self.is_patient and _is_worth_repeating(answer):
                await asyncio.sleep(_pause(answer))
                continue
            return self._read(answer, f"{method} {path}")
        raise TimeoutError(f"{method} {path} was not answered")

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: JSON | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> httpx.Response:
        """One request to any server of this world; patient clients repeat lost ones."""
        for _ in range(RETRIES_MAX):
            try:
                return await self.http.request(
                    method, url, json=body, params=dict(params or {}), headers=headers, auth=auth
                )
            except httpx.TransportError:
                if not self.is_patient:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
        raise TimeoutError(f"{method} {url} was not answered")

    async def stripe(self, path: str, *, account: str, **params: str | int) -> JSON:
        """GET at this world's Stripe, as the platform, about one connected account."""
        world = await self.send("GET", "/sandbox")
        answer = await self.ask(
            "GET",
            world["stripe_url"] + path,
            params=params,
            headers={"Stripe-Account": account},
            auth=(world["stripe_secret_key"], ""),
        )
        return self._read(answer, f"GET {path}")

    @staticmethod
    def _read(answer: httpx.Response, request: str) -> JSON:
        body: JSON = answer.json() if answer.content else {}
        if answer.status_code >= 400:
            raise Refused(answer.status_code, body, request)
        return body

    async def register(self, email: str, name: str, role: str, time_zone: str) -> Person:
        """A new account, signed in; logs in where a lost answer had made it already."""
        body = {
            "email": email,
            "password": PASSWORD,
            "display_name": name,
            "role": role,
            "time_zone": time_zone,
        }
        try:
            answer = await self.send("POST", "/api/auth/register", body=body)
        except Refused as refusal:
            if refusal.code == "email-taken" and self.is_patient:
                return await self.login(email)
            raise
        return Person(self, email, answer["user"], answer["access_token"])

    async def login(self, email: str, password: str = PASSWORD) -> Person:
        """Signs in by password."""
        body = {"email": email, "password": password}
        answer = await self.send("POST", "/api/auth/login", body=body)
        return Person(self, email, answer["user"], answer["access_token"])

    async def slots(self, instructor_id: str, service_id: str, minutes: int, **window: str) -> JSON:
        """The free slots of an instructor."""
        params = {"service_id": service_id, "duration_minutes": minutes, **window}
        return await self.send("GET", f"/api/instructors/{instructor_id}/slots", params=params)

    async def now(self) -> datetime:
        """The marketplace's time."""
        clock = await self.send("GET", "/sandbox/clock")
        return datetime.fromisoformat(clock["now"])

    async def travel(self, at: datetime, *, is_frozen: bool | None = None) -> JSON:
        """Moves the whole world's clock forward; answers what fired on the way."""
        body: JSON = {"at": at.isoformat()}
        if is_frozen is not None:
            body["frozen"] = is_frozen
        return await self.send("POST", "/sandbox/clock", body=body)

    async def admin(self) -> Person:
        """The sandbox's admin, signed in."""
        admin = (await self.send("GET", "/sandbox"))["demo"]["admin"]
        return await self.login(admin["email"], admin["password"])


def _is_worth_repeating(answer: httpx.Response) -> bool:
    """Whether the same request may fare better in a moment: a process died, or we were hasty."""
    if answer.status_code >= 500:
        return True
    hasty = ("idempotency-key-in-use", "rate-limited")
    return answer.status_code in {409, 429} and any(code in answer.text for code in hasty)


def _pause(answer: httpx.Response) -> float:
    """How long to wait, in seconds: as long as a living server asks for."""
    asked = answer.headers.get("Retry-After") if answer.status_code < 500 else None
    return float(asked) if asked else RETRY_SECONDS


class Offer:
    """What an instructor sells, ready to be booked."""

    def __init__(self, instructor: Person, service_id: str, minutes: int) -> None:
        """Made by `open_for_lessons`."""
        self.instructor = instructor
        self.service_id = service_id
        self.minutes = minutes

    def request(self, start_at: str, **more: object) -> JSON:
        """The body that books this offer at an instant."""
        return {
            "instructor_id": self.instructor.id,
            "service_id": self.service_id,
            "start_at": start_at,
            "duration_minutes": self.minutes,
            "modality": "online",
            **more,
        }


WORKING_WEEK = [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(5)]


async def open_for_lessons(
    instructor: Person,
    *,
    skill: str,
    title: str,
    hourly_rate_cents: int,
    weekly: list[JSON] | None = None,
    headline: str = "",
    bio: str = "",
    languages: tuple[str, ...] = ("en",),
    policy: JSON | None = None,
    exceptions: list[JSON] | None = None,
) -> Offer:
    """Walks an instructor through the whole checklist: profile, service, week, payouts."""
    profile = {
        "headline": headline or title,
        "bio": bio,
        "languages": list(languages),
        "modalities": ["online", "in_person"],
        "published": True,
    }
    await instructor.put("/api/instructor/profile", profile)
    services = await instructor.get("/api/instructor/services")
    service = next((s for s in services["items"] if s["title"] == title), None)
    if service is None:
        body = {
            "skill": skill,
            "title": title,
            "description": f"One-to-one {title.lower()}, at your pace.",
            "hourly_rate_cents": hourly_rate_cents,
            "durations_minutes": [30, 60],
            "modalities": ["online"],
        }
        service = await instructor.post("/api/instructor/services", body)
    availability = {
        "time_zone": instructor.user["time_zone"],
        "weekly": weekly or WORKING_WEEK,
        "exceptions": exceptions or [],
        "policy": policy or {},
    }
    await instructor.put("/api/instructor/availability", availability)
    link = await instructor.post("/api/instructor/stripe/onboarding")
    await instructor.market.ask("POST", link["url"])
    await _until_bookable(instructor)
    return Offer(instructor, service["id"], 60)


async def _until_bookable(instructor: Person) -> None:
    for _ in range(RETRIES_MAX):
        status = await instructor.get("/api/instructor/stripe/status")
        if status["bookable"]:
            return
        await asyncio.sleep(RETRY_SECONDS if instructor.market.is_patient else 0.05)
    raise TimeoutError(f"{instructor.name} did not become bookable: {status['blockers']}")


def fresh_key() -> str:
    """A new Idempotency-Key."""
    return str(uuid.uuid4())
