"""People that several tests of the server need."""

from uuid import uuid4

import httpx
from litestar import Litestar

from actors.accounts import ensure_admin
from storage.database import Database
from tests.server.conftest import PASSWORD, Person


async def admin_of(http: httpx.AsyncClient, app: Litestar, database_url: str) -> Person:
    """Make an admin and sign in."""
    email = f"{uuid4().hex}@example.org"
    db = await Database.connect(database_url, size=1, reads_size=1)
    now = app.state["parts"].clock.now()
    user_id = await ensure_admin(db, email=email, password=PASSWORD, display_name="Admin", now=now)
    await db.close()
    answer = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    body = answer.json()
    return Person(
        id=str(user_id),
        email=email,
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
    )
