"""The inbox: an event is stored exactly once, however often and wherever it is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, select

from service.instants import micros, moment
from service.store import bulk, resends
from service.store.delivery import Delivery, Source
from service.store.tables import EVENTS
from service.store.types import to_text

__all__ = ["Delivery", "Receipt", "Source", "about", "fold", "known", "store"]

_COLUMNS: Final = (
    "account", "event_id", "type", "status", "reason", "attempts", "next_attempt_at", "kind", "object_id", "occurred_at",
    "received_at", "deliveries", "livemode", "source", "payload", "content_key",
)  # fmt: skip
_INSERT: Final = f"INSERT INTO webhook_event ({', '.join(_COLUMNS)}) "
# xmax is 0 only in a row version that this statement inserted.
_POSTGRES: Final = (
    _INSERT
    + bulk.unnest(EVENTS, _COLUMNS)
    + " ON CONFLICT (account, event_id) DO UPDATE SET deliveries = webhook_event.deliveries + excluded.deliveries"
    + " RETURNING id, account, event_id, xmax = 0"
)
_SQLITE: Final = (
    _INSERT + f"VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT (account, event_id) DO NOTHING RETURNING id"
)
_SQLITE_AGAIN: Final = (
    "UPDATE webhook_event SET deliveries = deliveries + ? WHERE account = ? AND event_id = ? RETURNING id"
)


class Receipt(msgspec.Struct, frozen=True):
    """Our id of the stored event, and whether this delivery stored it."""

    id: int
    status: Literal["stored", "duplicate"]


def store(connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> list[Receipt]:
    """Store each event once and count its further deliveries; one receipt a delivery, in the order given.

    Copies inside the batch are folded first (two copies in one statement would fail it) and keys are sorted (unsorted
    batches deadlock). Durable when the caller's transaction has committed.
    """
    fresh, again = resends.split(connection, fold(deliveries))
    write = _store_postgres if connection.dialect.name == "postgresql" else _store_sqlite
    found = write(connection, fresh, now)
    for delivery in again:
        found[delivery.key] = Receipt(resends.count(connection, delivery, now), "duplicate")
    return _receipts(deliveries, found)


def fold(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """One delivery a key with its copies counted, sorted by key. The first copy's bytes are kept."""
    first: dict[tuple[str, str], Delivery] = {}
    copies: dict[tuple[str, str], int] = {}
    for delivery in deliveries:
        first.setdefault(delivery.key, delivery)
        copies[delivery.key] = copies.get(delivery.key, 0) + delivery.copies
    return [msgspec.structs.replace(first[key], copies=copies[key]) for key in sorted(first)]


def known(connection: Connection, account: str, event_ids: Sequence[str]) -> set[str]:
    """Which of these event keys are stored."""
    if not event_ids:
        return set()
    query = select(EVENTS.c.event_id).where(EVENTS.c.account == account, EVENTS.c.event_id.in_(event_ids))
    return set(connection.execute(query).scalars())


def _row(delivery: Delivery, now: datetime) -> dict[str, Any]:
    envelope = delivery.envelope
    waiting = envelope.ignored is None
    return {
        "account": delivery.account,
        "event_id": envelope.event_id,
        "type": envelope.type,
        "status": "received" if waiting else "ignored",
        "reason": envelope.ignored,
        "attempts": 0,
        "next_attempt_at": now if waiting else None,
        "kind": envelope.kind,
        "object_id": envelope.object_id,
        "occurred_at": envelope.occurred_at,
        "received_at": now,
        "deliveries": delivery.copies,
        "livemode": envelope.livemode,
        "source": delivery.source,
        "payload": delivery.payload,
        "content_key": envelope.content_key,
    }


Found = dict[tuple[str, str], Receipt]


def _store_postgres(connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> Found:
    rows = [_row(delivery, now) for delivery in deliveries]
    result = connection.exec_driver_sql(_POSTGRES, bulk.arrays(rows, _COLUMNS))
    return {(account, key): Receipt(id_, "stored" if new else "duplicate") for id_, account, key, new in result}


def _store_sqlite(connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> Found:
    cursor: Any = connection.connection.cursor()
    found: Found = {}
    stamp = to_text(now)
    for delivery in deliveries:
        row = _row(delivery, now)
        row["received_at"] = stamp
        row["next_attempt_at"] = stamp if row["next_attempt_at"] is not None else None
        row["occurred_at"] = to_text(row["occurred_at"])
        inserted = cursor.execute(_SQLITE, tuple(row.values())).fetchone()
        if inserted is None:
            again = cursor.execute(_SQLITE_AGAIN, (delivery.copies, *delivery.key)).fetchone()
            found[delivery.key] = Receipt(again[0], "duplicate")
        else:
            found[delivery.key] = Receipt(inserted[0], "stored")
    cursor.close()
    return found


def _receipts(deliveries: Sequence[Delivery], found: Found) -> list[Receipt]:
    """The first copy of a new event stored it; further copies in the same batch are duplicates."""
    receipts = []
    for delivery in deliveries:
        receipt = found[delivery.key]
        receipts.append(receipt)
        if receipt.status == "stored":
            found[delivery.key] = Receipt(receipt.id, "duplicate")
    return receipts


def about(
    connection: Connection,
    account: str,
    kind: str,
    object_id: str,
    *,
    since: int | None,
    until: int | None,
    limit: int = 500,
) -> list[tuple[int, bytes]]:
    """(occurred_at in microseconds, payload) of the stored events about one provider object in (since, until].

    The newest `limit` of them; ignored events (another mode, another account) don't speak.
    """
    query = select(EVENTS.c.occurred_at, EVENTS.c.payload).where(
        EVENTS.c.account == account,
        EVENTS.c.kind == kind,
        EVENTS.c.object_id == object_id,
        EVENTS.c.status != "ignored",
    )
    if until is not None:
        query = query.where(EVENTS.c.occurred_at <= moment(until))
    if since is not None:
        query = query.where(EVENTS.c.occurred_at > moment(since))
    rows = connection.execute(query.order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc()).limit(limit))
    return [(micros(row[0]), bytes(row[1])) for row in rows]
