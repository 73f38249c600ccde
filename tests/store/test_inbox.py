"""An event is stored once, whoever delivers it, and every delivery is counted."""

from __future__ import annotations

import multiprocessing
import threading

import msgspec

from service.store import inbox
from service.store.engine import Database
from tests.store.samples import T0, deliver_many, delivery, fill, rows, together

_KEYS = [f"evt_{n:03}" for n in range(40)]


def test_threads_racing_with_the_same_keys_store_each_once(database: Database) -> None:
    """One of the racers is told `stored`, all others `duplicate`; deliveries add up exactly."""
    start = threading.Barrier(8)

    def deliver() -> list[str]:
        start.wait(30)
        found: list[str] = []
        for key in _KEYS:
            with database.write() as connection:
                found += [receipt.status for receipt in inbox.store(connection, [delivery(key)], T0)]
        return found

    statuses = [status for found in together([deliver] * 8) for status in found]
    assert statuses.count("stored") == len(_KEYS)
    assert rows(database, "SELECT count(*), min(deliveries), max(deliveries) FROM webhook_event") == [(40, 8, 8)]


def test_processes_racing_with_the_same_keys_store_each_once(database: Database, database_url: str) -> None:
    """The database guards, not this process's memory."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    keys = _KEYS[:15]
    racers = [context.Process(target=deliver_many, args=(database_url, start, keys)) for _ in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0, 0]
    assert rows(database, "SELECT count(*), min(deliveries), max(deliveries) FROM webhook_event") == [(15, 3, 3)]


def test_copies_in_one_batch_are_folded(database: Database) -> None:
    """The first copy stored it, the others are duplicates of it, and all are counted."""
    with database.write() as connection:
        first, second, third = inbox.store(connection, [delivery("b"), delivery("a"), delivery("b")], T0)
    assert [first.status, second.status, third.status] == ["stored", "stored", "duplicate"]
    assert first.id == third.id
    assert rows(database, "SELECT event_id, deliveries FROM webhook_event ORDER BY event_id") == [("a", 1), ("b", 2)]


def test_batches_in_opposite_orders_do_not_deadlock(database: Database) -> None:
    """The store sorts what it is given, so two batches never wait for each other."""
    start = threading.Barrier(4)

    def deliver(keys: list[str]) -> None:
        start.wait(30)
        for _ in range(10):
            fill(database, [(key, "o") for key in keys])

    together([lambda k=keys: deliver(k) for keys in (_KEYS, _KEYS[::-1]) * 2])  # type: ignore[misc]
    assert rows(database, "SELECT min(deliveries), max(deliveries) FROM webhook_event") == [(40, 40)]


def test_the_same_key_at_two_accounts_is_two_events(database: Database) -> None:
    """Keys are unique within an account only."""
    with database.write() as connection:
        inbox.store(connection, [delivery("e"), delivery("e", account="b")], T0)
        assert inbox.known(connection, "b", ["e", "f"]) == {"e"}
        assert inbox.known(connection, "b", []) == set()
    assert rows(database, "SELECT count(*) FROM webhook_event") == [(2,)]


def test_bytes_are_kept_as_received(database: Database) -> None:
    """NUL, broken UTF-8, emoji: the payload is bytes."""
    payload = b'\x00\xff{"a": "\xf0\x9f\xa6\x8a\\u0000"}'
    with database.write() as connection:
        inbox.store(connection, [msgspec.structs.replace(delivery("e"), payload=payload)], T0)
    assert bytes(rows(database, "SELECT payload FROM webhook_event")[0][0]) == payload


def test_an_ignored_event_is_stored_and_never_due(database: Database) -> None:
    """It keeps its reason; one fetched from the provider's log counts no delivery."""
    ignored = msgspec.structs.replace(delivery("e").envelope, ignored="not_handled")
    with database.write() as connection:
        inbox.store(connection, [msgspec.structs.replace(delivery("e"), envelope=ignored, copies=0)], T0)
    query = "SELECT status, reason, next_attempt_at, deliveries FROM webhook_event"
    assert rows(database, query) == [("ignored", "not_handled", None, 0)]
