"""`GET /v1/customers/{id}/entitlements` under load, and what it costs the webhooks that arrive meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from service.apply import apply
from service.instants import micros
from service.model import Cause, Change, Customer, Fields, Kind, Snapshot, Subscription, SubscriptionItem, Version
from service.settings import AccountSettings, Settings
from service.system import System
from tests.bench import reader
from tests.bench.ingest import Target, load
from tests.bench.processes import ROOT, Databases, environment, free_port, reachable, running

CUSTOMERS = 20_000
RATE = 200
_EVENTS = 500
_NOW = datetime(2026, 3, 4, tzinfo=UTC)
_TOML = """
[plans.free]
name = "Free"
price = { USD = 0 }
[plans.pro]
name = "Pro"
price = { USD = 19 }
prices = { stripe = "price_pro" }
"""


def measure(databases: Databases, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Each table by its title."""
    alone, beside = [], []
    for kind in ("postgresql", "sqlite"):
        with _served(databases, kind) as target:
            _ask(target, 4, 0.5)
            alone += [_cell(target, connections, seconds, rate) for connections, rate in _LOADS]
            beside += [_beside(target, seconds, rate) for rate in (0, RATE)]
    return {
        f"entitlements of {CUSTOMERS:,} customers with one subscription each": alone,
        f"{_EVENTS} deliveries/s, alone and beside {RATE} entitlements/s": beside,
    }


_LOADS = ((1, None), (16, None), (16, RATE))


@contextmanager
def _served(databases: Databases, kind: str) -> Iterator[Target]:
    url, port = databases.fresh(kind, "entitlements"), free_port()
    _fill(url)
    config = databases.directory / "plans.toml"
    config.write_text(_TOML)
    env = environment(url) | {"TALLYHOOK_API_TOKEN": f"{reader.TOKEN}:read", "TALLYHOOK_CONFIG": str(config)}
    command = ["-m", "service", "serve", "--port", str(port), "--no-worker"]
    with running(command, env, databases.directory / f"entitlements-{kind}.log") as child:
        reachable(port, child)
        yield Target(kind, "service", port, child.pid, url)


def _fill(url: str) -> None:
    """Through the one door, a thousand customers a transaction."""
    account = AccountSettings(name="stripe", provider="stripe", mode="test")
    system = System(Settings(database_url=url, accounts=(account,)))
    for first in range(0, CUSTOMERS, 1_000):
        changes = [change for number in range(first, first + 1_000) for change in _customer(number)]
        with system.database.write() as connection:
            ordering = system.account("stripe").provider.ordering
            apply(connection, "stripe", changes, ordering=ordering, confirmed={}, now=_NOW)
    if system.database.postgres:
        with system.database.write() as connection:
            connection.execute(text("ANALYZE"))  # which autovacuum does within a minute
    system.close()


def _customer(number: int) -> list[Change]:
    item = SubscriptionItem(id=f"si_{number}", price_id="price_pro", quantity=1)
    until = _NOW + timedelta(days=365)
    subscribed = Subscription(
        customer_id=f"cus_{number}", status="active", items=(item,), current_period_end=until, created_at=_NOW
    )
    customer = Customer(user_id=f"u{number}", created_at=_NOW)
    return [_change("customer", f"cus_{number}", customer), _change("subscription", f"sub_{number}", subscribed)]


def _change(kind: Kind, id_: str, fields: Fields) -> Change:
    at = micros(_NOW)
    return Change(
        Snapshot(source=kind, source_id=id_, kind=kind, id=id_, fields=fields),
        Version(at, at, False),
        Cause("event", "1"),
    )


def _ask(target: Target, connections: int, seconds: float, rate: int | None = None) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.reader", str(target.port), str(connections), str(seconds)]
    command += [str(CUSTOMERS), *([str(rate)] if rate else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=seconds + 20)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cell(target: Target, connections: int, seconds: float, rate: int | None) -> dict[str, Any]:
    found = _ask(target, connections, seconds, rate)
    return {"database": target.name, "connections": connections, "offered": rate or "all it takes", **found}


def _beside(target: Target, seconds: float, rate: int) -> dict[str, Any]:
    """The sender's view of its deliveries while somebody else asks."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_ask, target, 16, seconds, rate) if rate else None
        found = load(target, 16, seconds, f"evt_beside_{rate}_", _EVENTS)
        other = asked.result() if asked else {}
    return {
        "database": target.name, "entitlements": rate, "acknowledged": len(found["acknowledged"]),
        "ingest_p50_ms": found["p50_ms"], "ingest_p99_ms": found["p99_ms"],
        "entitlements_p99_ms": other.get("p99_ms", "-"),
    }  # fmt: skip
