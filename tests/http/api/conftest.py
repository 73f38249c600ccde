"""A served application over either database, with two accounts, two tokens and a copy of some business."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.app import build
from service.apply import apply
from service.instants import micros
from service.model import Cause, Change, Customer, Fields, Kind, Snapshot, Version
from service.provider import Ordering
from service.sandbox.server import serving
from service.settings import AccountSettings, Settings
from service.system import System
from tests.signing import SECRET

WRITER = "write-token-mark-0123456789"
READER = "read-token-mark-0123456789"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
Json = dict[str, Any]


class Copy:
    """Writes rows into the copy as the worker does."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._events = 0

    def put(self, kind: Kind, id_: str, fields: Fields, *, account: str = "stripe", **more: Any) -> None:
        """Let an event write one row, through the one door; each is a second newer than the last."""
        self._events += 1
        snapshot = Snapshot(source=kind, source_id=id_, kind=kind, id=id_, fields=fields, **more)
        at = micros(NOW) + self._events * 1_000_000
        change = Change(snapshot, Version(at, at, False), Cause("event", str(self._events)))
        with self.system.database.write() as connection:
            ordering = Ordering(object_clock=False)
            apply(connection, account, [change], ordering=ordering, confirmed={}, now=NOW)

    def customers(self, count: int, **fields: Any) -> None:
        """Customers cus_0, cus_1, ..., each created a second after the last."""
        for number in range(count):
            made = NOW + timedelta(seconds=number)
            self.put("customer", f"cus_{number}", Customer(**({"created_at": made} | fields)))


def settings(database_url: str, **more: Any) -> Settings:
    """A Stripe and a Paddle test account, a token that may write and one that may only read."""
    accounts = tuple(
        AccountSettings(name=name, provider=name, mode="test", webhook_secrets=(SECRET,))
        for name in ("stripe", "paddle")
    )
    given: Json = {"accounts": accounts, "api_tokens": (WRITER, f"{READER}:read"), "max_body": 65_536}
    return Settings(database_url=database_url, **(given | more))


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def system(database_url: str) -> Iterator[System]:
    """The system behind the served application."""
    made = System(settings(database_url))
    yield made
    made.close()


@pytest.fixture
def copy(system: System) -> Copy:
    """The copy that the application reads."""
    return Copy(system)


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    """A client of the served application that may write."""
    with serving(build(system)) as url, httpx.Client(base_url=url, timeout=20, headers=bearer(WRITER)) as client:
        yield client


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and cause of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["request_id"] == response.headers["request-id"]
    return document["status"], document["cause"]
