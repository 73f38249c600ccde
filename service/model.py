"""Neutral values: what every provider's objects are translated into.

Money is an integer in ISO 4217 minor units beside an upper-case currency. Times are timezone-aware UTC. The `fields` of a
`Snapshot` are its *content*: what is compared, ordered and stored. Signed URLs and the like never enter it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec

from service.content import Content as Content
from service.content import content_of as content_of
from service.content import digest as digest

Kind: TypeAlias = Literal[
    "customer", "subscription", "invoice", "payment", "refund", "dispute", "credit_note", "product", "price"
]
UNKNOWN: Final = "unknown"


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Content of one object; every field is optional."""


class Customer(Fields, frozen=True, kw_only=True):
    """A buyer. `user_id` is the application's own id, carried in metadata or custom data."""

    status: str = "active"
    provider_status: str | None = None
    email: str | None = None
    name: str | None = None
    currency: str | None = None
    user_id: str | None = None
    created_at: datetime | None = None


class SubscriptionItem(Fields, frozen=True, kw_only=True):
    """One price within a subscription. `quantity` is None for metered items."""

    id: str
    price_id: str | None = None
    product_id: str | None = None
    quantity: int | None = None
    currency: str | None = None
    unit_amount: int | None = None
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None


class Subscription(Fields, frozen=True, kw_only=True):
    """`amount` is the sum of licensed items before tax, None where it can't be known. `cancels_at` is a scheduled end.
    `begun_by` is the invoice that began it and is only a receipt: its money is in the subscription's own invoices too.
    `offer_id` is what was bought, where that is something else than a price: prices may be replaced under it.
    """

    customer_id: str | None = None
    status: str = UNKNOWN
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    collection_method: str | None = None
    collection_paused: bool = False
    begun_by: str | None = None
    offer_id: str | None = None
    email: str | None = None
    user_id: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    trial_ends_at: datetime | None = None
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancels_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    items: tuple[SubscriptionItem, ...] = ()


class InvoiceLine(Fields, frozen=True, kw_only=True):
    """One line of an invoice; `period_*` is the service period that it bills."""

    id: str
    amount: int | None = None
    currency: str | None = None
    description: str | None = None
    quantity: int | None = None
    price_id: str | None = None
    subscription_item_id: str | None = None
    proration: bool = False
    period_start: datetime | None = None
    period_end: datetime | None = None


class Invoice(Fields, frozen=True, kw_only=True):
    """`amount` is the total, `amount_due` what was asked, `amount_paid` what came in."""

    customer_id: str | None = None
    subscription_id: str | None = None
    number: str | None = None
    status: str = UNKNOWN
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    subtotal: int | None = None
    tax: int | None = None
    amount_due: int | None = None
    amount_paid: int | None = None
    amount_remaining: int | None = None
    billing_reason: str | None = None
    collection_method: str | None = None
    email: str | None = None
    user_id: str | None = None
    created_at: datetime | None = None
    issued_at: datetime | None = None
    due_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    lines: tuple[InvoiceLine, ...] = ()


class Payment(Fields, frozen=True, kw_only=True):
    """One movement of money, of which several provider objects may each know a part (see `service.merge`).
    `amount` is what was charged, `amount_paid` what was captured.
    """

    customer_id: str | None = None
    invoice_id: str | None = None
    charge_id: str | None = None
    status: str | None = None
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    amount_paid: int | None = None
    failure_code: str | None = None
    user_id: str | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None


class Refund(Fields, frozen=True, kw_only=True):
    """Money on its way back. A refund can fail after it succeeded."""

    payment_id: str | None = None
    charge_id: str | None = None
    customer_id: str | None = None
    status: str = UNKNOWN
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    reason: str | None = None
    failure_reason: str | None = None
    created_at: datetime | None = None


class Dispute(Fields, frozen=True, kw_only=True):
    """A payment that the buyer contests at the bank; `amount` may differ from the payment's."""

    payment_id: str | None = None
    charge_id: str | None = None
    status: str = UNKNOWN
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    reason: str | None = None
    created_at: datetime | None = None
    due_at: datetime | None = None


class CreditNote(Fields, frozen=True, kw_only=True):
    """A reduction of an issued invoice."""

    customer_id: str | None = None
    invoice_id: str | None = None
    number: str | None = None
    status: str = UNKNOWN
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    reason: str | None = None
    created_at: datetime | None = None
    voided_at: datetime | None = None


class Product(Fields, frozen=True, kw_only=True):
    """Something sold."""

    status: str = "active"
    provider_status: str | None = None
    name: str | None = None
    created_at: datetime | None = None


class Price(Fields, frozen=True, kw_only=True):
    """What a product costs; `amount` is per unit, None where it is tiered."""

    product_id: str | None = None
    status: str = "active"
    provider_status: str | None = None
    currency: str | None = None
    amount: int | None = None
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None
    created_at: datetime | None = None


FIELDS: Final[dict[Kind, type[Fields]]] = {
    "customer": Customer,
    "subscription": Subscription,
    "invoice": Invoice,
    "payment": Payment,
    "refund": Refund,
    "dispute": Dispute,
    "credit_note": CreditNote,
    "product": Product,
    "price": Price,
}
KINDS: Final[tuple[Kind, ...]] = tuple(FIELDS)
# Kinds whose rows carry children, and under which key. A child changes only when its parent won.
CHILDREN: Final[dict[str, str]] = {"subscription": "items", "invoice": "lines"}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One provider object as seen: `source:source_id` is the provider's object, `kind` and `id` the row it feeds.

    `deleted` is the provider's own word that it is gone, `raw` its JSON text as it came, `as_of` its own update time, if any.
    """

    source: str
    source_id: str
    kind: Kind
    id: str
    fields: Fields
    deleted: bool = False
    raw: str | None = None
    as_of: datetime | None = None

    @property
    def key(self) -> str:
        """The source object's key, unique within an account."""
        return f"{self.source}:{self.source_id}"

    def content(self) -> Content:
        """The content as plain values: what is compared, ordered and stored."""
        return content_of(self.fields)


class Version(msgspec.Struct, frozen=True):
    """How new a snapshot is. `as_of` is the provider's time, `seen_at` ours (the database's clock): when an event was
    received, or when a read began. Both in microseconds.
    """

    as_of: int
    seen_at: int
    read: bool


class Cause(msgspec.Struct, frozen=True):
    """What writes state: `event:<id>`, `run:<id>`, `call:<id>` of a write, or `call:read <id>` of what the write side looked up."""

    type: Literal["event", "run", "call"]
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"


class Change(msgspec.Struct, frozen=True):
    """A snapshot on its way through `apply`, with how new it is and what brought it."""

    snapshot: Snapshot
    version: Version
    cause: Cause


Verdict: TypeAlias = Literal["applied", "unchanged", "stale", "tie"]
