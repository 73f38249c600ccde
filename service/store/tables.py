"""The inbox, the history, and the registry of all tables (names and columns are a promise; see docs/schema.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.model import Kind
from service.store import call_tables, check_tables, run_tables, usage_tables
from service.store.billing_tables import (
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Price,
    Product,
    Refund,
    Subscription,
    SubscriptionItem,
)
from service.store.columns import long_text, maybe_time, partial, time
from service.store.types import BigInt

STATUSES: Final = ("received", "processing", "applied", "ignored", "retry", "dead")
OPEN: Final = ("received", "processing", "retry")
_OPEN_SQL: Final = "status IN ('received', 'processing', 'retry')"


class WebhookEvent(SQLModel, table=True):
    """The inbox, and the queue: one row an event, unique by (account, event_id). `payload` is the bytes as received.

    `content_key` is a second key of providers whose event id may not survive a resend; `resent_at` is when the same event
    last came under another id.
    """

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("account", "event_id", name="webhook_event_once"),
        CheckConstraint(f"status IN {STATUSES}", name="webhook_event_status"),
        CheckConstraint("attempts >= 0 AND deliveries >= 0", name="webhook_event_counts"),
        CheckConstraint("(status = 'processing') = (claim_id IS NOT NULL)", name="webhook_event_claimed"),
        CheckConstraint(f"({_OPEN_SQL}) = (next_attempt_at IS NOT NULL)", name="webhook_event_due"),
        partial("webhook_event_waiting", "status IN ('received', 'retry')", "next_attempt_at", "id"),
        partial("webhook_event_leased", "status = 'processing'", "next_attempt_at"),
        Index("webhook_event_object", "account", "kind", "object_id", "occurred_at"),
        partial("webhook_event_dead", "status = 'dead'", "id"),
        Index(
            "webhook_event_content",
            "account",
            "content_key",
            unique=True,
            postgresql_where=text("content_key IS NOT NULL"),
            sqlite_where=text("content_key IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    event_id: str
    type: str
    status: str = "received"
    verdict: str | None = None
    reason: str | None = None
    error: str | None = long_text()
    attempts: int = 0
    next_attempt_at: datetime | None = maybe_time()
    claim_id: str | None = None
    kind: str | None = None
    object_id: str | None = None
    occurred_at: datetime = time()
    received_at: datetime = time()
    applied_at: datetime | None = maybe_time()
    deliveries: int = 1
    livemode: bool | None = None
    source: str = "webhook"
    payload: bytes = Field(sa_type=LargeBinary)
    content_key: str | None = None
    resent_at: datetime | None = maybe_time()


class SubjectLease(SQLModel, table=True):
    """Who works on which provider object. Two claims never hold one subject at a time."""

    __tablename__ = "subject_lease"

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    object_id: str = Field(primary_key=True)
    claim_id: str = Field(index=True)
    lease_until: datetime = time()


class StateChange(SQLModel, table=True):
    """One field that changed: from what, to what, and because of what. Rows are only ever added."""

    __tablename__ = "state_change"
    __table_args__ = (
        Index("state_change_object", "account", "kind", "object_id"),
        Index("state_change_cause", "cause"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    kind: str
    object_id: str
    field: str
    old: str | None = long_text()
    new: str | None = long_text()
    cause: str
    at: datetime = time()


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model: hot paths build no entities (they cost five times a row)."""
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found


STATE: Final[dict[Kind, Table]] = {
    "customer": table(Customer),
    "subscription": table(Subscription),
    "invoice": table(Invoice),
    "payment": table(Payment),
    "refund": table(Refund),
    "dispute": table(Dispute),
    "credit_note": table(CreditNote),
    "product": table(Product),
    "price": table(Price),
}
CHILD: Final[dict[str, tuple[Table, str]]] = {
    "subscription": (table(SubscriptionItem), "subscription_id"),
    "invoice": (table(InvoiceLine), "invoice_id"),
}
EVENTS: Final[Table] = table(WebhookEvent)
LEASES: Final[Table] = table(SubjectLease)
CHANGES: Final[Table] = table(StateChange)
CALLS: Final[Table] = table(call_tables.ProviderCall)
USAGE_RECORDS: Final[Table] = table(usage_tables.UsageRecord)
USAGE_BATCHES: Final[Table] = table(usage_tables.UsageBatch)
CHECKS: Final[Table] = table(check_tables.EntitlementCheck)
# Importing a module is what puts its tables into the metadata.
METADATA: Final = run_tables.ReconcileRun.metadata
