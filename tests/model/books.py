"""What an onlooker sees: the product's tables and the emulator's own books."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx

from sandbox.emulator import SECRET_KEY

Rows = list[Any]


class Books:
    """Reads both sides; writes nothing."""

    def __init__(self, db: "asyncpg.Connection[asyncpg.Record]", stripe: httpx.AsyncClient) -> None:
        """Made by `opened`."""
        self._db = db
        self._stripe = stripe

    async def rows(self, query: str, *arguments: object) -> Rows:
        """Rows of the product's database."""
        return list(await self._db.fetch(query, *arguments))

    async def value(self, query: str, *arguments: object) -> object:
        """One value of the product's database."""
        return await self._db.fetchval(query, *arguments)

    async def get(self, path: str) -> dict[str, Any]:
        """One answer of the emulator."""
        return (await self._stripe.get(path)).raise_for_status().json()

    async def everything(self, path: str, account: str = "") -> AsyncIterator[dict[str, Any]]:
        """All objects of a list at Stripe, of the platform or of a connected account."""
        params: dict[str, Any] = {"limit": 100}
        headers = {"Stripe-Account": account} if account else {}
        while True:
            answer = await self._stripe.get(path, params=params, headers=headers)
            page = answer.raise_for_status().json()
            for each in page["data"]:
                yield each
            if not page["has_more"]:
                return
            params["starting_after"] = page["data"][-1]["id"]


@asynccontextmanager
async def opened(
    database_url: str, stripe_url: str, stripe_key: str = SECRET_KEY
) -> AsyncGenerator[Books]:
    """Both sides, until the block ends."""
    db = await asyncpg.connect(database_url)
    try:
        async with httpx.AsyncClient(
            base_url=stripe_url, auth=(stripe_key, ""), timeout=30, trust_env=False
        ) as stripe:
            yield Books(db, stripe)
    finally:
        await db.close()
