"""The history of plans, told from what is written to the copy: of whom it speaks, why, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import catalogue
from service.apply import apply
from service.entitlement_changes import PlanHistory
from service.model import Customer, Fields, Kind, Subscription, SubscriptionItem
from service.settings import AccountSettings, Settings
from service.system import System
from tests.store.samples import PADDLE, change, rows

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TEXT = """
[plans.free]
name = "Free"
price = { USD = 0 }
[plans.pro]
name = "Pro"
price = { USD = 19 }
prices.paddle = "price_pro"
[plans.team]
name = "Team"
price = { USD = 99 }
prices.paddle = "price_team"
[entitlements]
webhook_only = ["paddle"]
"""


class Desk:
    """One account whose webhooks are all there is, so that every answer is known; `now` is what a test says."""

    def __init__(self, database_url: str) -> None:
        self.now = NOW
        self._writes = 0
        account = AccountSettings(name="paddle", provider="paddle", webhook_secrets=("secret_of_ours",))
        document = catalogue.parse(TEXT, "plans.toml")
        settings = Settings(database_url=database_url, accounts=(account,), document=document)
        self.system = System(settings, clock=lambda: self.now)
        self._history = PlanHistory(self.system.database, self.system.entitlements, [account.name])

    def write(self, kind: Kind, id_: str, fields: Fields) -> None:
        """A newer version of one row, by a run."""
        self._writes += 1
        newer = change(kind, id_, fields, at=self._writes, read=True)
        with self.system.database.write() as connection:
            apply(connection, "paddle", [newer], ordering=PADDLE, confirmed={}, now=self.now)

    def work_off(self) -> list[tuple[Any, ...]]:
        """All that is due; (whose, from, to, kind of cause) of the whole history, oldest first."""
        while self._history.step():
            pass
        query = "SELECT object_id, old, new, cause FROM state_change WHERE kind = 'entitlement' ORDER BY id"
        return [(*row[:3], row[3].partition(":")[0]) for row in rows(self.system.database, query)]

    def waiting(self) -> list[tuple[Any, ...]]:
        """(user, customer, whether time alone left it) of every note."""
        query = "SELECT user_id, customer_id, timer FROM entitlement_check ORDER BY id"
        return [(*row[:2], bool(row[2])) for row in rows(self.system.database, query)]


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Nothing is sold yet."""
    opened = Desk(database_url)
    yield opened
    opened.system.close()


def bought(price: str = "price_pro", **more: Any) -> Subscription:
    """A subscription of the customer cus_1 that is active."""
    wanted: dict[str, Any] = {"customer_id": "cus_1", "status": "active", **more}
    return Subscription(items=(SubscriptionItem(id="si_1", price_id=price, quantity=1),), **wanted)


def test_a_customer_whose_user_becomes_known_is_left_with_null(desk: Desk) -> None:
    """From then on the history tells of the user."""
    desk.write("subscription", "sub_1", bought())
    assert desk.work_off() == [("cus_1", None, "pro", "run")]
    desk.write("customer", "cus_1", Customer(user_id="ada"))
    assert sorted(desk.work_off()[1:]) == [("ada", None, "pro", "run"), ("cus_1", "pro", None, "run")]


def test_another_price_is_another_plan_and_a_renewal_is_nothing(desk: Desk) -> None:
    desk.write("subscription", "sub_1", bought(user_id="ada"))
    assert desk.work_off() == [("ada", None, "pro", "run")]
    desk.write("subscription", "sub_1", bought(user_id="ada", current_period_end=NOW + 31 * DAY))
    assert desk.waiting() == []
    desk.write("subscription", "sub_1", bought("price_team", user_id="ada", current_period_end=NOW + 31 * DAY))
    assert desk.work_off()[1:] == [("ada", "pro", "team", "run")]


def test_an_end_that_comes_by_itself_is_waited_for_until_it_is_called_off(desk: Desk) -> None:
    desk.write("subscription", "sub_1", bought(user_id="ada", cancels_at=NOW + DAY))
    assert desk.work_off() == [("ada", None, "pro", "run")]
    assert desk.waiting() == [("ada", None, True)]
    desk.write("subscription", "sub_1", bought(user_id="ada"))
    desk.work_off()
    assert desk.waiting() == []
    desk.write("subscription", "sub_1", bought(user_id="ada", cancels_at=NOW + DAY))
    desk.work_off()
    desk.now = NOW + DAY
    assert desk.work_off()[1:] == [("ada", "pro", "free", "clock")]
    assert desk.waiting() == []


def test_what_happened_is_the_cause_even_where_time_would_have_done_the_same(desk: Desk) -> None:
    """The end is written before the note that waited for it is worked off."""
    desk.write("subscription", "sub_1", bought(user_id="ada", cancels_at=NOW + DAY))
    desk.work_off()
    desk.now = NOW + DAY
    desk.write("subscription", "sub_1", bought(user_id="ada", status="ended"))
    assert desk.work_off()[1:] == [("ada", "pro", "free", "run")]
