"""Usage: records a second through `report_many`, one and the same caller, and how fast they are gathered into batches."""

from __future__ import annotations

import time
from typing import Any

from service.errors import UsageError
from service.meters import Meter
from service.model import Customer
from service.outbox import Outbox
from service.store.engine import Database
from service.usage import Usage, UsageReport
from tests.bench.processes import Databases
from tests.usage import copy

_CUSTOMERS = 1_000
_METERS = {"calls": Meter(id="calls", unit="call")}


def measure(databases: Databases, records: int) -> list[dict[str, Any]]:
    """Batches of one, of a hundred and of a thousand, on both databases."""
    return [row for kind in ("postgresql", "sqlite") for row in _one(databases, kind, records)]


def _one(databases: Databases, kind: str, records: int) -> list[dict[str, Any]]:
    database = Database(databases.fresh(kind, "reporting"))
    try:
        for number in range(_CUSTOMERS):
            copy.write(database, "stripe", "customer", f"cus_{number}", Customer(user_id=f"user-{number}"))
        usage = Usage(database, _METERS, ["stripe"])
        rows = [
            _reported(usage, kind, size, max(size, records if size > 1 else records // 100)) for size in (1, 100, 1_000)
        ]
        return [*rows, _gathered(database, kind)]
    finally:
        database.close()


def _reported(usage: Usage, kind: str, size: int, records: int) -> dict[str, Any]:
    reports = [
        UsageReport(meter="calls", quantity=1, idempotency_key=f"{size}-{n}", customer_id=f"cus_{n % _CUSTOMERS}")
        for n in range(records)
    ]
    begun = time.perf_counter()
    for start in range(0, records, size):
        outcomes = usage.report_many(reports[start : start + size])
        assert not any(isinstance(each, UsageError) for each in outcomes)
    lasted = time.perf_counter() - begun
    return {"database": kind, "what": f"recorded, {size} at once", "records": records, "per_second": records / lasted}


def _gathered(database: Database, kind: str) -> dict[str, Any]:
    outbox = Outbox(database, lambda _name: None, _METERS)
    begun, total = time.perf_counter(), 0
    while taken := outbox.gather():
        total += taken
    lasted = time.perf_counter() - begun
    return {"database": kind, "what": "gathered into batches", "records": total, "per_second": total / lasted}
