"""The billing objects: the tables that SQL users read (names and columns are a promise; see docs/schema.md).

No foreign keys between them: a child may arrive before its parent, and is never dropped for it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from service.store.columns import big, long_text, maybe_time, partial, time
from service.store.types import BigInt


class _Row(SQLModel):
    """What every billing object has. `sources` holds the version of each provider object that feeds the row."""

    account: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    status: str | None = Field(default=None)
    provider_status: str | None = None
    created_at: datetime | None = maybe_time()
    as_of: datetime = time()
    deleted_at: datetime | None = maybe_time()
    sources: str = Field(sa_type=Text)
    raw: str | None = long_text()


class Customer(_Row, table=True):
    """A buyer."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("customer_email", "email"),
        Index("customer_email_folded", text("lower(email)")),
        Index("customer_user", "user_id"),
        Index("customer_newest", "created_at", "account", "id"),
    )

    email: str | None = None
    name: str | None = None
    currency: str | None = None
    user_id: str | None = None


class Subscription(_Row, table=True):
    """`amount`: licensed items before tax, in minor units; null where it can't be known."""

    __tablename__ = "subscription"
    __table_args__ = (
        Index("subscription_customer", "account", "customer_id"),
        Index("subscription_newest", "created_at", "account", "id"),
        Index("subscription_user", "user_id"),
        Index("subscription_email", "email"),
        Index("subscription_email_folded", text("lower(email)")),
        partial("subscription_begun_by", "begun_by IS NOT NULL", "account", "begun_by"),
    )

    customer_id: str | None = None
    currency: str | None = None
    amount: int | None = big()
    collection_method: str | None = None
    collection_paused: bool = False
    begun_by: str | None = None
    offer_id: str | None = None
    email: str | None = None
    user_id: str | None = None
    started_at: datetime | None = maybe_time()
    trial_ends_at: datetime | None = maybe_time()
    current_period_start: datetime | None = maybe_time()
    current_period_end: datetime | None = maybe_time()
    cancels_at: datetime | None = maybe_time()
    canceled_at: datetime | None = maybe_time()
    ended_at: datetime | None = maybe_time()


class SubscriptionItem(SQLModel, table=True):
    """One price within a subscription; rewritten only together with its subscription."""

    __tablename__ = "subscription_item"
    __table_args__ = (Index("subscription_item_parent", "account", "subscription_id"),)

    account: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    subscription_id: str
    customer_id: str | None = None
    price_id: str | None = None
    product_id: str | None = None
    quantity: int | None = big()
    currency: str | None = None
    unit_amount: int | None = big()
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None
    current_period_start: datetime | None = maybe_time()
    current_period_end: datetime | None = maybe_time()
    as_of: datetime = time()
    deleted_at: datetime | None = maybe_time()


class Invoice(_Row, table=True):
    """`amount` is the total; `amount_refunded` is derived from the refunds of its payments.

    `receipt_of` (derived) names the subscription whose own invoices count this money: leave such rows out of sums.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        Index("invoice_customer", "account", "customer_id"),
        Index("invoice_newest", "created_at", "account", "id"),
        partial("invoice_user", "user_id IS NOT NULL", "user_id"),
        Index("invoice_subscription", "account", "subscription_id"),
    )

    customer_id: str | None = None
    subscription_id: str | None = None
    number: str | None = None
    currency: str | None = None
    amount: int | None = big()
    subtotal: int | None = big()
    tax: int | None = big()
    amount_due: int | None = big()
    amount_paid: int | None = big()
    amount_remaining: int | None = big()
    amount_refunded: int = Field(default=0, sa_type=BigInt, sa_column_kwargs={"server_default": text("0")})
    receipt_of: str | None = None
    billing_reason: str | None = None
    collection_method: str | None = None
    email: str | None = None
    user_id: str | None = None
    issued_at: datetime | None = maybe_time()
    due_at: datetime | None = maybe_time()
    paid_at: datetime | None = maybe_time()
    voided_at: datetime | None = maybe_time()


class InvoiceLine(SQLModel, table=True):
    """One line of an invoice; rewritten only together with its invoice."""

    __tablename__ = "invoice_line"
    __table_args__ = (Index("invoice_line_parent", "account", "invoice_id"),)

    account: str = Field(primary_key=True)
    invoice_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    amount: int | None = big()
    currency: str | None = None
    description: str | None = long_text()
    quantity: int | None = big()
    price_id: str | None = None
    subscription_item_id: str | None = None
    proration: bool = False
    period_start: datetime | None = maybe_time()
    period_end: datetime | None = maybe_time()


class Payment(_Row, table=True):
    """`amount` was charged, `amount_paid` captured; `amount_refunded`, `subscription_id` and `receipt_of` are derived."""

    __tablename__ = "payment"
    __table_args__ = (
        Index("payment_customer", "account", "customer_id"),
        Index("payment_newest", "created_at", "account", "id"),
        partial("payment_user", "user_id IS NOT NULL", "user_id"),
        Index("payment_invoice", "account", "invoice_id"),
        partial("payment_charge", "charge_id IS NOT NULL", "account", "charge_id"),
    )

    customer_id: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None
    charge_id: str | None = None
    currency: str | None = None
    amount: int | None = big()
    amount_paid: int | None = big()
    amount_refunded: int = Field(default=0, sa_type=BigInt, sa_column_kwargs={"server_default": text("0")})
    receipt_of: str | None = None
    failure_code: str | None = None
    user_id: str | None = None
    paid_at: datetime | None = maybe_time()


class Refund(_Row, table=True):
    """Money on its way back to the buyer."""

    __tablename__ = "refund"
    __table_args__ = (Index("refund_payment", "account", "payment_id"),)

    payment_id: str | None = None
    charge_id: str | None = None
    customer_id: str | None = None
    currency: str | None = None
    amount: int | None = big()
    reason: str | None = None
    failure_reason: str | None = None


class Dispute(_Row, table=True):
    """A contested payment."""

    __tablename__ = "dispute"
    __table_args__ = (Index("dispute_payment", "account", "payment_id"),)

    payment_id: str | None = None
    charge_id: str | None = None
    currency: str | None = None
    amount: int | None = big()
    reason: str | None = None
    due_at: datetime | None = maybe_time()


class CreditNote(_Row, table=True):
    """A reduction of an issued invoice."""

    __tablename__ = "credit_note"
    __table_args__ = (Index("credit_note_invoice", "account", "invoice_id"),)

    customer_id: str | None = None
    invoice_id: str | None = None
    number: str | None = None
    currency: str | None = None
    amount: int | None = big()
    reason: str | None = None
    voided_at: datetime | None = maybe_time()


class Product(_Row, table=True):
    """Something sold."""

    __tablename__ = "product"

    name: str | None = None


class Price(_Row, table=True):
    """What a product costs."""

    __tablename__ = "price"

    product_id: str | None = None
    currency: str | None = None
    amount: int | None = big()
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None
