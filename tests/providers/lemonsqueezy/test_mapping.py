"""Lemon Squeezy's objects in neutral fields."""

from typing import Any

import pytest

from service.errors import MappingError
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.resources import RESOURCES
from tests.providers.lemonsqueezy.given import CREATED, LATER, RENEWS, Json, changed, content, rows, told

CUSTOMER: Json = {
    "store_id": 1,
    "name": "Ann",
    "email": "ann@example.com",
    "status": "subscribed",
    "total_revenue_currency": 999,
    "mrr": 999,
    "urls": {"customer_portal": None},
    "created_at": CREATED,
    "updated_at": LATER,
    "test_mode": True,
}
PRODUCT: Json = {"store_id": 1, "name": "Pro", "status": "published", "created_at": CREATED, "updated_at": LATER}
PRICE: Json = {
    "variant_id": 6,
    "category": "subscription",
    "scheme": "standard",
    "usage_aggregation": None,
    "unit_price": 999,
    "unit_price_decimal": None,
    "package_size": 1,
    "tiers": None,
    "renewal_interval_unit": "month",
    "renewal_interval_quantity": 1,
    "created_at": CREATED,
    "updated_at": LATER,
}


def read(source: str, attributes: Json, **beside: Any) -> Json:
    """The content of an object that was read, without what is None."""
    (snapshot,) = RESOURCES[source].snapshots(
        Thing({"type": source, "id": "8", "attributes": attributes}, "{}", **beside)
    )
    return content(snapshot)


def price(store_currency: str | None = "USD", **changes: Any) -> Json:
    """The content of the usual price with some attributes changed."""
    return read("prices", PRICE | changes, product_id="4", store_currency=store_currency)


def test_a_customer() -> None:
    assert read("customers", CUSTOMER) == {
        "status": "active",
        "provider_status": "subscribed",
        "email": "ann@example.com",
        "name": "Ann",
        "created_at": CREATED,
    }


@pytest.mark.parametrize(
    ("status", "neutral"),
    [("unsubscribed", "active"), ("bounced", "active"), ("archived", "archived"), ("invented", "unknown")],
)
def test_only_an_archived_customer_is_out_of_use(status: str, neutral: str) -> None:
    assert read("customers", CUSTOMER | {"status": status})["status"] == neutral


@pytest.mark.parametrize(
    ("status", "neutral"), [("published", "active"), ("draft", "archived"), ("invented", "unknown")]
)
def test_a_product_that_is_a_draft_is_not_for_sale(status: str, neutral: str) -> None:
    assert read("products", PRODUCT | {"status": status}) == {
        "status": neutral,
        "provider_status": status,
        "name": "Pro",
        "created_at": CREATED,
    }


def test_a_price_has_the_currency_of_its_store_and_the_product_of_its_variant() -> None:
    assert price() == {
        "product_id": "4",
        "status": "active",
        "currency": "USD",
        "amount": 999,
        "usage_type": "licensed",
        "interval": "month",
        "interval_count": 1,
        "created_at": CREATED,
    }


@pytest.mark.parametrize(
    "unknowable",
    [
        {"store_currency": None},
        {"scheme": "volume"},
        {"scheme": "graduated"},
        {"scheme": "package", "package_size": 10},
        {"unit_price_decimal": "0.5"},
        {"unit_price": None},
    ],
)
def test_an_amount_that_a_price_does_not_tell_is_none(unknowable: Json) -> None:
    assert "amount" not in price(**unknowable)


def test_a_decimal_price_that_is_whole_is_an_amount() -> None:
    assert price(unit_price=None, unit_price_decimal="999.00")["amount"] == 999
    assert price(unit_price=None, unit_price_decimal="999")["amount"] == 999


@pytest.mark.parametrize("aggregation", ["sum", "last_during_period", "last_ever", "max"])
def test_a_price_by_usage_is_metered(aggregation: str) -> None:
    assert price(usage_aggregation=aggregation)["usage_type"] == "metered"


def test_a_price_for_one_time_has_no_interval() -> None:
    assert "interval" not in price(renewal_interval_unit=None, renewal_interval_quantity=None)


def test_a_subscription_with_its_first_item() -> None:
    assert content(rows("subscription_created__active")["subscription"]) == {
        "customer_id": "3",
        "status": "active",
        "provider_status": "active",
        "collection_paused": False,
        "begun_by": "orders:9",
        "offer_id": "6",
        "email": "ann@example.com",
        "user_id": "42",
        "created_at": CREATED,
        "current_period_end": RENEWS,
        "items": [
            {
                "id": "2",
                "price_id": "8",
                "product_id": "4",
                "quantity": 2,
                "currency": None,
                "unit_amount": None,
                "usage_type": "licensed",
                "interval": None,
                "interval_count": None,
                "current_period_start": None,
                "current_period_end": None,
            }
        ],
    }


