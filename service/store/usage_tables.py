"""Usage: what was reported, and the batches in which it is told to providers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.store.columns import big, long_text, maybe_time, partial, time
from service.store.types import BigInt

STATUSES: Final = ("open", "retry", "sending", "unknown", "sent", "rejected", "needs_review", "unbilled", "void")
IN_HAND: Final = ("retry", "sending", "unknown")
_IN_HAND_SQL: Final = text("status IN ('retry', 'sending', 'unknown')")


class UsageRecord(SQLModel, table=True):
    """One report of usage, once for each (account, idempotency key). `quantity` counts 10^-scale of the meter's unit.

    `batch_id` is the batch that it is told in; null until it is gathered.
    """

    __tablename__ = "usage_record"
    __table_args__ = (
        UniqueConstraint("account", "idempotency_key", name="usage_record_once"),
        CheckConstraint("quantity >= 0", name="usage_record_quantity"),
        partial("usage_record_new", "batch_id IS NULL", "id"),
        Index("usage_record_batch", "batch_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    idempotency_key: str
    customer_id: str
    meter: str
    quantity: int = Field(sa_type=BigInt)
    at: datetime = time()
    recorded_at: datetime = time()
    batch_id: int | None = big()


class UsageBatch(SQLModel, table=True):
    """Usage of one customer, meter and period that is told in one request, and what became of it.

    While `open` it gathers records; from then on `quantity` stays, and `identifier` too until it is told anew. `due_at` is
    when it was first to be told. While `sending` it is `holder`'s until `next_attempt_at`. `told` is the number that was
    sent, `asked_at` when it was first sent (null: the provider can't have taken it), `last_asked_at` when last, `dated_at`
    the time that it carries. `total_before` is the provider's own total just before, and `counted_start` to `counted_end`
    the provider's period at that moment. `billable` is what is beyond the free units, where we take them off.
    """

    __tablename__ = "usage_batch"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="usage_batch_status"),
        CheckConstraint("(status = 'sending') = (holder IS NOT NULL)", name="usage_batch_held"),
        # Two gatherers can't open two batches for one period, and no two batches of one customer and meter are under way at once.
        Index(
            "usage_batch_open", "account", "customer_id", "meter", "period_start", unique=True,
            postgresql_where=text("status = 'open'"), sqlite_where=text("status = 'open'"),
        ),
        Index(
            "usage_batch_in_hand", "account", "customer_id", "meter", unique=True, postgresql_where=_IN_HAND_SQL,
            sqlite_where=_IN_HAND_SQL,
        ),
        partial("usage_batch_due", "status IN ('open', 'retry', 'sending', 'unknown')", "next_attempt_at"),
        partial("usage_batch_attention", "status IN ('rejected', 'needs_review')", "id"),
        Index("usage_batch_customer", "account", "customer_id", "meter", "period_start"),
        Index("usage_batch_identifier", "account", "identifier"),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    customer_id: str
    meter: str
    aggregation: str
    period_start: datetime = time()
    period_end: datetime | None = maybe_time()
    subscription_id: str | None = None
    item_id: str | None = None
    status: str = "open"
    quantity: int = Field(default=0, sa_type=BigInt)
    records: int = Field(default=0, sa_type=BigInt)
    late: int = Field(default=0, sa_type=BigInt)
    first_at: datetime = time()
    last_at: datetime = time()
    last_record: int = Field(sa_type=BigInt)
    created_at: datetime = time()
    due_at: datetime | None = maybe_time()
    next_attempt_at: datetime | None = maybe_time()
    attempts: int = 0
    holder: str | None = None
    identifier: str | None = None
    told: int | None = big()
    billable: int | None = big()
    dated_at: datetime | None = maybe_time()
    total_before: int | None = big()
    counted_start: datetime | None = maybe_time()
    counted_end: datetime | None = maybe_time()
    asked_at: datetime | None = maybe_time()
    last_asked_at: datetime | None = maybe_time()
    sent_at: datetime | None = maybe_time()
    reason: str | None = None
    error: str | None = long_text()
