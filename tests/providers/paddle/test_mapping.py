"""Paddle's customers, catalogue and subscriptions in neutral fields."""

from typing import Any

import pytest

from service.providers.paddle import provider
from tests.providers.paddle.given import AT, Json, content, data, event, moment, only, told

START, END = "2026-09-21T14:13:10.500000Z", "2026-10-21T14:13:10.500000Z"
ITEM = {
    "id": "sub_1:pri_1",
    "price_id": "pri_1",
    "product_id": "pro_1",
    "quantity": 2,
    "currency": "USD",
    "unit_amount": 1900,
    "usage_type": "licensed",
    "interval": "month",
    "interval_count": 1,
    "current_period_start": START,
    "current_period_end": END,
}


def subscription(**changes: Any) -> Json:
    """Content of the usual subscription with some attributes changed."""
    obj = data("subscription.created__two_seats") | changes
    (snapshot,) = provider.map(event("subscription.updated", obj)).snapshots
    return told(snapshot)


def item(**changes: Any) -> Json:
    """The usual item with some attributes changed."""
    usual: Json = data("subscription.created__two_seats")["items"][0]
    return usual | changes


def priced(**changes: Any) -> Json:
    """The usual item with some attributes of its price changed."""
    return item(price=item()["price"] | changes)


def test_a_customer_carries_the_applications_user() -> None:
    assert content(only("customer.created__with_user_id")) == {
        "status": "active",
        "provider_status": "active",
        "email": "ann@example.com",
        "name": "Ann",
        "user_id": "user-7",
        "created_at": "2026-09-20T14:13:20.250000Z",
    }


