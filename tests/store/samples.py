"""Deliveries and changes, as small as the store's tests need them, and the threads that race with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.apply import Judgement, apply
from service.instants import micros
from service.model import Cause, Change, Fields, Kind, Snapshot, Version
from service.provider import Envelope, Ordering
from service.store import inbox
from service.store.engine import Database, is_transient

T0: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND: Final = 1_000_000
STRIPE: Final = Ordering(object_clock=False, precedence=("payment_intent", "charge", "invoice_payment", "invoice"))
PADDLE: Final = Ordering(object_clock=True)


def after(seconds: float) -> datetime:
    """`T0` plus some seconds."""
    return T0 + timedelta(seconds=seconds)


def delivery(key: str, object_id: str | None = "o", *, at: datetime = T0, account: str = "a") -> inbox.Delivery:
    """One delivery of event `key` about a customer."""
    kind = None if object_id is None else "customer"
    envelope = Envelope(event_id=key, type="t", occurred_at=at, kind=kind, object_id=object_id)
    return inbox.Delivery(account=account, envelope=envelope, payload=key.encode())


def fill(database: Database, keys: Iterable[tuple[str, str | None]], now: datetime = T0) -> None:
    """Store one event a (key, object id)."""
    with database.write() as connection:
        inbox.store(connection, [delivery(key, object_id) for key, object_id in keys], now)


def rows(database: Database, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def change(
    kind: Kind, id_: str, fields: Fields, *, at: float = 0, seen: float | None = None, read: bool = False,
    source: str | None = None, source_id: str | None = None, deleted: bool = False,
) -> Change:  # fmt: skip
    """A snapshot stamped `at` seconds after `T0` and seen then too, unless said otherwise."""
    snapshot = Snapshot(
        source=source or kind, source_id=source_id or id_, kind=kind, id=id_, fields=fields, deleted=deleted
    )
    version = Version(micros(after(at)), micros(after(at if seen is None else seen)), read)
    return Change(snapshot, version, Cause("run" if read else "event", f"{id_}@{at}"))


def put(database: Database, *changes: Change, account: str = "a", ordering: Ordering = STRIPE) -> list[Judgement]:
    """Apply changes in one transaction, again where it lost a deadlock."""
    while True:
        try:
            with database.write() as connection:
                return apply(connection, account, changes, ordering=ordering, confirmed={}, now=T0)
        except DBAPIError as error:
            if not is_transient(error):
                raise


def together(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each job in a thread of its own and give their results; the first error is raised."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def deliver_many(url: str, start: Barrier, keys: Sequence[str]) -> None:
    """In a process of its own: store each key by itself, beginning together with the others."""
    database = Database(url)
    start.wait(30)
    for key in keys:
        fill(database, [(key, "o")])
    database.close()
