"""A lease that ran out is taken over, and its former holder changes nothing any more."""

from __future__ import annotations

from datetime import datetime

import pytest

from service.apply import apply
from service.errors import LeaseLost
from service.model import Customer
from service.store import queue
from service.store.engine import Database
from tests.store.samples import STRIPE, T0, after, change, fill, rows


def _claim(database: Database, name: str, now: datetime = T0, limit: int = 10) -> queue.Claim:
    with database.write() as connection:
        return queue.claim(connection, name, now, limit=limit, max_attempts=3)


def _complete(database: Database, claim: queue.Claim, now: datetime, status: str = "applied") -> None:
    due = now if status == "retry" else None
    outcomes = [queue.Outcome(event=event, status=status, next_attempt_at=due) for event in claim.events]
    with database.write() as connection:
        change_ = change("customer", "c", Customer(name="from " + claim.id))
        apply(connection, "a", [change_], ordering=STRIPE, confirmed={}, now=now)
        queue.complete(connection, claim.id, outcomes, now)


def test_a_lease_that_ran_out_is_taken_over_one_event_at_a_time(database: Database) -> None:
    """One of the batch may have killed its worker; it must not take the others down again."""
    fill(database, [("1", "x"), ("2", "y"), ("3", "z")])
    assert len(_claim(database, "A").events) == 3
    assert _claim(database, "B", after(29)).events == ()
    taken = [_claim(database, name, after(31)).events for name in "BCDE"]
    assert [len(events) for events in taken] == [1, 1, 1, 0]
    assert {event.attempts for events in taken for event in events} == {2}


def test_a_stalled_worker_loses_its_lease_and_changes_nothing(database: Database) -> None:
    """Its completion raises, and the state that it wrote in the same transaction is rolled back."""
    fill(database, [("1", "x")])
    stalled = _claim(database, "A")
    successor = _claim(database, "B", after(31))
    _complete(database, successor, after(32))
    with pytest.raises(LeaseLost, match="1 of 1"):
        _complete(database, stalled, after(33))
    assert rows(database, "SELECT name FROM customer") == [("from B",)]
    assert rows(database, "SELECT status, attempts FROM webhook_event") == [("applied", 2)]


def test_a_lease_that_ran_out_is_lost_even_if_nobody_took_it(database: Database) -> None:
    """Whoever looks at the same clock may already be taking it over."""
    fill(database, [("1", "x")])
    claim = _claim(database, "A")
    with pytest.raises(LeaseLost):
        _complete(database, claim, after(30))
    assert rows(database, "SELECT status FROM webhook_event") == [("processing",)]
    assert rows(database, "SELECT * FROM customer") == []


def test_a_stalled_worker_cannot_free_its_successors_subject(database: Database) -> None:
    """Giving back an old claim touches nothing of the new one."""
    fill(database, [("1", "x")])
    _claim(database, "A")
    _claim(database, "B", after(31))
    with database.write() as connection:
        assert queue.release(connection, "A", after(32)) == 0
    assert rows(database, "SELECT claim_id FROM subject_lease") == [("B",)]
    assert rows(database, "SELECT claim_id, attempts FROM webhook_event") == [("B", 2)]


def test_completion_and_state_are_one_transaction(database: Database) -> None:
    """Rolled back, neither is there; committed, both are."""
    fill(database, [("1", "x")])
    claim = _claim(database, "A")
    with database.engine.connect() as connection, connection.begin() as transaction:
        apply(connection, "a", [change("customer", "c", Customer())], ordering=STRIPE, confirmed={}, now=T0)
        queue.complete(connection, "A", [queue.Outcome(event=claim.events[0], status="applied")], T0)
        transaction.rollback()
    assert rows(database, "SELECT status FROM webhook_event") == [("processing",)]
    assert rows(database, "SELECT * FROM customer") == []
    _complete(database, claim, after(1))
    assert rows(database, "SELECT status, claim_id FROM webhook_event") == [("applied", None)]
    assert rows(database, "SELECT count(*) FROM customer") == [(1,)]


def test_a_released_claim_is_as_if_never_taken(database: Database) -> None:
    """The attempt is given back, and the event is due at once; one tried before goes back to retry."""
    fill(database, [("1", "x")])
    _claim(database, "A")
    with database.write() as connection:
        assert queue.release(connection, "A", T0) == 1
    assert rows(database, "SELECT status, attempts FROM webhook_event") == [("received", 0)]
    assert rows(database, "SELECT * FROM subject_lease") == []
    _complete(database, _claim(database, "B"), T0, "retry")
    _claim(database, "C")
    with database.write() as connection:
        queue.release(connection, "C", T0)
    assert rows(database, "SELECT status, attempts FROM webhook_event") == [("retry", 1)]


def test_a_poison_event_ends_dead(database: Database) -> None:
    """It kills its worker at every attempt; after the last it is buried, and its batch mates live on."""
    fill(database, [("poison", "x"), ("mate", "y")])
    _claim(database, "A")
    now = 0
    while rows(database, "SELECT 1 FROM webhook_event WHERE event_id = 'poison' AND status <> 'dead'"):
        now += 31
        claim = _claim(database, f"claim {now}", after(now))
        if [event.event_id for event in claim.events] == ["mate"]:
            _complete(database, claim, after(now))
    query = "SELECT event_id, status, attempts, reason, next_attempt_at FROM webhook_event ORDER BY event_id"
    assert rows(database, query) == [("mate", "applied", 2, None, None), ("poison", "dead", 3, "worker_died", None)]


def test_renewing_keeps_a_lease(database: Database) -> None:
    """Renewed in time, it is not taken over; too late, it is not renewed."""
    fill(database, [("1", "x")])
    claim = _claim(database, "A")
    with database.write() as connection:
        assert queue.renew(connection, "A", after(20))
    assert _claim(database, "B", after(40)).events == ()
    _complete(database, claim, after(45))
    with database.write() as connection:
        assert not queue.renew(connection, "A", after(46))


def test_a_lease_that_ran_out_is_not_renewed(database: Database) -> None:
    """Otherwise two workers would hold it."""
    fill(database, [("1", "x")])
    _claim(database, "A")
    with database.write() as connection:
        assert not queue.renew(connection, "A", after(30))


def test_a_failed_attempt_waits_for_its_time(database: Database) -> None:
    """Not due before, due then."""
    fill(database, [("1", "x")])
    claim = _claim(database, "A")
    outcome = queue.Outcome(event=claim.events[0], status="retry", error="boom", next_attempt_at=after(60))
    with database.write() as connection:
        queue.complete(connection, "A", [outcome], T0)
    assert _claim(database, "B", after(59)).events == ()
    assert _claim(database, "B", after(60)).events[0].attempts == 2
