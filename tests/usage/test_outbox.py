"""What was reported is billed by the provider, to the unit, whatever happens on the way."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.outbox import Outbox
from tests.usage.shops import DAY, HOUR, MINUTE, SHOPS, AnyShop, StripeShop, opened

_FAULTS = ("rate_limited", "server_error", "server_error_after", "connection_reset", "connection_reset_after", "slow")


def _finish(shop: AnyShop) -> None:
    """Everything heals, and time passes until what was used in this period and the next is billed."""
    shop.sandbox.faults.reset()
    shop.dying.before = shop.dying.after = 0
    shop.pass_time(2 * DAY, 2 * HOUR)
    shop.pass_time(66 * DAY, DAY)


def _told(shop: AnyShop) -> int:
    return sum(row[1] for row in shop.batches() if row[0] == "sent")


def test_usage_is_billed_with_its_period(shop: AnyShop) -> None:
    """Three periods, each with its own; nothing waits at the end."""
    for _ in range(9):
        shop.report(11)
        shop.pass_time(10 * DAY, 5 * DAY)
    _finish(shop)
    assert (shop.billed(), _told(shop)) == (shop.reported, shop.reported)
    assert {row[0] for row in shop.batches()} <= {"sent", "void"}


def test_records_of_one_period_are_told_together(shop: AnyShop) -> None:
    """A hundred reports at once are one request."""
    for _ in range(100):
        shop.report(1)
    shop.pass_time(32 * DAY, DAY)
    assert [row[:2] for row in shop.batches()] == [("sent", 100)]
    assert shop.dying.told == 1


def test_no_fault_loses_or_doubles_usage(shop: AnyShop) -> None:
    """Refused, answered 500 with and without effect, cut off before and after it took effect, too slow."""
    shop.sandbox.faults.match = shop.telling
    shop.sandbox.faults.slow_seconds = 0.6
    for fault in _FAULTS:
        shop.report(7)
        setattr(shop.sandbox.faults, fault, 2)
        shop.pass_time(2 * HOUR, 10 * MINUTE)
        shop.report(5)
        shop.pass_time(32 * DAY if shop.name == "paddle" else DAY, 6 * HOUR)
    _finish(shop)
    assert shop.billed() == shop.reported == 12 * len(_FAULTS)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_dies_while_it_tells_loses_and_doubles_nothing(shop: AnyShop, moment: str) -> None:
    """Between the intent and the request, and between the request and its outcome."""
    shop.report(7)
    setattr(shop.dying, moment, 1)
    shop.pass_time(35 * DAY, 6 * HOUR)
    shop.report(5)
    _finish(shop)
    assert shop.billed() == shop.reported == 12


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_outcome_lost_for_more_than_a_day_is_settled_by_the_providers_total(shop: AnyShop, moment: str) -> None:
    """When no identifier helps any more: what is there is left, what is not is told anew."""
    shop.pass_time(15 * DAY, 5 * DAY)
    shop.report(7)
    setattr(shop.dying, moment, 1)
    shop.work()
    shop.later(2 * DAY)
    shop.report(5)
    _finish(shop)
    assert shop.billed() == shop.reported == 12


def test_a_period_that_turns_while_an_outcome_is_unknown_is_noticed(shop: AnyShop) -> None:
    """The process died after usage was told, and comes back after the renewal; both periods bill their own."""
    shop.pass_time(29 * DAY + 20 * HOUR, 5 * DAY)
    shop.report(7)
    shop.dying.after = 1
    shop.work()
    shop.later(3 * DAY)
    shop.report(5)
    _finish(shop)
    assert shop.billed() == shop.reported == 12


def test_usage_around_the_renewal_falls_in_exactly_one_period(shop: AnyShop) -> None:
    """A report every forty minutes for a day across it, one just on it, while the events of the renewal are late."""
    shop.pass_time(29 * DAY + 12 * HOUR, 12 * HOUR)
    for _ in range(36):
        shop.report(3)
        shop.later(40 * MINUTE, deliver=False)
        shop.work()
    shop.deliver()
    _finish(shop)
    assert shop.billed() == shop.reported


def test_late_usage_is_billed_with_the_period_that_runs(shop: AnyShop) -> None:
    """Reported long after its own period was billed, it is not lost."""
    shop.report(1)
    shop.pass_time(33 * DAY, 12 * HOUR)
    shop.report(20, at=shop.now() - timedelta(days=20))
    _finish(shop)
    assert shop.billed() == shop.reported == 21


def _history(shop: AnyShop, chance: random.Random) -> None:
    """Sixty days of reports, repetitions, faults, deaths and late events."""
    faults = shop.sandbox.faults
    shop.later(6 * DAY)  # usage before the subscription began would be nothing to bill
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            at = shop.now() - timedelta(seconds=chance.choice((0, 0, 0, 3600, 5 * DAY)))
            recorded = shop.report(chance.randrange(1, 50), at=at)
            if chance.random() < 0.2:
                shop.report(recorded.quantity, key=recorded.idempotency_key, at=at)
        if chance.random() < 0.4:
            setattr(faults, chance.choice(_FAULTS[:-1]), chance.randrange(1, 7))
        if chance.random() < 0.2:
            setattr(shop.dying, chance.choice(("before", "after")), 1)
        shop.work()
        shop.later(chance.choice((MINUTE, HOUR, 5 * HOUR, DAY, 2 * DAY)), deliver=chance.random() < 0.8)
    shop.deliver()


def _agree(shop: AnyShop) -> None:
    assert [row for row in shop.batches() if row[0] not in ("sent", "void")] == []
    assert shop.billed() == _told(shop) == shop.reported


@pytest.mark.long
@pytest.mark.parametrize("kind", list(SHOPS))
@pytest.mark.parametrize("part", range(2))
def test_after_any_history_reported_is_billed(kind: str, part: int, sqlite_template: Path, tmp_path: Path) -> None:
    """To the unit, after faults, repetitions, deaths and period boundaries."""
    for seed in range(part * 4, part * 4 + 4):
        file = shutil.copyfile(sqlite_template, tmp_path / f"{seed}.db")
        with opened(kind, f"sqlite:///{file}") as shop:
            _history(shop, random.Random(seed))
            _finish(shop)
            _agree(shop)


@pytest.mark.parametrize("kind", ["stripe", "lemonsqueezy set"])
def test_after_any_history_reported_is_billed_on_postgresql(kind: str, postgres_url: str) -> None:
    """The same there."""
    with opened(kind, postgres_url) as shop:
        _history(shop, random.Random(99))
        _finish(shop)
        _agree(shop)


def test_workers_side_by_side_tell_everything_once(shop: AnyShop) -> None:
    """Three outboxes over one database gather and tell the same customer's usage at once."""
    boxes = [Outbox(shop.system.database, shop.system.accounts.by_name.get, shop.system.meters) for _ in range(3)]
    shop.later(6 * DAY)
    for day in range(4):
        for number in range(20):
            shop.report(1 + number, at=shop.now() - timedelta(days=day))
        threads = [threading.Thread(target=box.drain) for box in boxes]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    _finish(shop)
    _agree(shop)


