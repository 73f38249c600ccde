"""The inbox: an event is stored exactly once, however often and wherever it is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql import Select

from service.instants import micros, moment
from service.store import insert, resends
from service.store.delivery import Delivery, Source
from service.store.tables import EVENTS
from service.store.types import to_text

__all__ = ["Delivery", "Found", "Receipt", "Source", "about", "fold", "known", "receipts", "store", "store_sqlite"]

_POSTGRES: Final = insert.postgres("%(c{n})b", "%(now)s")
# Statements of 1, 2, 4 ... 64 rows make any batch of few statements, and all of them stay prepared.
_MOST_ROWS: Final = 64


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
    return receipts(deliveries, found)


def fold(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """One delivery a key with its copies counted, sorted by key. The first copy's bytes are kept."""
    first: dict[tuple[str, str], Delivery] = {}
    for delivery in deliveries:
        first.setdefault(delivery.key, delivery)
    if len(first) == len(deliveries):
        return [first[key] for key in sorted(first)]
    copies: dict[tuple[str, str], int] = {}
    for delivery in deliveries:
        copies[delivery.key] = copies.get(delivery.key, 0) + delivery.copies
    return [msgspec.structs.replace(first[key], copies=copies[key]) for key in sorted(first)]


def known(connection: Connection, account: str, event_ids: Sequence[str]) -> set[str]:
    """Which of these event keys are stored."""
    if not event_ids:
        return set()
    query = select(EVENTS.c.event_id).where(EVENTS.c.account == account, EVENTS.c.event_id.in_(event_ids))
    return set(connection.execute(query).scalars())


Found = dict[tuple[str, str], Receipt]


def _store_postgres(connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> Found:
    if not deliveries:
        return {}
    result = connection.exec_driver_sql(_POSTGRES, insert.postgres_parameters(deliveries, now))
    return {(account, key): Receipt(id_, "stored" if new else "duplicate") for id_, account, key, new in result}


def _store_sqlite(connection: Connection, deliveries: Sequence[Delivery], now: datetime) -> Found:
    return store_sqlite(connection.connection.driver_connection, deliveries, now)


def store_sqlite(connection: Any, deliveries: Sequence[Delivery], now: datetime) -> Found:
    """Store folded deliveries over the driver's own connection, in the caller's writing transaction."""
    # Ids only grow, and nobody else writes meanwhile: what is new is above the highest id from before.
    before = connection.execute("SELECT coalesce(max(id), 0) FROM webhook_event").fetchone()[0]
    rows = insert.sqlite_rows(deliveries)
    found: Found = {}
    while rows:
        size = 1 << min(len(rows), _MOST_ROWS).bit_length() - 1
        parameters = [value for row in rows[:size] for value in row]
        parameters.append(to_text(now))
        for id_, account, key in connection.execute(insert.sqlite(size), parameters).fetchall():
            found[account, key] = Receipt(id_, "stored" if id_ > before else "duplicate")
        del rows[:size]
    return found


def receipts(deliveries: Sequence[Delivery], found: Found) -> list[Receipt]:
    """The first copy of a new event stored it; further copies in the same batch are duplicates."""
    made = []
    for delivery in deliveries:
        receipt = found[delivery.key]
        made.append(receipt)
        if receipt.status == "stored":
            found[delivery.key] = Receipt(receipt.id, "duplicate")
    return made


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
    bounds = {name: moment(value) for name, value in (("since", since), ("until", until)) if value is not None}
    named = {"account": account, "kind": kind, "object_id": object_id, "most": limit}
    rows = connection.execute(_about(since=since is not None, until=until is not None), named | bounds)
    return [(micros(row[0]), bytes(row[1])) for row in rows]


@cache
def _about(*, since: bool, until: bool) -> Select[Any]:
    """Made once for each pair of bounds: to build it takes longer than to execute it."""
    query = select(EVENTS.c.occurred_at, EVENTS.c.payload).where(EVENTS.c.status != "ignored")
    query = query.where(*(EVENTS.c[name] == bindparam(name) for name in ("account", "kind", "object_id")))
    if until:
        query = query.where(EVENTS.c.occurred_at <= bindparam("until"))
    if since:
        query = query.where(EVENTS.c.occurred_at > bindparam("since"))
    return query.order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc()).limit(bindparam("most"))
