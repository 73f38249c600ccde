"""Apply: one worker process over an inbox that was filled before."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from service.providers.stripe import provider
from service.store import inbox
from service.store.engine import Database
from service.store.inbox import Delivery
from tests.bench import machine
from tests.bench.events import body
from tests.bench.processes import Databases, environment, running

_PATIENCE = 120.0


def measure(databases: Databases, events: int) -> list[dict[str, Any]]:
    """Events a second with history written, on both databases."""
    return [_one(databases, kind, events) for kind in ("postgresql", "sqlite")]


def fill(database: Database, events: int) -> None:
    """Store events about half as many customers: each is created once and changed once."""
    for start in range(0, events, 500):
        bodies = [body(f"evt_{number}", number, events // 2) for number in range(start, min(start + 500, events))]
        deliveries = [Delivery(account="stripe", envelope=provider.envelope(each), payload=each) for each in bodies]
        with database.write() as connection:
            inbox.store(connection, deliveries, database.now())


def _one(databases: Databases, kind: str, events: int) -> dict[str, Any]:
    url = databases.fresh(kind, "apply")
    database = Database(url)
    try:
        fill(database, events)
        with running(
            ["-m", "service", "worker"], environment(url), databases.directory / f"worker-{kind}.log"
        ) as worker:
            _wait(database)
            used = machine.cpu_seconds(worker.pid)
        return {"database": kind, "events": events, **_rate(database), "cpu_us_with_start": used / events * 1e6}
    finally:
        database.close()


def _wait(database: Database) -> None:
    """Look rarely: whoever looks takes from what is measured."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        with database.read() as connection:
            left = connection.execute(
                text("SELECT 1 FROM webhook_event WHERE status IN ('received', 'retry', 'processing') LIMIT 1")
            ).first()
        if left is None:
            return
        if time.monotonic() > deadline:
            raise RuntimeError("the worker did not finish in time")
        time.sleep(0.25)


def _rate(database: Database) -> dict[str, Any]:
    """From the end of the first batch to the end of the last, so that starting the process isn't counted."""
    with database.read() as connection:
        first, last = connection.execute(text("SELECT min(applied_at), max(applied_at) FROM webhook_event")).one()
        after = "SELECT count(*) FROM webhook_event WHERE status = 'applied' AND applied_at > :first"
        applied = connection.execute(text(after), {"first": first}).scalar_one()
        changes = connection.execute(text("SELECT count(*) FROM state_change")).scalar_one()
    lasted = (_time(last) - _time(first)).total_seconds()
    return {"per_second": applied / lasted if lasted else 0.0, "history": changes}


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).astimezone(UTC)
