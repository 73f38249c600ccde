"""Batches of many customers, taken up by many processes at once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from service.meters import Meter
from service.outbox import Outbox
from service.store import usage_batches
from service.store.engine import Database
from service.usage import Usage, UsageReport
from tests.store.samples import together
from tests.usage import copy
from tests.usage.copy import NOW

_CUSTOMERS = 40


def _gathered(database: Database) -> None:
    """One batch a customer, due a day later, since it is told nowhere."""
    meters = {"calls": Meter(id="calls", unit="call")}
    reports = [
        UsageReport(meter="calls", quantity=1, idempotency_key=f"k{n}", customer_id=copy.customer(database, f"cus_{n}"))
        for n in range(_CUSTOMERS)
    ]
    database._clock = lambda: NOW
    Usage(database, meters, ["stripe"]).report_many(reports)
    assert Outbox(database, lambda _name: None, meters).gather() == _CUSTOMERS


def test_each_due_batch_is_claimed_by_one_process(database: Database) -> None:
    """Four at once; a claim that another was quicker at takes none, and the next one finds what is left."""
    _gathered(database)
    later = NOW + timedelta(days=2)
    claimed: list[tuple[int, str]] = []

    def take(holder: str) -> None:
        while True:
            with database.write() as connection:
                if not usage_batches.waiting(connection, later):
                    return
                batch = usage_batches.claim(connection, holder, later)
            if batch is not None:
                claimed.append((batch.id, holder))

    together([partial(take, f"worker {n}") for n in range(4)])
    with database.read() as connection:
        held = {(each.id, each.holder) for each in usage_batches.listed(connection)}
    assert len(claimed) == _CUSTOMERS
    assert held == set(claimed)