@pytest.mark.parametrize(
    ("custom", "user"),
    [
        ({"user_id": "u"}, "u"),
        ({"user_id": 42}, "42"),
        ({"user_id": True}, None),
        ({"user_id": {"id": 1}}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_custom_data_of_any_shape_never_stop_an_event(custom: Any, user: str | None) -> None:
    obj = data("customer.created__with_user_id") | {"custom_data": custom}
    (snapshot,) = provider.map(event("customer.updated", obj)).snapshots
    assert told(snapshot)["user_id"] == user


@pytest.mark.parametrize("name", ["customer.updated__archived", "product.updated__archived", "price.updated__archived"])
def test_what_was_archived_is_archived_and_no_deletion(name: str) -> None:
    snapshot = only(name)
    assert (told(snapshot)["status"], snapshot.deleted) == ("archived", False)


def test_a_product_has_a_name() -> None:
    assert content(only("product.created__active")) == {
        "status": "active",
        "provider_status": "active",
        "name": "Pro",
        "created_at": "2026-09-01T08:00:00Z",
    }


def test_a_price_tells_what_it_costs_and_how_often() -> None:
    assert content(only("price.created__monthly")) == {
        "product_id": "pro_1",
        "status": "active",
        "provider_status": "active",
        "currency": "USD",
        "amount": 1900,
        "usage_type": "licensed",
        "interval": "month",
        "interval_count": 1,
        "created_at": "2026-09-01T08:00:00Z",
    }


def test_a_price_that_is_paid_once_has_no_interval() -> None:
    found = told(only("price.created__one_time"))
    assert (found["amount"], found["interval"], found["interval_count"]) == (5000, None, None)


def test_a_subscription_carries_its_items() -> None:
    assert content(only("subscription.created__two_seats")) == {
        "customer_id": "ctm_1",
        "status": "active",
        "provider_status": "active",
        "currency": "USD",
        "amount": 3800,
        "collection_method": "charge_automatically",
        "collection_paused": False,
        "user_id": "user-7",
        "created_at": "2026-09-21T14:13:15.100000Z",
        "started_at": START,
        "current_period_start": START,
        "current_period_end": END,
        "items": [ITEM],
    }


def test_a_subscription_by_invoice_says_so() -> None:
    assert subscription(collection_mode="manual")["collection_method"] == "send_invoice"
    assert subscription(collection_mode="by_pigeon")["collection_method"] == "unknown"


def test_a_trial_ends_with_its_last_item() -> None:
    assert told(only("subscription.trialing__two_weeks"))["trial_ends_at"] == "2026-10-05T14:13:10.500000Z"
    dates = [{"ends_at": f"2026-10-0{day}T00:00:00Z"} for day in (5, 7, 6)]
    found = subscription(items=[item(trial_dates=each) for each in dates])
    assert found["trial_ends_at"] == "2026-10-07T00:00:00Z"


def test_what_is_paid_once_is_an_item_but_no_part_of_the_amount() -> None:
    found = told(only("subscription.updated__one_time_item_added"))
    assert [each["price_id"] for each in found["items"]] == ["pri_1", "pri_2"]
    assert found["amount"] == 3800


@pytest.mark.parametrize(
    "unknowable",
    [
        [],
        [item(quantity=None)],
        [item(price=None)],
        [priced(unit_price=None)],
        [priced(unit_price={"amount": None, "currency_code": "USD"})],
        [priced(unit_price={"amount": "1900", "currency_code": "EUR"})],
        [
            priced(
                unit_price_overrides=[
                    {"country_codes": ["TW"], "unit_price": {"amount": "900", "currency_code": "USD"}}
                ]
            )
        ],
        [item(), item(quantity=None)],
    ],
)
def test_an_amount_that_the_items_do_not_tell_is_none(unknowable: list[Json]) -> None:
    assert subscription(items=unknowable)["amount"] is None


def test_an_override_in_another_currency_leaves_the_amount_as_it_is() -> None:
    override = {"country_codes": ["TW"], "unit_price": {"amount": "60000", "currency_code": "TWD"}}
    assert subscription(items=[priced(unit_price_overrides=[override])])["amount"] == 3800


def test_the_order_of_items_does_not_matter() -> None:
    one, other = priced(id="pri_a"), priced(id="pri_b", unit_price={"amount": "1", "currency_code": "USD"})
    assert subscription(items=[one, other]) == subscription(items=[other, one])


def test_a_price_listed_twice_makes_two_items_of_different_ids_whatever_their_order() -> None:
    one, other = item(quantity=1), item(quantity=2)
    found = subscription(items=[one, other, one])
    assert [each["id"] for each in found["items"]] == ["sub_1:pri_1", "sub_1:pri_1:2", "sub_1:pri_1:3"]
    assert found == subscription(items=[one, one, other])


def test_a_scheduled_cancellation_leaves_a_subscription_active_until_it_comes() -> None:
    found = told(only("subscription.updated__cancel_scheduled"))
    assert (found["status"], found["cancels_at"], found["ended_at"]) == ("active", END, None)


def test_a_scheduled_pause_is_no_cancellation() -> None:
    assert told(only("subscription.updated__pause_scheduled"))["cancels_at"] is None


def test_a_canceled_subscription_is_over_and_no_tombstone() -> None:
    snapshot = only("subscription.canceled__over")
    found = told(snapshot)
    assert not snapshot.deleted
    assert (found["status"], found["provider_status"]) == ("ended", "canceled")
    assert (found["canceled_at"], found["ended_at"], found["cancels_at"]) == (AT, AT, None)
    assert (found["current_period_start"], found["current_period_end"]) == (None, None)


def test_a_canceled_subscription_has_no_cancellation_to_come() -> None:
    change = {"action": "cancel", "effective_at": END}
    assert subscription(status="canceled", scheduled_change=change)["cancels_at"] is None


def test_a_paused_subscription_has_no_period() -> None:
    found = told(only("subscription.paused__without_period"))
    assert (found["status"], found["current_period_end"], found["collection_paused"]) == ("paused", None, False)


def test_a_status_of_tomorrow_is_unknown_and_kept() -> None:
    found = told(only("subscription.updated__status_of_tomorrow"))
    assert (found["status"], found["provider_status"]) == ("unknown", "hibernating")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-09-21T14:13:20.123456789Z", AT),
        ("2026-09-21T22:13:20.123456+08:00", AT),
        ("2026-09-21T14:13:20Z", "2026-09-21T14:13:20Z"),
    ],
)
def test_the_version_is_the_objects_own_update_time_to_the_microsecond(text: str, kept: str) -> None:
    obj = data("customer.created__with_user_id") | {"updated_at": text}
    (snapshot,) = provider.map(event("customer.updated", obj)).snapshots
    assert snapshot.as_of == moment(kept)


def test_an_object_that_was_never_updated_is_as_old_as_it_is() -> None:
    snapshot = only("adjustment.created__credit")
    assert snapshot.as_of == moment(data("adjustment.created__credit")["created_at"])
