"""Claims never overlap, neither in an event nor in a subject, however many claim at once."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from service.store import queue
from service.store.engine import Database
from tests.store.samples import T0, fill, rows, together

_CLAIMERS = 8


class Contest:
    """Eight claimers over one queue; `overlaps` are subjects that two of them held at a time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seen: Counter[int] = Counter()
        self.overlaps: list[queue.Subject] = []
        self._held: set[queue.Subject] = set()
        self._lock = threading.Lock()
        self._first = threading.Barrier(_CLAIMERS)

    def run(self, name: str) -> None:
        """Claim and complete until nothing is left; all hold their first claim before any completes."""
        claim = self._claim(f"{name}-0")
        self._first.wait(30)
        number = 1
        while claim.events or self._open():
            self._complete(claim)
            claim = self._claim(f"{name}-{number}")
            number += 1

    def _claim(self, claim_id: str) -> queue.Claim:
        with self.database.write() as connection:
            claim = queue.claim(connection, claim_id, T0, limit=5, max_attempts=3)
        subjects = {event.subject for event in claim.events}
        with self._lock:
            self.seen.update(event.id for event in claim.events)
            self.overlaps += self._held & subjects
            self._held |= subjects
        return claim

    def _complete(self, claim: queue.Claim) -> None:
        # Given up here first: once the transaction commits, the next claimer may hold them.
        with self._lock:
            self._held -= {event.subject for event in claim.events}
        with self.database.write() as connection:
            outcomes = [queue.Outcome(event=event, status="applied") for event in claim.events]
            queue.complete(connection, claim.id, outcomes, T0)

    def _open(self) -> bool:
        return bool(rows(self.database, "SELECT 1 FROM webhook_event WHERE status IN ('received', 'retry') LIMIT 1"))


def _contest(database: Database) -> Contest:
    fill(database, [(f"evt_{n:03}", f"cus_{n % 10}") for n in range(160)])
    contest = Contest(database)
    together([lambda n=n: contest.run(f"c{n}") for n in range(_CLAIMERS)])  # type: ignore[misc]
    return contest


def test_eight_claimers_share_neither_an_event_nor_a_subject(database: Database) -> None:
    """Every event is claimed exactly once, and no two live claims hold the same object."""
    contest = _contest(database)
    assert contest.overlaps == []
    assert len(contest.seen) == 160
    assert set(contest.seen.values()) == {1}
    assert rows(database, "SELECT DISTINCT status FROM webhook_event") == [("applied",)]
    assert rows(database, "SELECT * FROM subject_lease") == []


def test_without_the_subject_lease_the_contest_shows_overlaps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard above is the lease and not luck: broken, the same contest fails."""
    monkeypatch.setattr(queue, "_TAKEN", "false")
    monkeypatch.setattr(queue, "_lease", lambda _connection, _claim, subjects, _now, _until: set(subjects))
    assert _contest(database).overlaps != []


def test_a_subject_is_worked_on_by_one_claim_at_a_time(database: Database) -> None:
    """A second event of a held object waits; it is claimed once the first is complete."""
    fill(database, [("1", "same"), ("2", "same")])
    with database.write() as connection:
        first = queue.claim(connection, "A", T0, limit=1, max_attempts=3)
    with database.write() as connection:
        assert queue.claim(connection, "B", T0, limit=1, max_attempts=3).events == ()
    with database.write() as connection:
        queue.complete(connection, "A", [queue.Outcome(event=first.events[0], status="applied")], T0)
    with database.write() as connection:
        assert [event.event_id for event in queue.claim(connection, "B", T0, limit=1, max_attempts=3).events] == ["2"]


def test_events_without_an_object_do_not_wait_for_each_other(database: Database) -> None:
    """Each is its own subject."""
    fill(database, [("1", None), ("2", None)])
    for name in "AB":
        with database.write() as connection:
            assert len(queue.claim(connection, name, T0, limit=1, max_attempts=3).events) == 1


def test_a_subject_kept_stays_leased(database: Database) -> None:
    """Completing one event of an object, while another of the same claim is worked on, does not free the object."""
    fill(database, [("1", "same"), ("2", "same"), ("3", "same")])
    with database.write() as connection:
        claim = queue.claim(connection, "A", T0, limit=2, max_attempts=3)
    done = queue.Outcome(event=claim.events[0], status="applied")
    with database.write() as connection:
        queue.complete(connection, "A", [done], T0, keep={claim.events[1].subject})
    with database.write() as connection:
        assert queue.claim(connection, "B", T0, limit=5, max_attempts=3).events == ()


def test_a_claim_can_be_limited_to_chosen_events(database: Database) -> None:
    """The reconciler takes what its audit found, and nothing else."""
    fill(database, [("1", "x"), ("2", "y")])
    [(chosen,)] = rows(database, "SELECT id FROM webhook_event WHERE event_id = '2'")
    with database.write() as connection:
        claim = queue.claim(connection, "A", T0, limit=5, max_attempts=3, ids=[chosen])
    assert [event.event_id for event in claim.events] == ["2"]
    assert claim.events[0].payload == b"2"
