"""`judge` is pure: each history that design section 3 names, and what becomes of the change."""

from __future__ import annotations

from service.apply import Judgement, judge
from service.instants import micros
from service.model import Change, Customer
from service.provider import Ordering
from service.store.state import Held
from tests.store.samples import PADDLE, SECOND, STRIPE, T0, after, change


def _held(at: float, *, seen: float | None = None, read: bool = False, based: bool = False) -> Held:
    return Held(as_of=micros(after(at)), seen_at=micros(after(at if seen is None else seen)), read=read, based=based)


def _event(at: float, *, seen: float | None = None, deleted: bool = False) -> Change:
    return change("customer", "c", Customer(), at=at, seen=seen, deleted=deleted)


def _read(at: float, *, seen: float | None = None) -> Change:
    return change("customer", "c", Customer(), at=at, seen=seen, read=True)


def _judge(
    held: Held | None, of: Change, *, same: bool = False, deleted: bool = False, ordering: Ordering = STRIPE,
    confirmed: int | None = None,
) -> Judgement:  # fmt: skip
    return judge(held, same=same, deleted=deleted, change=of, ordering=ordering, confirmed=confirmed)


def test_a_stalled_workers_old_read_is_stale() -> None:
    """It read before its lease ran out; its successor has read since."""
    assert _judge(_held(40, read=True), _read(5)).verdict == "stale"


def test_a_stalled_workers_old_event_is_stale() -> None:
    """Its successor has applied a newer one."""
    assert _judge(_held(40), _event(5, seen=6)).verdict == "stale"


def test_an_event_that_arrives_after_a_read_of_its_minute_is_read_again() -> None:
    """The read may have come from a replica that had not seen it; read again once the margin has passed."""
    judgement = _judge(_held(60, seen=60, read=True), _event(59, seen=61))
    assert judgement == Judgement("tie", "near_read", micros(after(60)) + STRIPE.margin * SECOND)


def test_an_event_far_older_than_a_read_is_stale() -> None:
    """Beyond the margin no replica lags."""
    assert _judge(_held(600, read=True), _event(0, seen=601)).verdict == "stale"


def test_a_delayed_event_older_than_a_complete_run_is_read_again() -> None:
    """The run confirmed the row without writing it; the event that reverted this one may have been lost."""
    judgement = _judge(_held(0), _event(50, seen=200), confirmed=micros(after(100)))
    assert (judgement.verdict, judgement.reason) == ("tie", "older_than_run")


def test_what_was_read_is_confirmed_by_a_complete_run_too() -> None:
    """A first import leaves only reads; the run that confirms them writes nothing to them."""
    judgement = _judge(_held(0, read=True), _event(50, seen=200), confirmed=micros(after(100)))
    assert judgement == Judgement("tie", "older_than_run")
    assert (
        _judge(_held(0, read=True), _event(50, seen=200), same=True, confirmed=micros(after(100))).verdict
        == "unchanged"
    )
    assert _judge(_held(0, read=True), _event(150, seen=200), confirmed=micros(after(100))).verdict == "applied"


def test_an_event_newer_than_the_run_wins() -> None:
    """The run says nothing about what came later."""
    assert _judge(_held(0), _event(150), confirmed=micros(after(100))).verdict == "applied"


def test_a_tombstone_is_not_undone() -> None:
    """Neither by a late event, nor by a newer one, nor by a read."""
    for late in (_event(0), _event(900), _read(900)):
        assert _judge(_held(10), late, deleted=True).verdict == "stale"
    assert _judge(_held(10), _event(11, deleted=True), deleted=True).verdict == "unchanged"


def test_a_delete_wins_over_anything() -> None:
    """The provider's own word that the object is gone needs no clock."""
    assert _judge(_held(900, read=True), _event(0, deleted=True)).verdict == "applied"


def test_an_older_event_is_stale() -> None:
    """Held is newer."""
    assert _judge(_held(10), _event(9)).verdict == "stale"


def test_a_read_supersedes_what_was_received_before_it_began() -> None:
    """Even where its Date is a little behind: the clocks of servers differ."""
    assert _judge(_held(10, seen=11), _read(9, seen=12)).verdict == "applied"


def test_an_event_received_while_a_read_was_under_way_ties_with_it() -> None:
    """Which of the two is newer can't be known from either."""
    assert _judge(_held(10, seen=11), _read(10, seen=10)).reason == "read_overtaken"
    assert _judge(_held(10, seen=11), _read(9, seen=10)).verdict == "stale"


def test_a_read_far_younger_than_the_event_wins_whenever_it_began() -> None:
    """Beyond the margin no replica lags, so it has seen what the event tells."""
    assert _judge(_held(10, seen=400), _read(10 + STRIPE.margin + 1, seen=399)).verdict == "applied"
    assert _judge(_held(10, seen=400), _read(10 + STRIPE.margin, seen=399)).reason == "read_overtaken"


def test_of_two_reads_of_one_second_the_one_that_began_later_wins() -> None:
    """Its Date tells whole seconds only."""
    assert _judge(_held(10, seen=11, read=True), _read(10, seen=12)).verdict == "applied"
    assert _judge(_held(10, seen=12, read=True), _read(10, seen=11)).verdict == "stale"


def test_what_had_come_before_a_read_began_is_superseded_by_it() -> None:
    """Within the margin too: the read was made to settle it."""
    assert _judge(_held(60, seen=61, read=True), _event(59, seen=60)).verdict == "stale"


def test_two_contents_of_one_second_tie() -> None:
    """Equal ones don't."""
    assert _judge(_held(10), _event(10)).reason == "same_second"
    assert _judge(_held(10), _event(10), same=True).verdict == "unchanged"


def test_an_older_event_changes_the_base_of_a_decided_second() -> None:
    """What was decided from what was before must be decided again."""
    assert _judge(_held(10, based=True), _event(9)).reason == "base_changed"


def test_an_object_clock_orders_events_and_reads_alike() -> None:
    """A read wins equality; an equal event does not overwrite it."""
    assert _judge(_held(10), _read(10), ordering=PADDLE).verdict == "applied"
    assert _judge(_held(10, read=True), _event(10), ordering=PADDLE).verdict == "stale"
    assert _judge(_held(10, read=True), _event(11), ordering=PADDLE).verdict == "applied"
    assert _judge(_held(10), _read(9), ordering=PADDLE).verdict == "stale"


def test_the_first_sight_of_an_object_is_applied() -> None:
    """Nothing is held."""
    assert _judge(None, _event(0)).verdict == "applied"
    assert _judge(None, _read(0)).verdict == "applied"
    assert after(0) == T0
