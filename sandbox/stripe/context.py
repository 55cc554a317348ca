"""What a handler gets: the transaction's store, the instant, the account, and who asks."""

from typing import Any, Self

from sandbox.stripe.clock import DAY_SECONDS
from sandbox.stripe.errors import missing
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store

Doc = dict[str, Any]


class Ctx:
    """One request, or one piece of due work, inside one transaction."""

    __slots__ = (
        "account",
        "base_url",
        "config",
        "is_publishable",
        "key",
        "now_us",
        "request_id",
        "store",
        "wall_us",
    )

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        now_us: int,
        wall_us: int,
        account: str = "",
        request_id: str | None = None,
        key: str | None = None,
        is_publishable: bool = False,
        base_url: str = "",
    ) -> None:
        self.store = store
        self.config = config
        self.now_us = now_us
        self.wall_us = wall_us
        self.account = account
        self.request_id = request_id
        self.key = key
        self.is_publishable = is_publishable
        self.base_url = base_url

    @property
    def now(self) -> int:
        """Seconds since 1970, as Stripe writes `created`."""
        return self.now_us // 1_000_000

    @property
    def today(self) -> int:
        """Midnight UTC of today, in seconds."""
        return self.now - self.now % DAY_SECONDS

    def on(self, account: str) -> Self:
        """The same moment in another account; '' is the platform."""
        return type(self)(
            self.store,
            self.config,
            now_us=self.now_us,
            wall_us=self.wall_us,
            account=account,
            request_id=self.request_id,
            key=self.key,
            is_publishable=self.is_publishable,
            base_url=self.base_url,
        )

    def new_id(self, prefix: str) -> str:
        """The next id."""
        return self.store.new_id(prefix)

    def insert(self, doc: Doc) -> Doc:
        """Keep a new object in this account."""
        self.store.insert(doc, self.account)
        return doc

    def save(self, doc: Doc) -> Doc:
        """Keep a changed object."""
        self.store.save(doc)
        return doc

    def load(self, kind: str, object_id: str, *, param: str | None = None) -> Doc:
        """An object of this account; `param` is the parameter that named it (400, not 404)."""
        doc = self.store.find(kind, object_id, self.account)
        if doc is None:
            name = "PaymentMethod" if kind == "payment_method" else kind
            raise missing(name, object_id, param=param or "id", status=400 if param else 404)
        return doc


def shown(doc: Doc) -> Doc:
    """An object without its hidden part."""
    return {name: value for name, value in doc.items() if name != "_"}
