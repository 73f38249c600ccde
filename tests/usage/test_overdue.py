"""When usage that a provider doesn't have yet is worth a person's look."""

from __future__ import annotations

from service.store import usage_batches, usage_decisions
from tests.usage.shops import HOUR, MINUTE, AnyShop


def _overdue(shop: AnyShop) -> int:
    with shop.system.database.read() as connection:
        return usage_decisions.counts(connection, shop.now())["overdue"]


def _until_it_is_due(shop: AnyShop) -> None:
    """An hour of usage gathers at Lemon Squeezy, a whole period at Paddle: that is no delay."""
    shop.outbox.gather()
    with shop.system.database.read() as connection:
        due = usage_batches.listed(connection)[0].next_attempt_at
    assert due is not None
    wait = int((due - shop.now()).total_seconds())
    shop.later(max(wait - MINUTE, 0))
    assert _overdue(shop) == 0
    shop.later(2 * MINUTE)


def test_usage_is_overdue_an_hour_after_it_should_have_been_told(shop: AnyShop) -> None:
    """However long it was gathered before: the first refusal of a request is no reason to wake anybody."""
    shop.report(7)
    _until_it_is_due(shop)
    shop.sandbox.faults.match = shop.telling
    shop.sandbox.faults.rate_limited = 10_000
    shop.work()
    assert shop.batches()[0][0] == "retry"
    assert _overdue(shop) == 0
    shop.pass_time(2 * HOUR, 10 * MINUTE)
    assert _overdue(shop) == 1
    shop.sandbox.faults.reset()
    shop.pass_time(2 * HOUR)
    assert (shop.batches()[0][0], _overdue(shop)) == ("sent", 0)


def test_usage_that_no_worker_takes_up_is_overdue(shop: AnyShop) -> None:
    """Nor one that a worker has taken and never ended."""
    shop.report(7)
    _until_it_is_due(shop)
    shop.later(2 * HOUR)
    assert _overdue(shop) == 1
    shop.dying.before = 1
    shop.work()
    assert shop.batches()[0][0] == "sending"
    assert _overdue(shop) == 1
    shop.work()
    shop.later(HOUR)
    shop.work()
    assert (shop.batches()[0][0], _overdue(shop)) == ("sent", 0)
