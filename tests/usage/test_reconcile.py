"""A reconcile run compares what was told with what the provider has: a shortfall is told again, an excess only reported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconcile.heal import accept, list_drift
from reconcile.plan import Options
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.store import usage_batches
from tests.usage.shops import DAY, HOUR, AnyShop, LemonShop, PaddleShop, StripeShop, opened

_PLACES = [
    ("stripe", "sqlite_url"), ("paddle", "sqlite_url"), ("lemonsqueezy", "sqlite_url"),
    ("lemonsqueezy set", "sqlite_url"), ("stripe", "postgres_url"),
]  # fmt: skip


@pytest.fixture(params=_PLACES, ids=[f"{kind}-{database.removesuffix('_url')}" for kind, database in _PLACES])
def shop(request: pytest.FixtureRequest) -> Iterator[AnyShop]:
    """Three days of usage, all of it told; at Paddle a month's, since it is told when that is over."""
    kind, database = request.param
    with opened(kind, request.getfixturevalue(database)) as found:
        for quantity in (10, 20, 30):
            found.report(quantity)
            found.pass_time(DAY, 6 * HOUR)
        if kind == "paddle":
            found.pass_time(30 * DAY, DAY)
        yield found


def _run(shop: AnyShop, **options: Any) -> AccountReport:
    shop.later(HOUR)
    return reconcile(shop.system, Options(kind="usage", **options)).accounts[0]


def _lose(shop: AnyShop) -> None:
    """The provider forgets the last that it was told."""
    world: Any = shop.sandbox._world
    if isinstance(shop, StripeShop):
        events = world.tables["billing.meter_event"]
        events._rows[max(events._places.values())] = None
    elif isinstance(shop, LemonShop):
        rows = world.tables["usage-records"]._rows
        rows.pop(max(rows))
    else:
        world.tables["subscription"].get(shop.sql("SELECT id FROM subscription")[0][0])["_pending"].clear()


def _somebody_tells(shop: AnyShop, quantity: int) -> None:
    """Usage that is not ours."""
    if isinstance(shop, StripeShop):
        payload = {"stripe_customer_id": shop.customer_id, "value": str(quantity)}
        shop.sandbox.call("POST", "/v1/billing/meter_events", {"event_name": "calls", "payload": payload})
    elif isinstance(shop, PaddleShop):
        subscription = shop.sql("SELECT id FROM subscription")[0][0]
        body = {"effective_from": "next_billing_period", "items": [{"price_id": shop._calls, "quantity": quantity}]}
        shop.sandbox.call("POST", f"/subscriptions/{subscription}/charge", body)
    else:
        item = shop.sql("SELECT id FROM subscription_item")[0][0]
        related = {"subscription-item": {"data": {"type": "subscription-items", "id": item}}}
        total = quantity + (60 if shop.action == "set" else 0)
        attributes = {"quantity": total, "action": shop.action}
        data = {"type": "usage-records", "attributes": attributes, "relationships": related}
        shop.sandbox.call("POST", "/v1/usage-records", {"data": data})


def _bill(shop: AnyShop) -> int:
    shop.pass_time(2 * DAY, 6 * HOUR)
    shop.pass_time(66 * DAY, DAY)
    return shop.billed()


def test_where_all_is_there_nothing_is_found(shop: AnyShop) -> None:
    """Nor done."""
    before = shop.batches()
    found = _run(shop)
    assert (found.status, found.exit_code, found.by_class, found.kinds[-1].confirmed) == ("complete", 0, {}, 1)
    assert shop.batches() == before


def test_a_shortfall_is_told_again_and_billed_once(shop: AnyShop) -> None:
    """The run heals it; a second one finds nothing."""
    _lose(shop)
    found = _run(shop)
    assert (found.by_class, found.by_action, found.exit_code) == ({"usage_shortfall": 1}, {"healed": 1}, 0)
    shop.pass_time(HOUR)
    assert _run(shop).by_class == {}
    assert _bill(shop) == shop.reported


def test_a_dry_run_only_says_what_it_would_do(shop: AnyShop) -> None:
    """Nothing is told."""
    _lose(shop)
    before = shop.batches()
    found = _run(shop, dry_run=True)
    assert (found.by_action, found.exit_code) == ({"would_heal": 1}, 1)
    assert shop.batches() == before


def test_an_excess_is_reported_and_never_corrected(shop: AnyShop) -> None:
    """Until a person has accepted it; what grows on top of it is reported anew."""
    _somebody_tells(shop, 7)
    before = shop.batches()
    found = _run(shop)
    assert (found.by_class, found.by_action, found.exit_code) == ({"usage_excess": 1}, {"needs_review": 1}, 1)
    assert shop.batches() == before
    accept(shop.system, list_drift(shop.system)[0].finding.id)
    assert _run(shop).exit_code == 0
    _somebody_tells(shop, 8 if isinstance(shop, LemonShop) and shop.action == "set" else 1)
    assert _run(shop).by_class == {"usage_excess": 1}


