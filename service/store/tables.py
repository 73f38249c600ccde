"""The tables that SQL users and every process rely on (names and columns are a promise; see docs/schema.md).

No foreign keys between billing objects: a child may arrive before its parent, and is never dropped for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, Index, LargeBinary, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.model import Kind
from service.store.types import BigInt, UtcDateTime

STATUSES: Final = ("received", "processing", "applied", "ignored", "retry", "dead")
OPEN: Final = ("received", "processing", "retry")
_OPEN_SQL: Final = "status IN ('received', 'processing', 'retry')"


def _time(**options: Any) -> Any:
    return Field(sa_type=UtcDateTime, **options)


def _maybe_time(**options: Any) -> Any:
    return Field(default=None, nullable=True, sa_type=UtcDateTime, **options)


def _big(**options: Any) -> Any:
    return Field(default=None, sa_type=BigInt, **options)


def _text(**options: Any) -> Any:
    return Field(default=None, sa_type=Text, **options)


def _partial(name: str, where: str, *columns: str) -> Index:
    """An index over the few rows that queries look for: finished rows must not slow the queue."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


class WebhookEvent(SQLModel, table=True):
    """The inbox, and the queue: one row an event, unique by (account, event_id). `payload` is the bytes as received."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("account", "event_id", name="webhook_event_once"),
        CheckConstraint(f"status IN {STATUSES}", name="webhook_event_status"),
        CheckConstraint("attempts >= 0 AND deliveries >= 0", name="webhook_event_counts"),
        CheckConstraint("(status = 'processing') = (claim_id IS NOT NULL)", name="webhook_event_claimed"),
        CheckConstraint(f"({_OPEN_SQL}) = (next_attempt_at IS NOT NULL)", name="webhook_event_due"),
        _partial("webhook_event_waiting", "status IN ('received', 'retry')", "next_attempt_at", "id"),
        _partial("webhook_event_leased", "status = 'processing'", "next_attempt_at"),
        Index("webhook_event_object", "account", "kind", "object_id", "occurred_at"),
        _partial("webhook_event_dead", "status = 'dead'", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    event_id: str
    type: str
    status: str = "received"
    verdict: str | None = None
    reason: str | None = None
    error: str | None = _text()
    attempts: int = 0
    next_attempt_at: datetime | None = _maybe_time()
    claim_id: str | None = None
    kind: str | None = None
    object_id: str | None = None
    occurred_at: datetime = _time()
    received_at: datetime = _time()
    applied_at: datetime | None = _maybe_time()
    deliveries: int = 1
    livemode: bool | None = None
    source: str = "webhook"
    payload: bytes = Field(sa_type=LargeBinary)


class SubjectLease(SQLModel, table=True):
    """Who works on which provider object. Two claims never hold one subject at a time."""

    __tablename__ = "subject_lease"

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    object_id: str = Field(primary_key=True)
    claim_id: str = Field(index=True)
    lease_until: datetime = _time()


class _Row(SQLModel):
    """What every billing object has. `sources` holds the version of each provider object that feeds the row."""

    account: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    status: str | None = Field(default=None)
    provider_status: str | None = None
    created_at: datetime | None = _maybe_time()
    as_of: datetime = _time()
    deleted_at: datetime | None = _maybe_time()
    sources: str = Field(sa_type=Text)
    raw: str | None = _text()


class Customer(_Row, table=True):
    """A buyer."""

    __tablename__ = "customer"
    __table_args__ = (Index("customer_email", "email"), Index("customer_user", "user_id"))

    email: str | None = None
    name: str | None = None
    currency: str | None = None
    user_id: str | None = None


class Subscription(_Row, table=True):
    """`amount`: licensed items before tax, in minor units; null where it can't be known."""

    __tablename__ = "subscription"
    __table_args__ = (Index("subscription_customer", "account", "customer_id"), Index("subscription_user", "user_id"))

    customer_id: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    collection_method: str | None = None
    collection_paused: bool = False
    user_id: str | None = None
    started_at: datetime | None = _maybe_time()
    trial_ends_at: datetime | None = _maybe_time()
    current_period_start: datetime | None = _maybe_time()
    current_period_end: datetime | None = _maybe_time()
    cancels_at: datetime | None = _maybe_time()
    canceled_at: datetime | None = _maybe_time()
    ended_at: datetime | None = _maybe_time()


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
    quantity: int | None = _big()
    currency: str | None = None
    unit_amount: int | None = _big()
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None
    current_period_start: datetime | None = _maybe_time()
    current_period_end: datetime | None = _maybe_time()
    as_of: datetime = _time()
    deleted_at: datetime | None = _maybe_time()


