"""Reported usage is stored once for each key, or refused with a reason that names what is wrong."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text

from service.billing_provider import Recorded
from service.errors import UnknownCustomer, UnknownMeter, UsageConflict, UsageError, UsageRefused
from service.meters import Meter
from service.store.engine import Database
from service.usage import MOST_AT_ONCE, Usage, UsageReport
from tests.usage import copy
from tests.usage.copy import NOW

METERS = {
    "calls": Meter(id="calls", unit="call", send={"stripe": {"event_name": "calls"}}),
    "storage": Meter(id="storage", unit="GB", scale=3, aggregation="last"),
}


@pytest.fixture
def usage(database: Database) -> Usage:
    """Two accounts; Ada is a customer of one."""
    database._clock = lambda: NOW
    copy.customer(database, "cus_1", user_id="ada")
    return Usage(database, METERS, ["stripe", "paddle"])


def _report(**values: Any) -> UsageReport:
    defaults: dict[str, Any] = {"meter": "calls", "quantity": 3, "idempotency_key": "k1", "customer_id": "cus_1"}
    return UsageReport(**defaults | values)


def _rows(database: Database) -> list[Any]:
    with database.read() as connection:
        query = "SELECT account, idempotency_key, customer_id, meter, quantity FROM usage_record ORDER BY id"
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_report_is_stored_once_for_its_key(usage: Usage, database: Database) -> None:
    """Repeated, it answers with what is stored."""
    first = usage.report(_report())
    again = usage.report(_report())
    assert (first.status, again.status, first.id) == ("recorded", "duplicate", again.id)
    assert first.at == again.at == NOW
    assert _rows(database) == [("stripe", "k1", "cus_1", "calls", 3)]


def test_a_key_that_stands_for_other_usage_is_a_conflict(usage: Usage, database: Database) -> None:
    """And says what it stands for."""
    usage.report(_report(at=NOW))
    changes: list[dict[str, Any]] = [{"quantity": 4}, {"meter": "storage"}, {"at": NOW - timedelta(hours=1)}]
    for change in changes:
        _conflicts(usage, change)
    assert len(_rows(database)) == 1


def _conflicts(usage: Usage, change: dict[str, Any]) -> None:
    with pytest.raises(UsageConflict, match="'k1' stands for 3 of meter 'calls' by customer 'cus_1'"):
        usage.report(_report(**change))


def test_keys_of_two_accounts_are_apart(usage: Usage, database: Database) -> None:
    """Where the account is named, or follows from the customer."""
    copy.customer(database, "ctm_1", account="paddle")
    assert usage.report(_report()).account == "stripe"
    assert usage.report(_report(customer_id="ctm_1", account="paddle")).status == "recorded"


def test_the_users_customer_is_found(usage: Usage, database: Database) -> None:
    """By the customer's row, or by a subscription that alone tells of it."""
    assert usage.report(_report(customer_id=None, user_id="ada")).customer_id == "cus_1"
    copy.subscription(database, "sub_1", "77", account="paddle", user_id="bob")
    found = usage.report(_report(customer_id=None, user_id="bob", idempotency_key="k2"))
    assert (found.account, found.customer_id) == ("paddle", "77")


def test_a_user_at_two_providers_must_be_told_apart_unless_one_takes_the_meter(
    usage: Usage, database: Database
) -> None:
    """The message lists both."""
    copy.customer(database, "ctm_1", account="paddle", user_id="ada")
    with pytest.raises(UnknownCustomer, match=r"'ada' is ctm_1 \(paddle\), cus_1 \(stripe\); say which by account"):
        usage.report(_report(customer_id=None, user_id="ada", meter="storage"))
    assert usage.report(_report(customer_id=None, user_id="ada")).account == "stripe"


def test_a_repeated_key_of_a_user_means_the_customer_it_was_recorded_for(usage: Usage, database: Database) -> None:
    """Though the user has become a customer elsewhere since: otherwise a repetition would be counted twice."""
    usage.report(_report(customer_id=None, user_id="ada", meter="storage"))
    copy.customer(database, "ctm_1", account="paddle", user_id="ada")
    again = usage.report(_report(customer_id=None, user_id="ada", meter="storage"))
    assert (again.status, again.account) == ("duplicate", "stripe")