@pytest.fixture
def stripe(sqlite_url: str) -> Iterator[StripeShop]:
    """Stripe alone."""
    with opened("stripe", sqlite_url) as found:
        assert isinstance(found, StripeShop)
        yield found


def test_a_key_that_may_not_tell_usage_holds_it_until_it_may(stripe: StripeShop) -> None:
    """A 403 says nothing about the usage."""
    stripe.sandbox.faults.forbidden.add("billing.meter_event")
    stripe.report(7)
    stripe.pass_time(3 * HOUR)
    assert [row[0] for row in stripe.batches()] == ["retry"]
    stripe.sandbox.faults.forbidden.clear()
    stripe.pass_time(3 * HOUR)
    assert [row[0] for row in stripe.batches()] == ["sent"]


def test_a_foreign_total_is_never_lowered(sqlite_url: str) -> None:
    """Where a provider's total is set, what somebody else told stays, and a person is asked."""
    with opened("lemonsqueezy set", sqlite_url) as shop:
        item = shop.sql("SELECT id FROM subscription_item")[0][0]
        related = {"subscription-item": {"data": {"type": "subscription-items", "id": item}}}
        data = {"type": "usage-records", "attributes": {"quantity": 500, "action": "set"}, "relationships": related}
        shop.sandbox.call("POST", "/v1/usage-records", {"data": data})
        shop.report(7)
        shop.pass_time(DAY, HOUR)
        assert [(row[0], row[3]) for row in shop.batches()] == [("needs_review", "usage_excess")]
        _finish(shop)
        assert shop.billed() == 500


def test_usage_from_before_the_subscription_is_not_billed_to_it(sqlite_url: str) -> None:
    """It is nothing to bill, and nobody is asked about it."""
    with opened("lemonsqueezy", sqlite_url) as shop:
        shop.report(7, at=shop.now() - timedelta(days=3))
        shop.report(5)
        shop.pass_time(40 * DAY, DAY)
        assert shop.billed() == 5
        assert sorted(row[0] for row in shop.batches()) == ["sent", "unbilled"]


def test_a_free_allowance_and_packs_are_taken_off_where_the_provider_cannot(sqlite_url: str) -> None:
    """Paddle's price knows neither tiers nor packs: ten free, sold in fives; what does not fill a pack is carried on."""
    with opened("paddle", sqlite_url, free=Decimal(10)) as shop:
        shop.meter.send["paddle"]["per"] = 5
        for used in (9, 18, 17, 10):
            shop.report(used)
            shop.later(31 * DAY)
            shop.work()
        _finish(shop)
        assert [row[2] for row in shop.batches()] == [0, 1, 2, 0]
        assert shop.billed() == (8 + 7) // 5