class Invoice(_Row, table=True):
    """`amount` is the total; `amount_refunded` is derived from the refunds of its payments."""

    __tablename__ = "invoice"
    __table_args__ = (
        Index("invoice_customer", "account", "customer_id"),
        Index("invoice_subscription", "account", "subscription_id"),
    )

    customer_id: str | None = None
    subscription_id: str | None = None
    number: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    subtotal: int | None = _big()
    tax: int | None = _big()
    amount_due: int | None = _big()
    amount_paid: int | None = _big()
    amount_remaining: int | None = _big()
    amount_refunded: int = Field(default=0, sa_type=BigInt, sa_column_kwargs={"server_default": text("0")})
    billing_reason: str | None = None
    collection_method: str | None = None
    email: str | None = None
    user_id: str | None = None
    issued_at: datetime | None = _maybe_time()
    due_at: datetime | None = _maybe_time()
    paid_at: datetime | None = _maybe_time()
    voided_at: datetime | None = _maybe_time()


class InvoiceLine(SQLModel, table=True):
    """One line of an invoice; rewritten only together with its invoice."""

    __tablename__ = "invoice_line"
    __table_args__ = (Index("invoice_line_parent", "account", "invoice_id"),)

    account: str = Field(primary_key=True)
    invoice_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    amount: int | None = _big()
    currency: str | None = None
    description: str | None = _text()
    quantity: int | None = _big()
    price_id: str | None = None
    subscription_item_id: str | None = None
    proration: bool = False
    period_start: datetime | None = _maybe_time()
    period_end: datetime | None = _maybe_time()


class Payment(_Row, table=True):
    """`amount` was charged, `amount_paid` captured; `amount_refunded` and `subscription_id` are derived."""

    __tablename__ = "payment"
    __table_args__ = (
        Index("payment_customer", "account", "customer_id"),
        Index("payment_invoice", "account", "invoice_id"),
    )

    customer_id: str | None = None
    subscription_id: str | None = None
    invoice_id: str | None = None
    charge_id: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    amount_paid: int | None = _big()
    amount_refunded: int = Field(default=0, sa_type=BigInt, sa_column_kwargs={"server_default": text("0")})
    failure_code: str | None = None
    user_id: str | None = None
    paid_at: datetime | None = _maybe_time()


class Refund(_Row, table=True):
    """Money on its way back to the buyer."""

    __tablename__ = "refund"
    __table_args__ = (Index("refund_payment", "account", "payment_id"),)

    payment_id: str | None = None
    charge_id: str | None = None
    customer_id: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    reason: str | None = None
    failure_reason: str | None = None


class Dispute(_Row, table=True):
    """A contested payment."""

    __tablename__ = "dispute"
    __table_args__ = (Index("dispute_payment", "account", "payment_id"),)

    payment_id: str | None = None
    charge_id: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    reason: str | None = None
    due_at: datetime | None = _maybe_time()


class CreditNote(_Row, table=True):
    """A reduction of an issued invoice."""

    __tablename__ = "credit_note"
    __table_args__ = (Index("credit_note_invoice", "account", "invoice_id"),)

    customer_id: str | None = None
    invoice_id: str | None = None
    number: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    reason: str | None = None
    voided_at: datetime | None = _maybe_time()


