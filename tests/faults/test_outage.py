"""A provider that gives up after four attempts, a service that is away for four minutes, and nobody who does anything."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.sandbox.lemonsqueezy import Attempt, LemonSqueezySandbox
from service.sandbox.server import serving
from service.store.engine import Database
from service.store.types import to_text
from tests.faults import truth
from tests.faults.children import service, wait_until
from tests.reconcile.lemons import ACCOUNT, SECRET, Lemons

pytestmark = pytest.mark.database


def test_what_was_given_up_while_the_service_was_away_comes_back_by_itself(database_url: str, tmp_path: Path) -> None:
    """Stopped cleanly, so that not even a heartbeat is left; started again; and a while later the copy is true."""
    sandbox = LemonSqueezySandbox(rate_limit=None, now=int(time.time()))
    database = Database(database_url)
    with (
        serving(sandbox.app) as url,
        service(database_url, tmp_path, TALLYHOOK_CONFIG=_config(tmp_path, url)) as running,
    ):
        shop = Lemons(sandbox, database_url, url, endpoint=f"http://127.0.0.1:{running.port}/webhooks/{ACCOUNT}")
        first = running.whole()
        wait_until(lambda: first.said("serve.started"), "the service listens")
        bought = [shop.buy(number) for number in range(3)]
        assert all(attempt.answered for attempt in sandbox.deliveries.pump())
        wait_until(lambda: truth.unfinished(database) == 0, "the worker applies what came")
        assert first.stop() == 0
        _lose(shop, bought[0])
        _let_pass(database, timedelta(minutes=4))
        true = shop.truth(tmp_path)
        assert shop.state() != true
        second = running.whole()
        wait_until(lambda: _caught_up(database) == [True], "the service catches up")
        assert second.stop() == 0
        assert (shop.state(), shop.runs("outage")) == (true, ["complete"])
        shop.close()
    database.close()


def _lose(shop: Lemons, bought: dict[str, str]) -> None:
    """What happens at the provider while nothing listens, and its attempts to tell, in its own time."""
    shop.act(bought)
    shop.buy(8)
    attempts = [each for _ in range(48) for each in _five_seconds(shop)]
    told = Counter(each.event_id for each in attempts)
    assert (len(told) > 4, set(told.values()), any(each.answered for each in attempts)) == (True, {4}, False)
    assert shop.sandbox.deliveries.pending() == []


def _five_seconds(shop: Lemons) -> list[Attempt]:
    found = shop.sandbox.deliveries.pump()
    shop.sandbox.advance(5)
    return found


def _let_pass(database: Database, span: timedelta) -> None:
    """The service's own time goes on without anybody waiting: all signs of life are so much older."""
    with database.write() as connection:
        if database.postgres:
            connection.execute(text("UPDATE presence SET beat_at = beat_at - :span"), {"span": span})
        else:
            past = to_text(database.now() - span)
            connection.execute(text("UPDATE presence SET beat_at = :past"), {"past": past})


def _caught_up(database: Database) -> list[bool]:
    with database.read() as connection:
        return [row[0] is not None for row in connection.execute(text("SELECT done_at FROM outage"))]


def _config(folder: Path, url: str) -> str:
    """The account, with a read budget that a test can wait for."""
    file = folder / "tallyhook.toml"
    file.write_text(
        f'[accounts.{ACCOUNT}]\nprovider = "lemonsqueezy"\nwebhook_secret = "{SECRET}"\napi_key = "lsq_sandbox_key"\n'
        f'api_base = "{url}"\nreads_per_second = 200.0\n'
    )
    return str(file)
