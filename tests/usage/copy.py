"""Rows of the copy, written through the one door as events would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.apply import apply
from service.instants import micros
from service.model import Cause, Change, Customer, Fields, Kind, Snapshot, Subscription, SubscriptionItem, Version
from service.provider import Ordering
from service.store.engine import Database

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


def write(database: Database, account: str, kind: Kind, id_: str, fields: Fields, second: int = 0) -> None:
    """One row, as an event of this second says."""
    snapshot = Snapshot(source=kind, source_id=id_, kind=kind, id=id_, fields=fields)
    version = Version(micros(NOW) + second * 1_000_000, micros(NOW) + second, False)
    change = Change(snapshot, version, Cause("event", "1"))
    with database.write() as connection:
        apply(connection, account, [change], ordering=Ordering(object_clock=False), confirmed={}, now=NOW)


def customer(database: Database, id_: str, *, account: str = "stripe", user_id: str | None = None) -> str:
    """A customer; its id."""
    write(database, account, "customer", id_, Customer(user_id=user_id))
    return id_


def subscription(
    database: Database, id_: str, customer_id: str, *, account: str = "stripe", second: int = 0,
    price_id: str | None = "price_1", usage_type: str = "metered", status: str = "active", **fields: Any,
) -> None:  # fmt: skip
    """A subscription with one item."""
    item = SubscriptionItem(id=f"{id_}_item", price_id=price_id, usage_type=usage_type)
    found = Subscription(customer_id=customer_id, status=status, items=(item,), **fields)
    write(database, account, "subscription", id_, found, second)
