"""What a write or a read at a provider has shown of an account, through the one door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from service.account import Account
from service.apply import Judgement, apply, seen
from service.instants import micros
from service.model import Cause, Change
from service.provider import Read
from service.store import watermark
from service.store.engine import Database


def keep(connection: Connection, account: Account, changes: Sequence[Change], now: datetime) -> list[Judgement]:
    """Apply changes in the caller's transaction; what a complete run has confirmed counts as known."""
    return apply(
        connection, account.name, changes, ordering=account.provider.ordering,
        confirmed=watermark.confirmed(connection, account.name), now=now,
    )  # fmt: skip


def keep_read(database: Database, account: Account, read: Read, began: datetime, cause: Cause) -> None:
    """Apply what a read showed that began at `began` by the database's clock."""
    with database.write() as connection:
        changes = seen(read.snapshots, read.as_of, micros(began), cause, read=True)
        keep(connection, account, changes, database.now())
