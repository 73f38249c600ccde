"""What is to be looked at again, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from service.store.columns import time
from service.store.types import BigInt


class EntitlementCheck(SQLModel, table=True):
    """A user (or a customer of no known user) whose plan may be another from `due_at` on. Rows are only added and removed.

    `cause` is what changed a subscription; `timer` says that nothing did and that time alone may change the plan.
    """

    __tablename__ = "entitlement_check"
    __table_args__ = (
        Index("entitlement_check_due", "due_at"),
        Index("entitlement_check_subject", "user_id", "account", "customer_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    user_id: str | None = None
    customer_id: str | None = None
    cause: str
    due_at: datetime = time()
    timer: bool = False
