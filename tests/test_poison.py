"""Events that can't be seen through: each fails by itself, and the worker goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.attempt import unread
from service.errors import ProviderUnavailable, RateLimited
from service.sandbox.server import serving
from service.sandbox.stripe import StripeSandbox
from service.settings import Settings
from service.store import inbox
from service.store.inbox import Delivery
from service.store.queue import LEASE_SECONDS, Claimed
from service.system import System
from service.worker import Worker
from tests.reconcile.world import ACCOUNT, World

Json = dict[str, Any]


@pytest.fixture
def shop(database_url: str) -> Iterator[World]:
    """Two customers whose rows a complete run has confirmed."""
    sandbox = StripeSandbox()
    with serving(sandbox.app) as url:
        world = World(sandbox, database_url, url)
        for name in ("Ada", "Bob"):
            world.customer(name=name)
        world.later()
        assert world.run().exit_code == 0
        world.later()
        yield world
        world.close()


def receive(world: World, *events: Json) -> None:
    """Deliveries that are stored, and nothing more yet."""
    envelope = world.system.account(ACCOUNT).provider.envelope
    bodies = [msgspec.json.encode(each) for each in events]
    sent = [Delivery(account=ACCOUNT, envelope=envelope(body), payload=body) for body in bodies]
    with world.system.database.write() as connection:
        inbox.store(connection, sent, world.now)


def update(world: World, customer: str, number: int, *, age: int) -> Json:
    """An event that tells of another address, stamped so many seconds ago."""
    first = world.sandbox.events[0]
    told = world.sandbox.objects("customer")[customer] | {"email": "late@example.com"}
    event = first | {
        "id": f"evt_late{number}",
        "type": "customer.updated",
        "created": int(world.sandbox.clock.now()) - age,
    }
    return event | {"data": {"object": told}}


def garble(world: World, customer: str) -> None:
    """From now on the provider shows this customer with an address that is none."""
    row = world.sandbox._world.tables["customer"].get(customer)
    assert row is not None
    row["email"] = 5


def ends(world: World) -> list[tuple[Any, ...]]:
    """How the late events stand."""
    query = "SELECT event_id, status, reason FROM webhook_event WHERE event_id LIKE 'evt_late%' ORDER BY event_id"
    return [tuple(row) for row in world.sql(query)]


def test_an_event_that_a_read_would_settle_is_dead_where_the_object_can_not_be_translated(shop: World) -> None:
    """To wait would not help; and what was claimed with it is seen through all the same."""
    broken, whole = shop.sandbox.objects("customer")
    late = [update(shop, id_, number, age=7_100) for number, id_ in enumerate((broken, whole))]
    garble(shop, broken)
    receive(shop, *late)
    Worker(shop.system).drain()
    assert ends(shop) == [("evt_late0", "dead", "unmappable"), ("evt_late1", "applied", "older_than_run")]


def test_a_run_whose_audit_brings_such_an_event_goes_on_and_names_what_failed(shop: World) -> None:
    """The event tells of a minute before the row was read, so the row must be read again; and that can't be understood."""
    customer = next(iter(shop.sandbox.objects("customer")))
    heard = len(shop.sandbox.events)
    for address in ("b@example.com", "c@example.com"):
        shop.sandbox.call("POST", f"/v1/customers/{customer}", {"email": address})
        shop.sandbox.advance(10)
    assert shop.run().exit_code == 0
    shop.later()
    garble(shop, customer)
    report = shop.run(full=True)
    kinds = {each.source: each.status for each in report.kinds}
    assert (kinds["customer"], kinds["product"], kinds["refund"]) == ("failed", "complete", "complete")
    assert (report.status, report.exit_code) == ("failed", 2)
    ids = [each["id"] for each in shop.sandbox.events[heard:]]
    found = shop.sql("SELECT event_id, status, reason FROM webhook_event WHERE status <> 'applied'")
    assert [tuple(row) for row in found] == [(ids[0], "dead", "unmappable")]


def test_events_of_one_object_that_a_read_settles_share_one_read(shop: World) -> None:
    customer = next(iter(shop.sandbox.objects("customer")))
    receive(shop, *(update(shop, customer, number, age=7_100 + number) for number in range(3)))
    shop.sandbox.requests.clear()
    Worker(shop.system).drain()
    assert {status for _, status, _ in ends(shop)} == {"applied"}
    assert shop.sandbox.requests.count(("GET", f"/v1/customers/{customer}")) == 1


