"""The worker tells usage beside its events, and goes on after what fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import text

from service.worker import Worker
from tests.usage.shops import AnyShop, opened

_PATIENCE = 20.0


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _sent(shop: AnyShop) -> int:
    return sum(row[1] for row in shop.batches() if row[0] == "sent")


def test_a_worker_tells_usage_until_it_is_told_to_stop(sqlite_url: str) -> None:
    """A table that is away until it was missed ends nothing."""
    with opened("stripe", sqlite_url) as shop, structlog.testing.capture_logs() as logs:
        stop = threading.Event()
        worker = threading.Thread(target=Worker(shop.system).run, args=(stop,))
        worker.start()
        shop.report(7)
        _until(lambda: _sent(shop) == 7)
        with shop.system.database.write() as connection:
            connection.execute(text("ALTER TABLE usage_batch RENAME TO away"))
        _until(lambda: any(each["event"] == "worker.outbox_failed" for each in logs))
        with shop.system.database.write() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO usage_batch"))
        shop.report(5)
        _until(lambda: _sent(shop) == 12)
        stop.set()
        worker.join(_PATIENCE)
        assert not worker.is_alive()
