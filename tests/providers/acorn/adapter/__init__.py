"""The adapter of Acorn, a provider that does not exist: what somebody else's package would hold.

It differs from every real one: milliseconds, one signature with a time, decimal amounts, a log of a week, objects with a clock
of their own that are deleted, a region as option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from service.provider import Connection, Envelope, Headers, Listing, Mapped, Ordering, Provider, Reader
from tests.providers.acorn.adapter import events, signature
from tests.providers.acorn.adapter.client import AcornReader
from tests.providers.acorn.adapter.mapping import LISTINGS, RANKS

_MODES = {"acorn-live-": "live", "acorn-test-": "test"}


class Acorn:
    """Acorn as a provider; `service.provider.Provider` says what each part guarantees."""

    name = "acorn"
    ordering = Ordering(object_clock=True)
    listings: tuple[Listing, ...] = LISTINGS
    log_memory_days: int | None = 7
    gives_up_after_seconds: float | None = 86_400.0
    reads_per_second = 20.0
    budget_scope: Literal["account", "key", "address"] = "account"
    options: tuple[str, ...] = ("region",)
    scope_option: str | None = None
    safety_lag_seconds = 60
    api_version: str | None = "9"
    types = tuple(sorted(events.EVENTS))

    def verify(self, *, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:
        """Judge a delivery's signature."""
        signature.verify(headers=headers, body=body, secrets=secrets, now=now, tolerance=tolerance)

    def envelope(self, body: bytes) -> Envelope:
        """Read a delivery's envelope."""
        return events.read_envelope(body)

    def map(self, payload: bytes) -> Mapped:
        """Translate a stored event."""
        return events.translate(payload)

    def rank(self, source: str, content: Mapping[str, Any]) -> int | None:
        """Place a content by its provider status."""
        return RANKS.get(source, {}).get(str(content.get("provider_status")))

    def mode(self, api_key: str | None) -> str | None:
        """`live` or `test` by the key's prefix."""
        return _MODES.get((api_key or "")[:11])

    def dashboard_url(self, source: str, object_id: str, *, livemode: bool) -> str | None:
        """The object's page."""
        host = "app" if livemode else "app-test"
        return f"https://{host}.acorn.example/{source}/{quote(object_id, safe='')}"

    def connect(self, connection: Connection) -> Reader:
        """A read side for one account."""
        return AcornReader(connection)


provider: Provider = Acorn()
