"""Stripe's objects in neutral fields, in their shapes before and after basil (2025-03-31)."""

import json
from typing import Any

import pytest

from service.model import Payment
from service.providers.stripe import provider
from tests.providers.stripe.given import Json, T, content, event, fixture, mapped, only, told

START, END = "2026-09-21T14:13:20Z", "2026-10-21T14:13:20Z"
ITEM = {
    "id": "si_1",
    "price_id": "price_1",
    "product_id": "prod_1",
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
    obj: Json = json.loads(fixture("customer.subscription.created__two_seats"))["data"]["object"]
    (snapshot,) = provider.map(event("customer.subscription.updated", obj | changes)).snapshots
    return told(snapshot)


def items(*changes: Json) -> Json:
    """A nested list of items, each the usual one with some attributes changed."""
    obj = json.loads(fixture("customer.subscription.created__two_seats"))["data"]["object"]
    return {"object": "list", "has_more": False, "data": [obj["items"]["data"][0] | each for each in changes]}


def priced(**changes: Any) -> Json:
    """A changed price for `items`."""
    usual: Json = items({})["data"][0]["price"]
    return {"price": usual | changes}


def test_a_customer_carries_the_applications_user() -> None:
    assert content(only("customer.created__with_user_id")) == {
        "status": "active",
        "email": "ann@example.com",
        "name": "Ann",
        "currency": "TWD",
        "user_id": "user-7",
        "created_at": "2026-09-20T14:13:20Z",
    }


def test_products_and_prices_switched_off_are_archived() -> None:
    assert told(only("product.updated__switched_off"))["status"] == "archived"
    assert content(only("price.updated__switched_off")) == {
        "product_id": "prod_1",
        "status": "archived",
        "provider_status": "inactive",
        "currency": "USD",
        "amount": 1900,
        "usage_type": "licensed",
        "interval": "month",
        "interval_count": 1,
        "created_at": "2026-09-20T13:13:20Z",
    }


def test_a_tiered_price_has_no_amount() -> None:
    assert told(only("price.created__tiered"))["amount"] is None


def test_a_subscription_carries_its_items_and_their_sum() -> None:
    assert content(only("customer.subscription.created__two_seats")) == {
        "customer_id": "cus_1",
        "status": "incomplete",
        "provider_status": "incomplete",
        "currency": "USD",
        "amount": 3800,
        "collection_method": "charge_automatically",
        "collection_paused": False,
        "user_id": "user-7",
        "created_at": START,
        "started_at": START,
        "current_period_start": START,
        "current_period_end": END,
        "items": [ITEM],
    }


def test_a_subscription_reads_the_same_before_and_after_basil() -> None:
    old = told(only("customer.subscription.created__before_basil"))
    assert old == subscription(status="active")


def test_metered_items_add_nothing_to_the_amount_and_have_no_quantity() -> None:
    found = told(only("customer.subscription.created__with_metered_item"))
    assert found["amount"] == 3800
    assert [(item["id"], item["quantity"], item["usage_type"]) for item in found["items"]] == [
        ("si_1", 2, "licensed"),
        ("si_2", None, "metered"),
    ]


@pytest.mark.parametrize(
    "unknowable",
    [
        {"items": items(priced(billing_scheme="tiered", unit_amount=None))},
        {"items": items(priced(unit_amount=None, unit_amount_decimal="0.5"))},
        {"items": items(priced(transform_quantity={"divide_by": 10, "round": "up"}))},
        {"items": items(priced(currency="eur"))},
        {"items": items({"quantity": None})},
        {"items": items({}) | {"has_more": True}},
        {"items": items()},
        {"items": None},
    ],
)
def test_an_amount_that_the_items_do_not_tell_is_none(unknowable: Json) -> None:
    assert subscription(**unknowable)["amount"] is None


def test_the_order_of_items_does_not_matter() -> None:
    one, other = {"id": "si_a"}, {"id": "si_b", "quantity": 1}
    assert subscription(items=items(one, other)) == subscription(items=items(other, one))


def test_the_period_is_the_latest_start_and_the_earliest_end_of_the_items() -> None:
    first = {"id": "si_a", "current_period_start": T, "current_period_end": T + 300}
    second = {"id": "si_b", "current_period_start": T + 100, "current_period_end": T + 200}
    found = subscription(items=items(first, second))
    assert (found["current_period_start"], found["current_period_end"]) == (
        "2026-09-21T14:15:00Z",
        "2026-09-21T14:16:40Z",
    )


def test_a_plan_from_before_prices_is_read_as_a_price() -> None:
    plan = {"id": "gold", "object": "plan", "amount": 500, "currency": "usd", "interval": "year", "product": "prod_9"}
    (item,) = subscription(items=items({"price": None, "plan": plan}))["items"]
    assert (item["price_id"], item["product_id"], item["unit_amount"], item["interval"]) == (
        "gold",
        "prod_9",
        500,
        "year",
    )


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, None),
        ({"cancel_at_period_end": True}, END),
        ({"cancel_at": T}, START),
        ({"cancel_at": T, "cancel_at_period_end": True}, START),
        ({"cancel_at": T, "status": "canceled"}, None),
        ({"cancel_at_period_end": True, "status": "incomplete_expired"}, None),
    ],
)
def test_a_scheduled_end_shows_until_it_has_come(changes: Json, ends: str | None) -> None:
    assert subscription(**changes)["cancels_at"] == ends


