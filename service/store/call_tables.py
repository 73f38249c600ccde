"""Writes to providers: what was intended, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.store.columns import long_text, maybe_time, partial, time

OPEN: Final = ("pending", "unknown")
STATUSES: Final = (*OPEN, "done", "pending_checkout", "refused", "not_done", "needs_review")
_OPEN_SQL: Final = "status IN ('pending', 'unknown')"


class ProviderCall(SQLModel, table=True):
    """One write to a provider, recorded before it is sent; unique by (account, idempotency_key).

    `request` is what was asked, `parameters` what is sent for it, both JSON without secrets. `sent_key` is the key that the
    provider sees. `pending` calls are being
    sent by the process that holds them until `lease_until`; `unknown` ones are being settled, next at `next_attempt_at`.
    """

    __tablename__ = "provider_call"
    __table_args__ = (
        UniqueConstraint("account", "idempotency_key", name="provider_call_once"),
        CheckConstraint(f"status IN {STATUSES}", name="provider_call_status"),
        CheckConstraint(f"({_OPEN_SQL}) = (next_attempt_at IS NOT NULL)", name="provider_call_due"),
        Index("provider_call_object", "account", "kind", "object_id"),
        partial("provider_call_open", _OPEN_SQL, "next_attempt_at"),
        partial("provider_call_review", "status = 'needs_review'", "began_at"),
    )

    id: str = Field(primary_key=True)
    account: str
    idempotency_key: str
    operation: str
    request: str = Field(sa_type=Text)
    parameters: str = Field(sa_type=Text)
    status: str
    attempts: int = 0
    generation: int = 1
    sent_key: str
    kind: str | None = None
    object_id: str | None = None
    url: str | None = long_text()
    error: str | None = long_text()
    began_at: datetime = time()
    sent_at: datetime = time()
    finished_at: datetime | None = maybe_time()
    next_attempt_at: datetime | None = maybe_time()
    holder: str | None = None
    lease_until: datetime | None = maybe_time()
