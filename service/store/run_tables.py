"""What reconcile runs and processes leave behind: runs, ledgers, watermarks, findings, identities, budgets, heartbeats,
outages.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from service.store.columns import big, long_text, maybe_time, partial, time
from service.store.types import BigInt


class ReconcileRun(SQLModel, table=True):
    """One pass of the reconciler over one account. `options` and `report` are JSON.

    `whole`: it set out to compare every kind, not limited by kind or time. `origin` is who asked: a `command`, or the
    service itself after an `outage` or for its small `sweep`.
    """

    __tablename__ = "reconcile_run"
    __table_args__ = (Index("reconcile_run_account", "account", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    status: str
    started_at: datetime = time()
    finished_at: datetime | None = maybe_time()
    heartbeat_at: datetime = time()
    holder: str
    dry_run: bool = False
    full: bool = False
    whole: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    origin: str = Field(default="command", sa_column_kwargs={"server_default": "command"})
    options: str = Field(default="{}", sa_type=Text)
    report: str | None = long_text()


class ReconcileLedger(SQLModel, table=True):
    """What one run did with one kind: complete, partial or failed, and where it stopped."""

    __tablename__ = "reconcile_ledger"

    run_id: int = Field(primary_key=True, sa_type=BigInt)
    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    status: str
    reason: str | None = long_text()
    cursor: str | None = long_text()
    window_start: datetime | None = maybe_time()
    window_end: datetime | None = maybe_time()
    started_as_of: datetime | None = maybe_time()
    objects: int = Field(default=0, sa_type=BigInt)
    pages: int = Field(default=0, sa_type=BigInt)
    progress: str | None = long_text()


class Watermark(SQLModel, table=True):
    """What a kind is known to be true up to: moved only by complete runs.

    `complete_until` is where the next window begins (before look-back), `confirmed_as_of` the provider's time at which
    the last complete run began: an older event is read again before it may win.
    """

    __tablename__ = "watermark"

    account: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    complete_until: datetime = time()
    confirmed_as_of: datetime = time()
    full_at: datetime | None = maybe_time()
    slice: int = 0
    run_id: int = Field(sa_type=BigInt)


class Drift(SQLModel, table=True):
    """One judged difference. `local` and `remote` are what `state.as_text` shows; `amount` is the money at stake in minor units."""

    __tablename__ = "drift"
    __table_args__ = (
        Index("drift_run_source", "run_id", "source"),
        Index("drift_object", "account", "kind", "object_id"),
        partial("drift_open", "action = 'needs_review'", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    run_id: int = Field(sa_type=BigInt)
    account: str
    kind: str
    object_id: str
    source: str | None = None
    drift_class: str = Field(sa_column_kwargs={"name": "class"})
    field: str | None = None
    local: str | None = long_text()
    remote: str | None = long_text()
    cause: str | None = long_text()
    action: str
    amount: int | None = big()
    currency: str | None = None
    day: str | None = None
    found_at: datetime = time()
    resolved_at: datetime | None = maybe_time()


class AccountIdentity(SQLModel, table=True):
    """Which provider account a configured account's key belonged to when it was last used."""

    __tablename__ = "account_identity"

    account: str = Field(primary_key=True)
    provider: str
    provider_account: str
    seen_at: datetime = time()


class ReadBudget(SQLModel, table=True):
    """One token bucket a provider limit, shared by all processes."""

    __tablename__ = "read_budget"

    bucket: str = Field(primary_key=True)
    tokens: float
    refilled_at: datetime = time()
    paused_until: datetime | None = maybe_time()


class Heartbeat(SQLModel, table=True):
    """When each process last said that it lives; `role` is web or worker."""

    __tablename__ = "heartbeat"

    process: str = Field(primary_key=True)
    role: str
    started_at: datetime = time()
    beat_at: datetime = time()


class Presence(SQLModel, table=True):
    """When any process of a role last said that it lives: what survives a clean stop of all of them."""

    __tablename__ = "presence"

    role: str = Field(primary_key=True)
    beat_at: datetime = time()


class Outage(SQLModel, table=True):
    """A time in which an account's events may have been lost for good, until `done_at`, when a run has caught up.

    `cause`: `silence`, no web process wrote its heartbeat; `sweep`, a small sweep found more missing than it may read.
    """

    __tablename__ = "outage"
    __table_args__ = (
        UniqueConstraint("account", "cause", "began_at", name="outage_once"),
        partial("outage_unfinished", "done_at IS NULL", "account"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    account: str
    cause: str
    began_at: datetime = time()
    ended_at: datetime = time()
    attempts: int = 0
    next_attempt_at: datetime = time()
    error: str | None = long_text()
    run_id: int | None = big()
    done_at: datetime | None = maybe_time()


class SweepTurn(SQLModel, table=True):
    """When an account was last swept in small and all was well (`last_at`), and when it is due again."""

    __tablename__ = "sweep_turn"

    account: str = Field(primary_key=True)
    last_at: datetime | None = maybe_time()
    next_at: datetime = time()