_WRONG: list[tuple[dict[str, Any], type[UsageError], str]] = [
    ({"meter": "nonsense"}, UnknownMeter, "no meter 'nonsense'; known: calls, storage"),
    ({"customer_id": "cus_2"}, UnknownCustomer, "customer_id: the copy has no customer 'cus_2'"),
    ({"customer_id": None, "user_id": "eve"}, UnknownCustomer, "user_id: the copy has no customer of user 'eve'"),
    ({"account": "paddle"}, UnknownCustomer, "no customer 'cus_1' in account 'paddle'"),
    ({"account": "elsewhere"}, UnknownCustomer, "no account 'elsewhere'; known: stripe, paddle"),
    ({"user_id": "ada"}, UnknownCustomer, "exactly one of customer_id and user_id"),
    ({"quantity": -1}, UsageRefused, "quantity: expected a whole number from 0"),
    ({"quantity": True}, UsageRefused, "quantity"),
    ({"quantity": 1.0}, UsageRefused, "quantity"),
    ({"quantity": 10**12 + 1}, UsageRefused, "more than one record of meter 'calls' may hold"),
    ({"idempotency_key": ""}, UsageRefused, "idempotency_key"),
    ({"idempotency_key": "k" * 256}, UsageRefused, "idempotency_key"),
    ({"idempotency_key": "k\0"}, UsageRefused, "idempotency_key"),
    ({"at": NOW - timedelta(days=35, seconds=1)}, UsageRefused, "at: older than 35 days"),
    ({"at": NOW + timedelta(minutes=5, seconds=1)}, UsageRefused, "at: more than five minutes ahead"),
    ({"at": datetime(2026, 11, 15)}, UsageRefused, "at: expected a time with its zone"),  # noqa: DTZ001
]


def test_what_can_not_be_right_is_refused_by_name(usage: Usage, database: Database) -> None:
    """And nothing is stored."""
    for change, error, reason in _WRONG:
        with pytest.raises(error, match=reason):
            usage.report(_report(**change))
    assert _rows(database) == []


def test_the_ends_of_the_tolerance_are_inside(usage: Usage) -> None:
    """Whatever zone the time is written in; it is kept as UTC."""
    for at in (NOW - timedelta(days=35), NOW + timedelta(minutes=5)):
        found = usage.report(_report(at=at.astimezone(timezone(timedelta(hours=-7))), idempotency_key=at.isoformat()))
        assert (found.at, found.at.utcoffset()) == (at, timedelta(0))


def test_in_a_batch_each_report_has_its_own_outcome(usage: Usage, database: Database) -> None:
    """One that is refused spoils no other; a key twice counts once, and with other usage is a conflict."""
    outcomes = usage.report_many([
        _report(), _report(meter="nonsense"), _report(), _report(quantity=9), _report(idempotency_key="k2"),
        _report(customer_id="cus_9", idempotency_key="k3"),
    ])  # fmt: skip
    kinds = [each.status if isinstance(each, Recorded) else type(each).__name__ for each in outcomes]
    assert kinds == ["recorded", "UnknownMeter", "duplicate", "UsageConflict", "recorded", "UnknownCustomer"]
    assert [row[1] for row in _rows(database)] == ["k1", "k2"]


def test_a_batch_of_the_largest_size_is_one_transaction(usage: Usage, database: Database) -> None:
    """And one more is refused whole."""
    reports = [_report(idempotency_key=str(number)) for number in range(MOST_AT_ONCE)]
    assert {each.status for each in usage.report_many(reports) if isinstance(each, Recorded)} == {"recorded"}
    assert len(_rows(database)) == MOST_AT_ONCE
    with pytest.raises(UsageRefused, match="at most 10000"):
        usage.report_many([*reports, _report(idempotency_key="more")])


def test_callers_with_the_same_keys_at_once_record_each_once(usage: Usage, database: Database) -> None:
    """In opposite orders, so that unsorted inserts would deadlock."""
    reports = [_report(idempotency_key=str(number)) for number in range(300)]
    outcomes: list[Any] = []
    orders = [reports, reports[::-1]] * 2
    threads = [threading.Thread(target=lambda o=order: outcomes.extend(usage.report_many(o))) for order in orders]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    statuses = [each.status for each in outcomes]
    assert (statuses.count("recorded"), statuses.count("duplicate")) == (300, 900)
    assert len(_rows(database)) == 300
