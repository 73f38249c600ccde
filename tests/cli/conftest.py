"""One temporary SQLite database, filled as the service fills it, and the command line run in this process."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from service import cli
from service.apply import apply
from service.instants import micros
from service.model import Cause, Change, Customer, Fields, Kind, Snapshot, Subscription, Version
from service.provider import Envelope, Ordering
from service.store import inbox
from service.store.engine import Database
from service.store.tables import EVENTS

SECRET = "whsec_7f3kJx9mark"
KEY = "sk_test_9Qmark4zz"
TOKEN = "api-token-mark-4711"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Ran(msgspec.Struct):
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (
        "TALLYHOOK_CONFIG",
        "TALLYHOOK_LOG_LEVEL",
        "STRIPE_API_BASE",
        "STRIPE_MODE",
        "PORT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/tallyhook.db")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    monkeypatch.setenv("TALLYHOOK_API_TOKEN", f"{TOKEN}:read")
    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before
    structlog.reset_defaults()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `tallyhook` with these arguments."""

    def run_(*arguments: str) -> Ran:
        capsys.readouterr()
        try:
            code = cli.main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run_


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database: the one that the commands use."""
    opened = Database(f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'tallyhook.db')}")
    yield opened
    opened.close()


def store(
    database: Database, event_id: str, type_: str, *, status: str = "applied", subject: tuple[str, str] = ("customer", "cus_1"),
    payload: bytes = b'{"marked": "payload-mark"}', reason: str | None = None, error: str | None = None,
) -> int:  # fmt: skip
    """Store one event as received, then give it a status; our id."""
    envelope = Envelope(event_id=event_id, type=type_, occurred_at=NOW, kind=subject[0], object_id=subject[1])
    delivery = inbox.Delivery(account="stripe", envelope=envelope, payload=payload)
    with database.write() as connection:
        id_ = inbox.store(connection, [delivery], database.now())[0].id
        values: dict[str, Any] = {"status": status, "reason": reason, "error": error, "attempts": 3}
        if status not in ("received", "retry"):
            values["next_attempt_at"] = None
        connection.execute(EVENTS.update().where(EVENTS.c.id == id_).values(**values))
    return id_


def write_state(database: Database, event: int, kind: Kind, id_: str, fields: Fields, *, second: int = 0) -> None:
    """Let an event write one row, through the one door."""
    source = Snapshot(source=kind, source_id=id_, kind=kind, id=id_, fields=fields)
    version = Version(micros(NOW) + second * 1_000_000, micros(database.now()), False)
    change = Change(source, version, Cause("event", str(event)))
    with database.write() as connection:
        apply(connection, "stripe", [change], ordering=Ordering(object_clock=False), confirmed={}, now=database.now())


def late_payer(database: Database) -> Sequence[int]:
    """Ada (cus_1), whose subscription sub_9 became past due; our ids of the three events."""
    first = store(database, "evt_1", "customer.created")
    write_state(database, first, "customer", "cus_1", Customer(email="Ada@example.com", name="Ada"))
    second = store(database, "evt_2", "customer.subscription.created", subject=("subscription", "sub_9"))
    write_state(database, second, "subscription", "sub_9", Subscription(customer_id="cus_1", status="active"))
    third = store(database, "evt_3", "customer.subscription.updated", subject=("subscription", "sub_9"))
    late = Subscription(customer_id="cus_1", status="past_due")
    write_state(database, third, "subscription", "sub_9", late, second=60)
    return first, second, third
