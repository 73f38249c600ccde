"""The same event under another id is a duplicate, and is judged once more; two real updates are two events."""

from __future__ import annotations

import msgspec

from service.store import inbox, queue
from service.store.engine import Database
from tests.store.samples import T0, after, delivery, rows


def _delivery(key: str, content: str, *, account: str = "a") -> inbox.Delivery:
    plain = delivery(key, account=account)
    envelope = msgspec.structs.replace(plain.envelope, content_key=content)
    return msgspec.structs.replace(plain, envelope=envelope)


def _store(database: Database, *deliveries: inbox.Delivery, at: float = 0) -> list[tuple[int, str]]:
    with database.write() as connection:
        return [(each.id, each.status) for each in inbox.store(connection, deliveries, after(at))]


def test_a_resend_under_another_id_is_a_duplicate(database: Database) -> None:
    """Counted on the row that holds the content."""
    ((first, _),) = _store(database, _delivery("one", "x"))
    assert _store(database, _delivery("two", "x")) == [(first, "duplicate")]
    assert _store(database, _delivery("one", "x")) == [(first, "duplicate")]
    assert rows(database, "SELECT event_id, deliveries FROM webhook_event") == [("one", 3)]


def test_a_resend_under_the_same_id_is_a_duplicate_even_if_its_body_was_made_anew(database: Database) -> None:
    """The first copy's bytes are kept."""
    ((first, _),) = _store(database, _delivery("one", "x"))
    assert _store(database, _delivery("one", "y")) == [(first, "duplicate")]


def test_two_updates_of_different_content_are_two_events(database: Database) -> None:
    """However alike their stamps are."""
    assert [status for _, status in _store(database, _delivery("one", "x"), _delivery("two", "y"))] == ["stored"] * 2


def test_copies_of_one_content_in_one_batch_are_one_event(database: Database) -> None:
    """In one statement they would violate the key."""
    found = _store(database, _delivery("two", "x"), _delivery("one", "x"), _delivery("one", "x"))
    assert {id_ for id_, _ in found} == {1}
    assert sorted(status for _, status in found) == ["duplicate", "duplicate", "stored"]
    assert rows(database, "SELECT count(*), sum(deliveries) FROM webhook_event") == [(1, 3)]


def test_accounts_do_not_share_contents(database: Database) -> None:
    """Two stores may send the same."""
    found = _store(database, _delivery("one", "x"), _delivery("two", "x", account="b"))
    assert [status for _, status in found] == ["stored", "stored"]


def test_a_resend_of_an_applied_event_is_judged_again_as_received_now(database: Database) -> None:
    """Another content of the same second may have been applied in between."""
    _store(database, _delivery("one", "x"))
    with database.write() as connection:
        claim = queue.claim(connection, "c1", after(1), limit=1, max_attempts=5)
        queue.complete(connection, "c1", [queue.Outcome(event=claim.events[0], status="applied")], after(2))
    _store(database, _delivery("two", "x"), at=60)
    with database.write() as connection:
        (again,) = queue.claim(connection, "c2", after(61), limit=1, max_attempts=5).events
    assert (again.event_id, again.received_at, again.attempts) == ("one", after(60), 1)
    assert rows(database, "SELECT count(*) FROM webhook_event") == [(1,)]
    assert after(0) == T0
