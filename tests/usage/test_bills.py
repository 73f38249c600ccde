"""The bill to come says what was used, what it costs, and how much of it the provider has."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from service.errors import ConfigError, UnknownCustomer
from service.meters import Tier
from service.store import usage_batches
from service.usage_bill import month_named
from tests.usage.shops import DAY, HOUR, AnyShop, opened

_TIERS = (
    Tier(price={"USD": Decimal("0.005"), "EUR": Decimal("0.004")}, up_to=Decimal(30)),
    Tier(price={"USD": Decimal("0.003")}),
)


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def shop(request: pytest.FixtureRequest) -> object:
    """Stripe; ten calls are free."""
    with opened("stripe", request.getfixturevalue(request.param), free=Decimal(10), tiers=_TIERS) as found:
        yield found


def test_the_bill_counts_what_is_told_and_what_is_not_yet(shop: AnyShop) -> None:
    """Ten free, twenty at half a cent, the rest at three tenths; rounded once."""
    shop.report(25)
    shop.work()
    shop.report(16)
    (found,) = shop.system.bills.of(customer_id=shop.customer_id).meters
    assert (found.quantity, found.states) == (41, {"sent": 25, "unsent": 16})
    (bill,) = found.bills
    assert [(line.start, line.quantity, line.amount) for line in bill.lines] == [
        (0, 10, Decimal(0)), (10, 20, Decimal("0.100")), (30, 11, Decimal("0.033")),
    ]  # fmt: skip
    assert (bill.currency, bill.exact, bill.amount) == ("USD", Decimal("0.133"), 13)
    shop.work()
    assert shop.system.bills.of(user_id="ada").meters[0].states == {"sent": 41}


def test_a_month_names_the_periods_that_begin_in_it(shop: AnyShop) -> None:
    """The subscription began on 2026-09-21; each period has its own allowance."""
    for _ in range(3):
        shop.report(15)
        shop.work()
        shop.pass_time(31 * DAY, DAY)
    of = shop.system.bills.of
    assert [each.quantity for each in of(customer_id=shop.customer_id, month="2026-09").meters] == [15]
    assert of(customer_id=shop.customer_id, month="2026-08").meters == ()
    october = of(customer_id=shop.customer_id, month="2026-10")
    assert [(each.quantity, each.bills[0].lines[0].quantity) for each in october.meters] == [(15, 10)]
    assert october.totals == {"USD": 2}


def test_without_a_month_only_what_runs_now_is_shown_and_read(shop: AnyShop) -> None:
    """However many periods went before; and one that was told before its end was known is over all the same."""
    for number in range(3):
        shop.report(10 + number)
        shop.work()
        if number == 0:
            with shop.system.database.write() as connection:
                connection.exec_driver_sql("UPDATE usage_batch SET period_end = NULL")
        shop.pass_time(31 * DAY, DAY)
    shop.report(4)
    assert [each.quantity for each in shop.system.bills.of(customer_id=shop.customer_id).meters] == [4]
    shop.work()
    with shop.system.database.read() as connection:
        read = usage_batches.running(connection, "stripe", shop.customer_id, shop.now())
    assert [each.quantity for each in read] == [10, 4]
    assert [each.quantity for each in shop.system.bills.of(customer_id=shop.customer_id).meters] == [4]


def test_what_the_provider_refused_is_shown_and_not_billed(shop: AnyShop) -> None:
    """It waits for a person."""
    shop.report(25)
    shop.work()
    with shop.system.database.write() as connection:
        connection.exec_driver_sql("UPDATE usage_batch SET status = 'rejected'")
    shop.report(12)
    (found,) = shop.system.bills.of(customer_id=shop.customer_id).meters
    assert (found.quantity, found.states) == (12, {"rejected": 25, "unsent": 12})


def test_late_usage_is_billed_where_it_is_counted(shop: AnyShop) -> None:
    """And said to be late, before it is gathered and after."""
    shop.pass_time(35 * DAY, DAY)
    shop.report(20, at=shop.now().replace(day=1))
    for _ in range(2):
        (found,) = shop.system.bills.of(customer_id=shop.customer_id).meters
        assert (found.quantity, found.late) == (20, 1)
        shop.later(HOUR)
        shop.work()


def test_a_gauge_is_billed_at_its_newest_value(sqlite_url: str) -> None:
    """Whatever order the reports came in."""
    with opened("paddle", sqlite_url, aggregation="last", tiers=(Tier(price={"USD": Decimal(1)}),)) as shop:
        shop.later(HOUR)
        for quantity, back in ((50, 0), (70, 2), (60, 1)):
            shop.report(quantity, at=shop.now() - timedelta(minutes=back))
            shop.outbox.gather()
        (found,) = shop.system.bills.of(customer_id=shop.customer_id).meters
        assert (found.quantity, found.bills[0].amount) == (50, 5_000)


def test_whoever_is_not_known_is_named(shop: AnyShop) -> None:
    """A customer, a user, a month."""
    of = shop.system.bills.of
    with pytest.raises(UnknownCustomer, match="customer_id: 'cus_none': there is none"):
        of(customer_id="cus_none")
    with pytest.raises(UnknownCustomer, match="exactly one"):
        of()
    with pytest.raises(ConfigError, match="'2026-13' is no month"):
        of(customer_id=shop.customer_id, month="2026-13")


def test_december_ends_with_the_year() -> None:
    """Months are half-open, too."""
    found = month_named("2026-12")
    assert found is not None
    assert found.end is not None
    assert (found.start.isoformat(), found.end.isoformat()) == (
        "2026-12-01T00:00:00+00:00",
        "2027-01-01T00:00:00+00:00",
    )
