"""What the API answers with. Amounts are integers in minor units beside a currency, times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

import msgspec

from service.billing_provider import Recorded

T = TypeVar("T")
Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Amount: TypeAlias = Annotated[int, msgspec.Meta(description="Minor units (ISO 4217) of `currency`.")]
Raw: TypeAlias = Annotated[Any, msgspec.Meta(description="The provider's own object; only with `include=raw`.")]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of the rows, newest first. `next` is the address of the following page, null on the last."""

    data: list[T]
    next: str | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every object has. `status` is neutral, `provider_status` the provider's word; `as_of` is how new this is."""

    account: str
    id: str
    status: str | None
    provider_status: str | None
    created_at: Time | None
    as_of: Time
    deleted_at: Time | None


class Customer(Row, frozen=True, kw_only=True):
    """A buyer at one provider. `user_id` is the application's own id."""

    email: str | None
    name: str | None
    currency: str | None
    user_id: str | None
    raw: Raw = msgspec.UNSET


class SubscriptionItem(msgspec.Struct, frozen=True, kw_only=True):
    """One price within a subscription; `quantity` is null for metered prices."""

    id: str
    price_id: str | None
    product_id: str | None
    quantity: int | None
    currency: str | None
    unit_amount: Amount | None
    usage_type: str | None
    interval: str | None
    interval_count: int | None
    current_period_start: Time | None
    current_period_end: Time | None


class Subscription(Row, frozen=True, kw_only=True):
    """`amount` is the sum of licensed items before tax, null where it can't be known. `cancels_at` is a scheduled end."""

    customer_id: str | None
    currency: str | None
    amount: Amount | None
    collection_method: str | None
    collection_paused: bool
    email: str | None
    user_id: str | None
    started_at: Time | None
    trial_ends_at: Time | None
    current_period_start: Time | None
    current_period_end: Time | None
    cancels_at: Time | None
    canceled_at: Time | None
    ended_at: Time | None
    items: list[SubscriptionItem]
    raw: Raw = msgspec.UNSET


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an invoice; `period_*` is what it bills."""

    id: str
    amount: Amount | None
    currency: str | None
    description: str | None
    quantity: int | None
    price_id: str | None
    subscription_item_id: str | None
    proration: bool
    period_start: Time | None
    period_end: Time | None


class Invoice(Row, frozen=True, kw_only=True):
    """`amount` is the total. `receipt_of` names the subscription whose own invoices count this money again."""

    customer_id: str | None
    subscription_id: str | None
    number: str | None
    currency: str | None
    amount: Amount | None
    subtotal: Amount | None
    tax: Amount | None
    amount_due: Amount | None
    amount_paid: Amount | None
    amount_remaining: Amount | None
    amount_refunded: Amount
    receipt_of: str | None
    billing_reason: str | None
    collection_method: str | None
    email: str | None
    user_id: str | None
    issued_at: Time | None
    due_at: Time | None
    paid_at: Time | None
    voided_at: Time | None


class WholeInvoice(Invoice, frozen=True, kw_only=True):
    """An invoice with its lines."""

    lines: list[InvoiceLine]
    raw: Raw = msgspec.UNSET


class Refund(Row, frozen=True, kw_only=True):
    """Money on its way back to the buyer."""

    payment_id: str | None
    customer_id: str | None
    currency: str | None
    amount: Amount | None
    reason: str | None
    failure_reason: str | None


class Payment(Row, frozen=True, kw_only=True):
    """`amount` was charged, `amount_paid` captured."""

    customer_id: str | None
    subscription_id: str | None
    invoice_id: str | None
    currency: str | None
    amount: Amount | None
    amount_paid: Amount | None
    amount_refunded: Amount
    receipt_of: str | None
    failure_code: str | None
    user_id: str | None
    paid_at: Time | None


class WholePayment(Payment, frozen=True, kw_only=True):
    """A payment with its refunds."""

    refunds: list[Refund]
    raw: Raw = msgspec.UNSET


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that changed, and what wrote it: `event:ID`, `run:ID`, `call:ID`, `call:read ID` or `clock`.

    `id` grows along the feed.
    """

    id: int
    account: str
    kind: str
    object_id: str
    field: str
    old: str | None
    new: str | None
    cause: str
    at: Time


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Changes in the order of the feed. `next` is always an address to go on from, `more` says whether to ask at once."""

    data: list[Change]
    after: int
    more: bool
    next: str


class Outcome(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What became of a write. `pending_checkout`: a person has to finish it at `url`. `object` is as the copy holds it now."""

    call_id: str
    account: str
    operation: str
    state: Literal["done", "pending_checkout"]
    kind: str | None
    object_id: str | None
    url: str | None
    explanation: str | None
    object: T | None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A write at a provider. `pending` is being sent, `unknown` is being settled, `needs_review` waits for a person."""

    id: str
    account: str
    operation: str
    idempotency_key: str
    status: Literal["pending", "unknown", "done", "pending_checkout", "refused", "not_done", "needs_review"]
    attempts: int
    kind: str | None
    object_id: str | None
    url: str | None
    error: str | None
    began_at: Time
    finished_at: Time | None
    next_attempt_at: Time | None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is a secret and lives for a short time."""

    url: str


class UsageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record of a batch; `duplicate` had been recorded before and was not counted again."""

    status: Literal["recorded", "duplicate", "refused"]
    record: Recorded | msgspec.UnsetType = msgspec.UNSET
    cause: str | msgspec.UnsetType = msgspec.UNSET
    detail: str | msgspec.UnsetType = msgspec.UNSET
    pointer: str | msgspec.UnsetType = msgspec.UNSET


class UsageResults(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch, in its order."""

    recorded: int
    duplicate: int
    refused: int
    data: list[UsageResult]