def test_a_deleted_subscription_has_ended_and_is_no_tombstone() -> None:
    snapshot = only("customer.subscription.deleted__canceled_now")
    assert not snapshot.deleted
    assert told(snapshot)["status"] == "ended"
    assert told(snapshot)["ended_at"] == "2026-09-21T14:14:10Z"


def test_a_status_of_tomorrow_is_unknown_and_kept() -> None:
    found = told(only("customer.subscription.updated__status_of_tomorrow"))
    assert (found["status"], found["provider_status"]) == ("unknown", "hibernating")


def test_an_invoice_carries_its_lines() -> None:
    assert content(only("invoice.paid__subscription")) == {
        "customer_id": "cus_1",
        "subscription_id": "sub_1",
        "number": "ABC-0001",
        "status": "paid",
        "provider_status": "paid",
        "currency": "USD",
        "amount": 3990,
        "subtotal": 3800,
        "tax": 190,
        "amount_due": 3990,
        "amount_paid": 3990,
        "amount_remaining": 0,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "email": "ann@example.com",
        "user_id": "user-7",
        "created_at": START,
        "issued_at": START,
        "paid_at": "2026-09-21T14:13:22Z",
        "lines": [
            {
                "id": "il_1",
                "amount": 3800,
                "currency": "USD",
                "description": "2 x Pro",
                "quantity": 2,
                "price_id": "price_1",
                "subscription_item_id": "si_1",
                "proration": False,
                "period_start": START,
                "period_end": END,
            }
        ],
    }


def test_an_invoice_reads_the_same_before_and_after_basil() -> None:
    assert mapped("invoice.paid__before_basil").snapshots[0].fields == only("invoice.paid__subscription").fields


@pytest.mark.parametrize("name", ["invoice.paid__everything_expanded", "invoice.paid__payments_expanded"])
def test_an_invoice_reads_the_same_with_ids_and_with_expanded_objects(name: str) -> None:
    assert mapped(name).snapshots[0].fields == only("invoice.paid__subscription").fields


@pytest.mark.parametrize("none", [{"total_taxes": None}, {"total_taxes": []}, {"tax": None, "total_tax_amounts": []}])
def test_an_invoice_without_taxes_reads_the_same_in_every_version(none: Json) -> None:
    (snapshot,) = provider.map(
        event("invoice.paid", {"id": "in_1", "object": "invoice", "currency": "usd", **none})
    ).snapshots
    assert told(snapshot)["tax"] is None


def test_a_prorated_line_is_marked_in_either_shape() -> None:
    shapes: list[Json] = [
        {"proration": True, "subscription_item": "si_1"},
        {"parent": {"type": "invoice_item_details", "invoice_item_details": {"proration": True}}},
    ]
    for shape in shapes:
        lines = {"data": [{"id": "il_1", "currency": "usd", "amount": -500, **shape}]}
        (snapshot,) = provider.map(
            event("invoice.updated", {"id": "in_1", "object": "invoice", "lines": lines})
        ).snapshots
        assert told(snapshot)["lines"][0]["proration"] is True


def test_an_old_invoice_links_its_payment() -> None:
    link = mapped("invoice.paid__before_basil").snapshots[1]
    assert (link.source, link.source_id, link.kind, link.id) == ("invoice", "in_1", "payment", "pi_1")
    assert link.fields == Payment(invoice_id="in_1")


def test_expanded_payments_of_an_invoice_link_each_payment() -> None:
    links = mapped("invoice.paid__payments_expanded").snapshots[1:]
    assert [(link.key, link.kind, link.id) for link in links] == [
        ("invoice_payment:inpay_1", "payment", "pi_1"),
        ("invoice_payment:inpay_2", "payment", "ch_9"),
    ]
    assert links[0].fields == only("invoice_payment.paid__payment_intent").fields
