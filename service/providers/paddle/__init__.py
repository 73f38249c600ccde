"""The Paddle Billing adapter, declared. Facts: paddle-python-sdk 1.16.1 and developer.paddle.com, API version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from service.provider import Connection, Envelope, Headers, Mapped, Ordering, Reader
from service.providers.paddle import signature, statuses, usage, wire
from service.providers.paddle.billing import PaddleWriter
from service.providers.paddle.client import PaddleReader
from service.providers.paddle.envelope import read_envelope
from service.providers.paddle.events import EVENTS
from service.providers.paddle.resources import RESOURCES
from service.providers.paddle.translate import translate
from service.usage_port import Manner, UsageWriter
from service.write_port import Writer

# Only pages that the dashboard is known to have: a price is reached through its product, an adjustment through its
# transaction.
_DASHBOARD = {
    "customer": "customers-v2",
    "product": "products-v2",
    "subscription": "subscriptions-v2",
    "transaction": "transactions-v2",
}


class Paddle:
    """Paddle as a provider, without account or state; `service.provider.Provider` says what each part guarantees."""

    name = "paddle"
    # Each object carries the time of its last update, in events and reads alike.
    ordering = Ordering(object_clock=True, precedence=("transaction",))
    listings = tuple(each.listing for each in RESOURCES.values())
    log_memory_days: int | None = 90
    # Sixty attempts in three days (developer.paddle.com/webhooks/respond-to-webhooks); UNVERIFIED: 15 minutes in the sandbox.
    gives_up_after_seconds: float | None = 3 * 86_400.0
    # 240 requests a minute, for all keys behind one address (developer.paddle.com, rate limiting); half of it, since the
    # machine's other software reads too.
    reads_per_second = 2.0
    budget_scope: Literal["account", "key", "address"] = "address"
    options: tuple[str, ...] = ()
    scope_option: str | None = None
    # How far lists and the log lag behind is not published.
    safety_lag_seconds = 300
    api_version: str | None = wire.API_VERSION
    types = tuple(sorted(EVENTS))
    usage = usage.RULES

    def verify(self, *, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
        """Judge a delivery's signature; see `signature.verify`."""
        signature.verify(headers=headers, body=body, secrets=secrets, now=now, tolerance=tolerance)

    def envelope(self, body: bytes) -> Envelope:
        """Read a delivery's envelope; see `envelope.read_envelope`."""
        return read_envelope(body)

    def map(self, payload: bytes) -> Mapped:
        """Translate a stored event; see `translate.translate`."""
        return translate(payload)

    def rank(self, source: str, content: Mapping[str, Any]) -> int | None:
        """Place a content by its provider status; see `statuses.rank`."""
        return statuses.rank(source, content.get("provider_status"))

    def mode(self, api_key: str | None) -> str | None:
        """`live` or `test` by the key's prefix; a key from before there were prefixes says nothing."""
        return wire.mode(api_key)

    def dashboard_url(self, source: str, object_id: str, *, livemode: bool) -> str | None:
        """The object's page in Paddle's dashboard; None for objects without a page of their own."""
        page = _DASHBOARD.get(source)
        host = "vendors.paddle.com" if livemode else "sandbox-vendors.paddle.com"
        return page and f"https://{host}/{page}/{quote(object_id, safe='')}"

    def connect(self, connection: Connection) -> Reader:
        """A read side for one account; see `client.PaddleReader`."""
        return PaddleReader(connection)

    def write(self, connection: Connection) -> Writer:
        """A write side for one account; see `billing.PaddleWriter`."""
        return PaddleWriter(connection)

    def manner(self, options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:
        """How a meter is told; see `usage.manner`."""
        return usage.manner(options, aggregation)

    def meter(self, connection: Connection) -> UsageWriter:
        """A usage side for one account; see `usage.PaddleUsage`."""
        return usage.PaddleUsage(connection)


provider = Paddle()