class Product(_Row, table=True):
    """Something sold."""

    __tablename__ = "product"

    name: str | None = None


class Price(_Row, table=True):
    """What a product costs."""

    __tablename__ = "price"

    product_id: str | None = None
    currency: str | None = None
    amount: int | None = _big()
    usage_type: str | None = None
    interval: str | None = None
    interval_count: int | None = None


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
    old: str | None = _text()
    new: str | None = _text()
    cause: str
    at: datetime = _time()


class ReconcileRun(SQLModel, table=True):
    """One pass of the reconciler over one account. `options` and `report` are JSON."""

    __tablename__ = "reconcile_run"
    __table_args__ = (Index("reconcile_run_account", "account", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    status: str
    started_at: datetime = _time()
    finished_at: datetime | None = _maybe_time()
    heartbeat_at: datetime = _time()
    holder: str
    dry_run: bool = False
    full: bool = False
    options: str = Field(default="{}", sa_type=Text)
    report: str | None = _text()


class ReconcileLedger(SQLModel, table=True):
    """What one run did with one kind: complete, partial or failed, and where it stopped."""

    __tablename__ = "reconcile_ledger"

    run_id: int = Field(primary_key=True, sa_type=BigInt)
    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    status: str
    reason: str | None = _text()
    cursor: str | None = _text()
    window_start: datetime | None = _maybe_time()
    window_end: datetime | None = _maybe_time()
    started_as_of: datetime | None = _maybe_time()
    objects: int = Field(default=0, sa_type=BigInt)
    pages: int = Field(default=0, sa_type=BigInt)
    progress: str | None = _text()


class Watermark(SQLModel, table=True):
    """What a kind is known to be true up to: moved only by complete runs.

    `complete_until` is where the next window begins (before look-back), `confirmed_as_of` the provider's time at which
    the last complete run began: an older event is read again before it may win.
    """

    __tablename__ = "watermark"

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    complete_until: datetime = _time()
    confirmed_as_of: datetime = _time()
    full_at: datetime | None = _maybe_time()
    slice: int = 0
    run_id: int = Field(sa_type=BigInt)


class Drift(SQLModel, table=True):
    """One judged difference. `local` and `remote` are JSON values; `amount` is the money at stake in minor units."""

    __tablename__ = "drift"
    __table_args__ = (
        Index("drift_run", "run_id"),
        Index("drift_object", "account", "kind", "object_id"),
        _partial("drift_open", "action = 'needs_review'", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    run_id: int = Field(sa_type=BigInt)
    account: str
    kind: str
    object_id: str
    source: str | None = None
    drift_class: str = Field(sa_column_kwargs={"name": "class"})
    field: str | None = None
    local: str | None = _text()
    remote: str | None = _text()
    cause: str | None = _text()
    action: str
    amount: int | None = _big()
    currency: str | None = None
    day: str | None = None
    found_at: datetime = _time()
    resolved_at: datetime | None = _maybe_time()


class AccountIdentity(SQLModel, table=True):
    """Which provider account a configured account's key belonged to when it was last used."""

    __tablename__ = "account_identity"

    account: str = Field(primary_key=True)
    provider: str
    provider_account: str
    seen_at: datetime = _time()


class ReadBudget(SQLModel, table=True):
    """One token bucket a provider limit, shared by all processes."""

    __tablename__ = "read_budget"

    bucket: str = Field(primary_key=True)
    tokens: float
    refilled_at: datetime = _time()
    paused_until: datetime | None = _maybe_time()


class Heartbeat(SQLModel, table=True):
    """When each process last said that it lives; `role` is web or worker."""

    __tablename__ = "heartbeat"

    process: str = Field(primary_key=True)
    role: str
    started_at: datetime = _time()
    beat_at: datetime = _time()


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
METADATA: Final = SQLModel.metadata
