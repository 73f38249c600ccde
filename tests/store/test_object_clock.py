"""Providers whose objects have an update time of their own: the rule where stamps tie, sticky fields, and attempts."""

from __future__ import annotations

import itertools

import pytest

from service.apply import judge, seen
from service.instants import micros
from service.merge import merge
from service.model import Change, Customer, Payment, Snapshot, Subscription, content_of
from service.provider import Ordering
from service.settle import Seen, fold
from service.store.engine import Database
from service.store.state import Held
from tests.store.samples import PADDLE, after, change, put, rows

STICKY = Ordering(object_clock=True, sticky=("user_id",))
ATTEMPTS = Ordering(object_clock=True, precedence=("bill", "attempt"), attempts=("attempt",), sticky=("user_id",))


def _held(at: float, *, seen: float, read: bool = False) -> Held:
    return Held(as_of=micros(after(at)), seen_at=micros(after(seen)), read=read)


def _judged(held: Held, of: Change) -> tuple[str, str | None]:
    found = judge(held, same=False, deleted=False, change=of, ordering=PADDLE, confirmed=None)
    return found.verdict, found.reason


def test_an_event_that_comes_after_a_read_of_its_own_stamp_is_read_again() -> None:
    """Stamps are whole seconds at Lemon Squeezy: the change may have come after the read, within the second."""
    event = change("customer", "c", Customer(), at=10, seen=12)
    assert _judged(_held(10, seen=11, read=True), event) == ("tie", "near_read")
    assert _judged(_held(10, seen=13, read=True), event) == ("stale", None)


def test_a_read_that_began_before_an_event_of_its_own_stamp_came_is_read_again() -> None:
    """It may show what was before the event."""
    read = change("customer", "c", Customer(), at=10, seen=11, read=True)
    assert _judged(_held(10, seen=12), read) == ("tie", "read_overtaken")
    assert _judged(_held(10, seen=11), read) == ("applied", None)
    assert _judged(_held(10, seen=12, read=True), read) == ("stale", None)


def test_the_objects_own_time_goes_before_the_answers(database: Database) -> None:
    """A page answered now may hold an object that changed long ago."""
    snapshot = Snapshot(source="customer", source_id="c", kind="customer", id="c", fields=Customer(), as_of=after(3))
    (found,) = seen([snapshot], after(60), micros(after(60)), change("customer", "c", Customer()).cause, read=True)
    assert found.version.as_of == micros(after(3))
    put(database, found, ordering=PADDLE)
    assert put(database, change("customer", "c", Customer(email="new"), at=5), ordering=PADDLE)[0].verdict == "applied"


def test_of_two_events_with_one_stamp_the_one_that_occurred_last_stands() -> None:
    """Where events have a time of their own beside the object's."""
    contents = [change("customer", "c", Customer(email=name)).snapshot for name in ("first", "last")]
    events = [Seen(10, each, None, False, 20 + n) for n, each in enumerate(contents)]
    for order in itertools.permutations(events):
        decision = fold(order, None, lambda _content: None)
        assert decision is not None
        assert decision.proven
        assert decision.snapshot.fields == Customer(email="last")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_only_some_events_tell_is_kept_in_any_order(database: Database, order: tuple[int, ...]) -> None:
    """Custom data comes with events alone; a read that knows nothing of it does not unlearn it."""
    told = (
        change("subscription", "s", Subscription(status="trialing", user_id="42"), at=1),
        change("subscription", "s", Subscription(status="active"), at=2),
        change("subscription", "s", Subscription(status="active"), at=2, seen=9, read=True),
    )
    for index in order:
        put(database, told[index], ordering=STICKY)
    assert rows(database, "SELECT status, user_id FROM subscription") == [("active", "42")]


def test_a_read_that_does_not_know_a_sticky_field_changes_nothing(database: Database) -> None:
    """Otherwise each night would find the same drift."""
    put(database, change("subscription", "s", Subscription(status="active", user_id="42"), at=1), ordering=STICKY)
    read = change("subscription", "s", Subscription(status="active"), at=1, seen=9, read=True)
    assert [each.verdict for each in put(database, read, ordering=STICKY)] == ["unchanged"]
    assert rows(database, "SELECT count(*) FROM state_change") == [(1,)]


def test_a_failed_attempt_replaces_pending_and_nothing_else() -> None:
    """The bill itself only says that it waits; once it is paid, the attempts before don't count."""
    attempt = content_of(Payment(status="failed", amount=900))
    for status, expected in (("pending", "failed"), ("succeeded", "succeeded"), ("canceled", "canceled")):
        bill = content_of(Payment(status=status, amount=900, amount_paid=0))
        assert merge({"bill:1": bill, "attempt:1": attempt}, ATTEMPTS)["status"] == expected
    assert merge({"bill:1": content_of(Payment(status="pending"))}, ATTEMPTS)["status"] == "pending"


def test_a_late_attempt_does_not_undo_a_payment(database: Database) -> None:
    """Each source is ordered by itself, so the order of arrival does not matter."""
    bill = change("payment", "p", Payment(status="succeeded", amount=900, amount_paid=900), at=5, source="bill")
    attempt = change("payment", "p", Payment(status="failed", amount=900), at=2, source="attempt")
    put(database, bill, ordering=ATTEMPTS)
    put(database, attempt, ordering=ATTEMPTS)
    assert rows(database, "SELECT status, amount_paid FROM payment") == [("succeeded", 900)]


def test_a_sticky_field_of_a_merged_row_is_kept(database: Database) -> None:
    """The content of each source is remembered with it."""
    first = change("payment", "p", Payment(status="pending", user_id="42"), at=1, source="bill")
    then = change("payment", "p", Payment(status="succeeded"), at=2, seen=9, source="bill", read=True)
    put(database, first, ordering=ATTEMPTS)
    put(database, then, ordering=ATTEMPTS)
    assert rows(database, "SELECT status, user_id FROM payment") == [("succeeded", "42")]