def test_an_item_by_usage_has_no_quantity() -> None:
    (item,) = told(rows("subscription_updated__usage_based")["subscription"])["items"]
    assert (item["usage_type"], item["quantity"]) == ("metered", None)


@pytest.mark.parametrize("name", ["subscription_cancelled__runs_until_ends_at", "subscription_expired__over"])
def test_what_will_not_renew_has_no_end_of_a_period(name: str) -> None:
    assert told(rows(name)["subscription"])["current_period_end"] is None


def test_an_order() -> None:
    found = rows("order_created__paid")
    assert {each.id for each in found.values()} == {"orders:9"}
    assert content(found["invoice"]) == {
        "customer_id": "3",
        "number": "17",
        "status": "paid",
        "provider_status": "paid",
        "currency": "USD",
        "amount": 999,
        "subtotal": 999,
        "tax": 0,
        "amount_due": 999,
        "amount_paid": 999,
        "amount_remaining": 0,
        "email": "ann@example.com",
        "user_id": "42",
        "created_at": CREATED,
        "paid_at": CREATED,
        "lines": [],
    }
    assert content(found["payment"]) == {
        "customer_id": "3",
        "invoice_id": "orders:9",
        "status": "succeeded",
        "provider_status": "paid",
        "currency": "USD",
        "amount": 999,
        "amount_paid": 999,
        "user_id": "42",
        "created_at": CREATED,
        "paid_at": CREATED,
    }


def test_a_subscription_invoice() -> None:
    found = rows("subscription_payment_success__renewal")
    assert {each.id for each in found.values()} == {"subscription-invoices:5"}
    invoice = told(found["invoice"])
    assert (invoice["subscription_id"], invoice["billing_reason"], invoice["number"]) == ("7", "renewal", None)
    assert (invoice["amount"], invoice["subtotal"], invoice["tax"]) == (1199, 999, 200)
    assert told(found["payment"])["invoice_id"] == "subscription-invoices:5"


def test_what_is_pending_is_due_and_not_paid() -> None:
    found = rows("subscription_payment_failed__stays_pending")
    invoice, payment = told(found["invoice"]), told(found["payment"])
    assert (invoice["amount_due"], invoice["amount_paid"], invoice["amount_remaining"]) == (999, 0, 999)
    assert (payment["amount"], payment["amount_paid"]) == (999, 0)
    assert invoice["paid_at"] is payment["paid_at"] is None


def test_a_refund_changes_neither_what_was_paid_nor_when() -> None:
    before, after = rows("order_created__paid"), rows("order_refunded__whole")
    for kind in ("invoice", "payment"):
        old, new = told(before[kind]), told(after[kind])
        assert {name for name in old if old[name] != new[name]} == {"provider_status"}


@pytest.mark.parametrize("name", ["subscription_payment_success__trial_of_zero", "order_created__free_by_discount"])
def test_an_invoice_of_zero_is_paid_without_a_payment(name: str) -> None:
    found = rows(name)
    assert set(found) == {"invoice"}
    assert (told(found["invoice"])["status"], told(found["invoice"])["amount_paid"]) == ("paid", 0)


def test_nothing_can_fail_where_nothing_is_due() -> None:
    assert set(rows(changed("subscription_payment_failed__stays_pending", total=0))) == {"invoice"}


def test_an_old_payload_without_refunded_amount_is_read_by_its_status() -> None:
    name = "subscription_payment_success__old_payload"
    assert set(rows(name)) == {"invoice", "payment"}
    assert told(rows(changed(name, status="refunded"))["refund"])["amount"] == 999
    assert told(rows(changed(name, status="partial_refunded"))["refund"])["amount"] is None


@pytest.mark.parametrize("source", RESOURCES)
@pytest.mark.parametrize("attributes", [None, {}, [], {"updated_at": None}, {"name": "x"}])
def test_an_object_without_attributes_or_version_is_named(source: str, attributes: object) -> None:
    with pytest.raises(MappingError, match=f"{source} '8'"):
        RESOURCES[source].snapshots(Thing({"type": source, "id": "8", "attributes": attributes}))


def test_an_object_of_another_type_is_refused() -> None:
    with pytest.raises(MappingError, match="expected an object of orders"):
        RESOURCES["orders"].snapshots(Thing({"type": "subscriptions", "id": "8", "attributes": {"a": 1}}))
