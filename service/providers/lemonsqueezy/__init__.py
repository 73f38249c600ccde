"""The Lemon Squeezy adapter, declared. Facts: docs.lemonsqueezy.com, `@lemonsqueezy/lemonsqueezy.js` 4.0.0, lmsqueezy/laravel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from service.provider import Connection, Envelope, Headers, Mapped, Ordering, Reader
from service.providers.lemonsqueezy import signature, statuses, usage
from service.providers.lemonsqueezy.billing import LemonSqueezyWriter
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.providers.lemonsqueezy.envelope import read_envelope
from service.providers.lemonsqueezy.events import EVENTS
from service.providers.lemonsqueezy.mapping.subscription_invoice import ATTEMPTS
from service.providers.lemonsqueezy.resources import RESOURCES
from service.providers.lemonsqueezy.translate import translate
from service.usage_port import Manner, UsageWriter
from service.write_port import Writer

# Only pages that the dashboard is known to have by an object's API id. UNVERIFIED: that test mode has the same addresses.
_DASHBOARD = ("orders", "subscriptions", "customers")


class LemonSqueezy:
    """Lemon Squeezy as a provider, without account or state; `service.provider.Provider` says what each part guarantees."""

    name = "lemonsqueezy"
    # `updated_at` is in whole seconds, so ties are common; the user id comes only with events.
    ordering = Ordering(
        object_clock=True,
        precedence=("subscription-invoices", "orders", ATTEMPTS),
        attempts=(ATTEMPTS,),
        sticky=("user_id",),
        receipts=("orders",),
    )
    listings = tuple(each.listing for each in RESOURCES.values())
    log_memory_days: int | None = None
    # Three more attempts, after 5, 25 and 125 s (docs.lemonsqueezy.com/help/webhooks/webhook-requests).
    gives_up_after_seconds: float | None = 155.0
    # Half of the 300 calls a minute that a key may make (docs.lemonsqueezy.com/api): other software reads too.
    reads_per_second = 2.5
    budget_scope: Literal["account", "key", "address"] = "key"
    options: tuple[str, ...] = ("store_id",)
    scope_option: str | None = "store_id"
    safety_lag_seconds = 60
    # There is one version, `/v1`, to which fields and event types are added at any time.
    api_version: str | None = None
    types = tuple(sorted(EVENTS))
    usage = usage.RULES

    def verify(self, *, headers: Headers, body: bytes, secrets: Sequence[str], now: float, tolerance: int) -> None:  # noqa: ARG002
        """Judge a delivery's signature; see `signature.verify`. No time is signed, so none is judged."""
        signature.verify(headers=headers, body=body, secrets=secrets)

    def envelope(self, body: bytes) -> Envelope:
        """Read a delivery's envelope; see `envelope.read_envelope`."""
        return read_envelope(body)

    def map(self, payload: bytes) -> Mapped:
        """Translate a stored event; see `translate.translate`."""
        return translate(payload)

    def rank(self, source: str, content: Mapping[str, Any]) -> int | None:
        """Place a content by its provider status; see `statuses.rank`."""
        return statuses.rank(source, content.get("provider_status"))

    def mode(self, api_key: str | None) -> str | None:  # noqa: ARG002
        """None: a key does not show whether it is of the test mode."""
        return None

    def dashboard_url(self, source: str, object_id: str, *, livemode: bool) -> str | None:  # noqa: ARG002
        """The object's page in the dashboard; None for objects without a page of their own."""
        return f"https://app.lemonsqueezy.com/{source}/{quote(object_id, safe='')}" if source in _DASHBOARD else None

    def connect(self, connection: Connection) -> Reader:
        """A read side for one account; see `client.LemonSqueezyReader`."""
        return LemonSqueezyReader(connection)

    def write(self, connection: Connection) -> Writer:
        """A write side for one account; see `billing.LemonSqueezyWriter`."""
        return LemonSqueezyWriter(connection)

    def manner(self, options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:
        """How a meter is told; see `usage.manner`."""
        return usage.manner(options, aggregation)

    def meter(self, connection: Connection) -> UsageWriter:
        """A usage side for one account; see `usage.LemonSqueezyUsage`."""
        return usage.LemonSqueezyUsage(connection)


provider = LemonSqueezy()