def test_an_excess_goes_on_waiting_for_a_person_until_it_is_gone(shop: AnyShop) -> None:
    """However long ago the usage was told: a later run looks at it again, and closes only what it has judged."""
    _somebody_tells(shop, 7)
    (first,) = _run(shop).findings
    for _ in range(3):
        shop.later(2 * DAY)
        assert _run(shop).exit_code == 1
        (waiting,) = list_drift(shop.system)
        assert (waiting.finding.object_id, waiting.finding.remote) == (first.object_id, first.remote)


def test_a_dry_run_closes_nothing(shop: AnyShop) -> None:
    """What a real run left for a person waits on, and what a dry one finds waits for nobody."""
    _somebody_tells(shop, 7)
    _run(shop)
    (waiting,) = list_drift(shop.system)
    assert _run(shop, dry_run=True).by_action == {"needs_review": 1}
    assert list_drift(shop.system) == [waiting]


def test_usage_under_way_is_pending_and_no_drift(shop: AnyShop) -> None:
    """A total that is read while something is told proves nothing."""
    _lose(shop)
    with shop.system.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE usage_batch SET status = 'unknown' WHERE id = (SELECT min(id) FROM usage_batch)"
        )
    found = _run(shop)
    # Paddle was told once, so that nothing that it has is left to compare.
    assert (found.by_class, found.kinds[-1].pending) == ({}, 0 if shop.name == "paddle" else 1)


@pytest.mark.parametrize("there", [True, False])
def test_what_waited_for_a_person_is_decided_where_the_total_tells(sqlite_url: str, there: bool) -> None:
    """It is there, or it is told anew."""
    with opened("stripe", sqlite_url) as shop:
        shop.report(9)
        shop.work()
        if not there:
            _lose(shop)
        with shop.system.database.write() as connection:
            connection.exec_driver_sql("UPDATE usage_batch SET status = 'needs_review'")
        shop.report(4)
        shop.work()
        assert _run(shop).by_class == {"usage_undecided": 1}
        assert _bill(shop) == shop.reported == 13


@pytest.mark.parametrize("database", ["sqlite_url", "postgres_url"])
def test_a_decision_waits_while_a_worker_has_another_batch(request: pytest.FixtureRequest, database: str) -> None:
    """The worker takes it just when the run has asked for the total: the run goes on, and the next one decides."""
    with opened("stripe", request.getfixturevalue(database)) as shop:
        shop.report(9)
        shop.work()
        _lose(shop)
        with shop.system.database.write() as connection:
            connection.exec_driver_sql("UPDATE usage_batch SET status = 'needs_review'")
        shop.report(4)
        shop.work()
        shop.report(5)
        shop.outbox.gather()
        shop.dying.meanwhile = lambda: _claim(shop)
        found = _run(shop)
        assert (found.status, found.by_class, found.kinds[-1].pending) == ("complete", {}, 1)
        shop.dying.meanwhile = None
        shop.pass_time(HOUR)
        assert _run(shop).by_class == {"usage_undecided": 1}
        assert _bill(shop) == shop.reported == 18


def _claim(shop: AnyShop) -> None:
    with shop.system.database.write() as connection:
        assert usage_batches.claim(connection, "another worker", shop.now()) is not None


def test_usage_that_came_in_another_period_is_reported(sqlite_url: str) -> None:
    """At Lemon Squeezy, whose records carry no time: the total is equal, and the shift is said once."""
    with opened("lemonsqueezy", sqlite_url) as shop:
        shop.pass_time(29 * DAY, DAY)
        shop.report(9)
        shop.later(5 * DAY)
        shop.work()
        found = _run(shop)
        assert (found.by_class, found.by_action, found.exit_code) == ({"usage_shifted": 1}, {"reported": 1}, 0)
        assert found.kinds[-1].confirmed == 1
        assert _run(shop).by_class == {}
        assert _bill(shop) == shop.reported


def test_a_run_without_usage_has_no_part_of_it(sqlite_url: str) -> None:
    """Where the account is told none, or another kind is asked for."""
    with opened("stripe", sqlite_url) as shop:
        shop.report(9)
        shop.work()
        shop.later(HOUR)
        other = reconcile(shop.system, Options(kind="customer")).accounts[0]
        shop.meter.send.clear()
        none = reconcile(shop.system, Options()).accounts[0]
        assert not [each for each in (*other.kinds, *none.kinds) if each.source == "usage"]
