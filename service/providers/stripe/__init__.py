"""The Stripe adapter, declared. Facts: stripe-python 16.1.0 and docs.stripe.com, API version 2026-10-28.endive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from service.provider import Connection, Envelope, Headers, Mapped, Ordering, Reader
from service.providers.stripe import signature, statuses, usage, wire
from service.providers.stripe.billing import StripeWriter
from service.providers.stripe.client import API_VERSION, StripeReader
from service.providers.stripe.envelope import read_envelope
from service.providers.stripe.events import EVENTS
from service.providers.stripe.resources import RESOURCES
from service.providers.stripe.translate import translate
from service.usage_port import Manner, UsageWriter
from service.write_port import Writer

# Only pages that the dashboard is known to have: a refund or credit note is reached through its payment or invoice.
_DASHBOARD = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "payment_intent": "payments",
    "charge": "payments",
    "dispute": "disputes",
}


class Stripe:
    """Stripe as a provider, without account or state; `service.provider.Provider` says what each part guarantees."""

    name = "stripe"
    # Objects carry no update time: events are stamped in whole seconds, reads by the answer's Date.
    ordering = Ordering(
        object_clock=False, margin=120, precedence=("payment_intent", "charge", "invoice_payment", "invoice")
    )
    listings = tuple(each.listing for each in RESOURCES.values())
    log_memory_days: int | None = 30
    # Three days in live mode; test mode stops after three attempts in a few hours (docs.stripe.com/webhooks).
    gives_up_after_seconds: float | None = 3 * 86_400.0
    # Live accounts may make 100 reads a second but only 25 at one endpoint (docs.stripe.com/rate-limits, 2026), and a
    # sweep stays at one endpoint for long: half of the tighter limit, since the account's other software reads too.
    reads_per_second = 12.5
    budget_scope: Literal["account", "key", "address"] = "account"
    options: tuple[str, ...] = ()
    scope_option: str | None = None
    # Lists may lag behind events; no figure is published.
    safety_lag_seconds = 900
    api_version: str | None = API_VERSION
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
        """`live` or `test` by the prefix of a secret or restricted key."""
        return wire.mode(api_key)

    def dashboard_url(self, source: str, object_id: str, *, livemode: bool) -> str | None:
        """The object's page in Stripe's dashboard; None for objects without a page of their own."""
        page = _DASHBOARD.get(source)
        return page and f"https://dashboard.stripe.com{'' if livemode else '/test'}/{page}/{quote(object_id, safe='')}"

    def connect(self, connection: Connection) -> Reader:
        """A read side for one account; see `client.StripeReader`."""
        return StripeReader(connection)

    def write(self, connection: Connection) -> Writer:
        """A write side for one account; see `billing.StripeWriter`."""
        return StripeWriter(connection)

    def manner(self, options: Mapping[str, str], aggregation: Literal["sum", "last"]) -> Manner:
        """How a meter is told; see `usage.manner`."""
        return usage.manner(options, aggregation)

    def meter(self, connection: Connection) -> UsageWriter:
        """A usage side for one account; see `usage.StripeUsage`."""
        return usage.StripeUsage(connection)


provider = Stripe()