def test_a_batch_that_the_database_refuses_is_applied_event_by_event_and_the_bad_one_ends_dead(shop: World) -> None:
    first, second = shop.sandbox.objects("customer")
    shop.sql("UPDATE customer SET email = 'bob@example.com' WHERE id = :id", id=second)
    shop.sql("CREATE UNIQUE INDEX one_of_an_address ON customer (email)")
    receive(shop, *(update(shop, id_, number, age=10) for number, id_ in enumerate((first, second))))
    worker = Worker(shop.system)
    worker.drain()
    assert ends(shop) == [("evt_late0", "applied", None), ("evt_late1", "retry", "database")]
    for _ in range(20):
        shop.now += timedelta(hours=2)
        worker.drain()
    assert ends(shop)[1] == ("evt_late1", "dead", "database")
    assert shop.sql("SELECT attempts FROM webhook_event WHERE event_id = 'evt_late1'")[0].attempts == 16


@pytest.mark.parametrize("attempt", range(1, 16))
def test_attempts_wait_ever_longer_and_no_shorter_than_the_provider_asked_for(attempt: int) -> None:
    event = msgspec.structs.replace(_CLAIMED, attempts=attempt)
    now, least = _CLAIMED.received_at, min(2.0**attempt, 3_600)
    plain = unread(event, ProviderUnavailable("down"), now=now, max_attempts=16)
    asked = unread(event, RateLimited("slower", retry_after=7_200), now=now, max_attempts=16)
    assert (plain.status, asked.status) == ("retry", "retry")
    assert plain.next_attempt_at is not None
    assert least <= (plain.next_attempt_at - now).total_seconds() <= 3_600
    assert asked.next_attempt_at == now + timedelta(hours=2)


_CLAIMED = Claimed(
    id=1, account=ACCOUNT, event_id="evt_1", type="t", kind=None, object_id=None, occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    received_at=datetime(2026, 1, 1, tzinfo=UTC), attempts=1, reason=None, source="webhook", payload=b"",
)  # fmt: skip


class Broken:
    """An adapter with a mistake in it: one of its events raises what no adapter may raise."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def map(self, payload: bytes) -> Any:
        """Fail at one event."""
        if b"evt_late0" in payload:
            raise KeyError("mistake")
        return self._provider.map(payload)


def test_a_worker_outlives_an_error_that_nobody_foresaw(shop: World) -> None:
    """Inside `serve` it is a thread, and nobody would start it again."""
    first, second = shop.sandbox.objects("customer")
    receive(shop, *(update(shop, id_, number, age=10) for number, id_ in enumerate((first, second))))
    account = shop.system.account(ACCOUNT)
    account.provider = Broken(account.provider)
    stop = threading.Event()
    thread = threading.Thread(target=Worker(shop.system).run, args=(stop,))
    thread.start()
    try:
        _until(lambda: ends(shop)[0][1] == "processing")
        shop.now += timedelta(seconds=LEASE_SECONDS + 1)
        _until(lambda: ends(shop)[1][1] == "applied" or not _later(shop))
    finally:
        stop.set()
        thread.join(30)
    assert ends(shop)[1] == ("evt_late1", "applied", None)


def _later(world: World) -> bool:
    world.now += timedelta(seconds=1)
    return True


def _until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(200):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError("it never came to that")


def test_no_thread_of_a_worker_ends_by_an_error_that_nobody_foresaw(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would start it again: leases would run out, writes stay open, and usage stay untold, without a word."""
    for name in ("_SETTLE_SECONDS", "_BEAT_SECONDS"):
        monkeypatch.setattr(f"service.worker.{name}", 0.01)
    threads, stumbled, went_on = {"beat-worker", "settling", "outbox"}, set[str](), set[str]()
    stop = threading.Event()

    def clock() -> datetime:
        name = threading.current_thread().name
        if name in stumbled:
            went_on.add(name)
        elif name in threads:
            stumbled.add(name)
            raise KeyError("a defect")
        if went_on == threads:
            stop.set()
        return datetime.now(UTC)

    system = System(Settings(database_url=database_url), clock=clock)
    patience = threading.Timer(30, stop.set)
    patience.start()
    Worker(system).run(stop)
    patience.cancel()
    system.close()
    assert went_on == threads
