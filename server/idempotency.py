"""Idempotency keys: the same request twice is done once, and answered alike.

A row is claimed before the work and finished with its answer. While a request is worked on, its
process renews the claim; a claim that nobody renews belongs to a process that died, and the next
request with the key takes it over with the booking id of the first, so that the work goes on where
it stopped. Answers are kept when something happened (2xx) or a card was refused (402). Secrets of
Stripe are never kept: they are read anew.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import msgspec
import structlog
from litestar import Response

from actors.idempotency import Answered, Claim, Keys, Scope, columns_of
from domain.errors import (
    DomainError,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    Kind,
)
from domain.ids import new_id
from gateways.clock import Clock
from server.problems import MEDIA_TYPE, body_of, status_of
from server.requests import JSON, Request
from storage.database import Database
from storage.idempotency import (
    KeptAnswer,
    abandon_key,
    forget_old_keys,
    free_key,
    key_by_request,
    renew_keys,
)

RENEW_SECONDS = 1.5
IN_USE_RETRY_SECONDS = 1
REPLAYED = "Idempotent-Replayed"
TIDY_EVERY = 400
"""So many renewals between two looks for keys whose time is over."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler answers: the body and its status."""

    body: msgspec.Struct
    status: int = 200


Work = Callable[[UUID], Awaitable[Outcome]]
"""Does it, with the booking id to use."""
Strip = Callable[[msgspec.Struct], msgspec.Struct]
"""The body without what must not be stored."""
Restore = Callable[[bytes], Awaitable[msgspec.Struct]]
"""The stored body with what was left out, read anew."""


class Idempotency:
    """Remembers what was done under which key."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Real time throughout."""
        self._db = db
        self._clock = clock
        self._keys = Keys(db, clock.wall_now)
        self._live: set[Scope] = set()

    async def once(
        self,
        request: Request,
        work: Work,
        *,
        strip: Strip | None = None,
        restore: Restore | None = None,
    ) -> Response[msgspec.Struct] | Response[bytes]:
        """Answers a request that must not happen twice; without a key it just happens.

        Raises `IdempotencyKeyReused` for another body, `IdempotencyKeyInUse` for a twin in flight.
        """
        key = request.idempotency_key
        if key is None:
            return _response(await work(new_id(self._clock.now())))
        scope = Scope(
            user_id=request.viewer.user_id,
            method=request.method,
            path=request.scope["path"],
            key=key,
        )
        request_hash = hashlib.sha256(await request.body()).digest()
        claim = Claim(scope=scope, request_hash=request_hash, booking_id=new_id(self._clock.now()))
        booking_id = await self._keys.claim(claim)
        if booking_id is None:
            return await self._replay(scope, request_hash, restore)
        return await self._first(scope, booking_id, work, strip)

    @asynccontextmanager
    async def renewing(self) -> AsyncGenerator[None]:
        """Keeps the claims of requests under way while the block runs."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _first(
        self, scope: Scope, booking_id: UUID, work: Work, strip: Strip | None
    ) -> Response[msgspec.Struct] | Response[bytes]:
        self._live.add(scope)
        try:
            outcome = await work(booking_id)
        except DomainError as refusal:
            await self._refused(scope, refusal)
            raise
        except BaseException:
            await asyncio.shield(self._abandon(scope))
            raise
        finally:
            self._live.discard(scope)
        kept = strip(outcome.body) if strip else outcome.body
        await self._finish(scope, outcome.status, msgspec.json.encode(kept))
        return _response(outcome)

    async def _refused(self, scope: Scope, refusal: DomainError) -> None:
        """Keeps a refused card; frees the key after a refusal without effect, else leaves it."""
        if refusal.kind is Kind.PAYMENT_REFUSED:
            await self._finish(scope, status_of(refusal), body_of(refusal))
        elif refusal.kind is Kind.UNAVAILABLE:
            await self._abandon(scope)
        else:
            await free_key(self._db.alone, **msgspec.structs.asdict(scope))

    async def _replay(
        self, scope: Scope, request_hash: bytes, restore: Restore | None
    ) -> Response[msgspec.Struct] | Response[bytes]:
        kept = await key_by_request(self._db.alone, **msgspec.structs.asdict(scope))
        if kept is not None and kept.request_hash != request_hash:
            raise IdempotencyKeyReused
        if kept is None or kept.response_status is None or kept.response_body is None:
            raise IdempotencyKeyInUse(retry_after=IN_USE_RETRY_SECONDS)
        return await _kept_response(kept, kept.response_body, restore)

    async def _finish(self, scope: Scope, status: int, body: bytes) -> None:
        await self._keys.finish(Answered(scope=scope, status=status, body=body))

    async def _abandon(self, scope: Scope) -> None:
        """The next request with this key may go on at once."""
        with suppress(DomainError):
            await abandon_key(self._db.alone, **msgspec.structs.asdict(scope))

    async def _keep(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            rounds += 1
            try:
                await self._renew()
                if rounds % TIDY_EVERY == 0:
                    await self._tidy()
            except DomainError as error:
                log.warning("idempotency.renewal_failed", code=error.code)

    async def _renew(self) -> None:
        live = list(self._live)
        if not live:
            return
        async with self._db.transaction() as tx:
            await renew_keys(
                tx,
                **columns_of(live),
                now=self._clock.wall_now(),
            )

    async def _tidy(self) -> None:
        async with self._db.transaction() as tx:
            await forget_old_keys(tx, now=self._clock.wall_now())


def _response(outcome: Outcome) -> Response[msgspec.Struct]:
    return Response(outcome.body, status_code=outcome.status)


async def _kept_response(
    kept: KeptAnswer, body: bytes, restore: Restore | None
) -> Response[msgspec.Struct] | Response[bytes]:
    status, headers = kept.response_status or 200, {REPLAYED: "true"}
    if status >= 400:
        return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)
    if restore is None:
        return Response(body, status_code=status, media_type=JSON, headers=headers)
    return Response(await restore(body), status_code=status, headers=headers)
