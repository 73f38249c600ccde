"""Purchases: what a buyer's payment makes, and what it tells."""

from typing import Any

import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from tests.sandbox.lemonsqueezy.shop import DAY, Shop, pointers, refusal

_BOUGHT = ["order_created", "subscription_created", "subscription_payment_success", "subscription_updated"]


def test_what_is_paid_once_is_an_order_and_nothing_more(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    variant = shop.variant(4_900, interval=None)
    assert shop.during(lambda: sandbox.buy(variant)) == ["order_created"]
    order = shop.get("orders", 1)
    assert (order["status"], order["total"], order["total_formatted"]) == ("paid", 4_900, "$49.00")
    assert (sandbox.objects("subscriptions"), sandbox.objects("subscription-invoices")) == ({}, {})


def test_a_subscription_tells_of_its_money_twice(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    variant = shop.variant(1_900)
    assert shop.during(lambda: sandbox.buy(variant)) == _BOUGHT
    order, invoice = shop.get("orders", 1), shop.get("subscription-invoices", 1)
    assert (order["total"], invoice["total"]) == (1_900, 1_900)
    assert (invoice["billing_reason"], invoice["status"]) == ("initial", "paid")
    assert shop.get("customers", 1)["total_revenue_currency"] == 1_900


def test_ids_of_different_types_collide(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe()
    assert set(made.values()) == {"1"}
    kinds = [event["data"]["type"] for event in sandbox.events]
    assert {event["data"]["id"] for event in sandbox.events} == {"1"}
    assert set(kinds) == {"orders", "subscriptions", "subscription-invoices"}


def test_the_first_update_differs_in_the_item_alone(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    created, updated = (
        next(each["data"]["attributes"] for each in sandbox.events if each["meta"]["event_name"] == name)
        for name in ("subscription_created", "subscription_updated")
    )
    assert created["updated_at"] == updated["updated_at"]
    assert created["first_subscription_item"]["updated_at"] < updated["first_subscription_item"]["updated_at"]
    differs = {name for name in updated if updated[name] != created[name]}
    assert differs == {"first_subscription_item", "urls"}


def test_a_trial_is_paid_with_nothing_and_has_no_item(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    variant = shop.variant(trial_days=14)
    assert shop.during(lambda: sandbox.buy(variant)) == _BOUGHT[:3]
    subscription, invoice = shop.get("subscriptions", 1), shop.get("subscription-invoices", 1)
    assert (subscription["status"], subscription["first_subscription_item"]) == ("on_trial", None)
    assert subscription["trial_ends_at"] == subscription["renews_at"]
    assert (invoice["status"], invoice["total"], shop.get("orders", 1)["total"]) == ("paid", 0, 0)


def test_a_trial_ends_in_the_first_renewal(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(trial_days=14)["subscription"]
    told = shop.during(lambda: sandbox.advance(14 * DAY))
    assert told == ["subscription_payment_success", "subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["trial_ends_at"]) == ("active", None)
    assert now["first_subscription_item"]["quantity"] == 1
    assert [each["billing_reason"] for each in shop.invoices(subscription)] == ["initial", "renewal"]


def test_a_buyer_is_the_customer_with_that_address(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    customer = shop.customer(email="ada@example.com")["id"]
    assert shop.subscribe()["customer"] == customer
    other = sandbox.add_store("Other")
    variant = sandbox.add_variant(sandbox.add_product(store_id=other))
    assert sandbox.buy(variant)["customer"] != customer


def test_custom_data_comes_back_as_text(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.buy(shop.variant(), custom={"user_id": 42, "beta": True, "tags": [1]})
    assert all(each["meta"]["custom_data"] == {"user_id": "42", "beta": "1", "tags": ["1"]} for each in sandbox.events)
    sandbox.settings.custom_data_on_invoices = False
    sandbox.advance(31 * DAY)
    assert ["custom_data" in each["meta"] for each in sandbox.events[-2:]] == [False, True]


def test_without_custom_data_the_meta_has_none(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    assert sandbox.events[0]["meta"].keys() == {"event_name", "test_mode", "webhook_id"}


def test_another_currency_keeps_the_dollars_beside_it(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.buy(shop.variant(15_714, interval=None), currency="PLN")
    order = shop.get("orders", 1)
    assert (order["total"], order["total_usd"], order["total_formatted"]) == (57_598, 15_714, "PLN575.98")
    with pytest.raises(ValueError):
        sandbox.buy(shop.variant(), currency="XXX")


def test_tax_and_a_setup_fee_are_on_top(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.settings.tax_percent = 20
    shop.subscribe(unit_price=1_000, setup_fee=500)
    order, invoice = shop.get("orders", 1), shop.get("subscription-invoices", 1)
    assert (order["subtotal"], order["setup_fee"], order["tax"], order["total"]) == (1_000, 500, 300, 1_800)
    assert (invoice["subtotal"], invoice["total"], order["tax_rate"]) == (1_500, 1_800, "20.00")
    sandbox.settings.setup_fee_on_invoice = False
    second = sandbox.buy("1")["invoice"]
    assert shop.get("subscription-invoices", second)["total"] == 1_200


def test_a_checkout_is_read_back_with_its_url(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    ends = {"store": ("stores", "1"), "variant": ("variants", shop.variant(500))}
    made = shop.create("checkouts", {"checkout_data": {"custom": {"a": 1}}, "preview": True}, **ends)
    assert made["attributes"]["url"].startswith("https://sandbox.lemonsqueezy.com/checkout/custom/")
    assert made["attributes"]["preview"]["total"] == 500
    read = shop.data(sandbox.call("GET", f"/v1/checkouts/{made['id']}"))["attributes"]
    assert read["checkout_data"]["custom"] == {"a": 1}
    assert read["url"] != made["attributes"]["url"]
    paid = sandbox.complete_checkout(made["id"], email="bob@example.com", quantity=3)
    assert shop.get("orders", paid["order"])["total"] == 1_500


def test_a_custom_price_holds_until_the_plan_changes(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    ends = {"store": ("stores", "1"), "variant": ("variants", shop.variant(500))}
    made = shop.create("checkouts", {"custom_price": 300, "checkout_data": {"email": "a@b.co"}}, **ends)
    subscription = sandbox.complete_checkout(made["id"])["subscription"]
    sandbox.advance(31 * DAY)
    assert [each["total"] for each in shop.invoices(subscription)] == [300, 300]
    shop.change("subscriptions", subscription, variant_id=int(shop.variant(800)), disable_prorations=True)
    sandbox.advance(31 * DAY)
    assert shop.invoices(subscription)[-1]["total"] == 800


def test_an_expired_checkout_cannot_be_paid(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    ends = {"store": ("stores", "1"), "variant": ("variants", shop.variant())}
    data = {"checkout_data": {"email": "a@b.co"}}
    made = shop.create("checkouts", {"expires_at": "2026-09-22T00:00:00Z", **data}, **ends)
    sandbox.advance(DAY)
    assert refusal(lambda: sandbox.complete_checkout(made["id"])).status == 422
    late = refusal(lambda: shop.create("checkouts", {"expires_at": "2026-09-22T00:00:00Z", **data}, **ends))
    assert pointers(late) == ["/data/attributes/expires_at"]


def test_a_checkout_without_an_address_needs_a_buyer(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.create("checkouts", store=("stores", "1"), variant=("variants", shop.variant()))
    with pytest.raises(ValueError):
        sandbox.complete_checkout(made["id"])
    assert sandbox.events == []


def test_a_variant_of_another_store_is_refused(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    other = sandbox.add_store("Other")
    ends = {"store": ("stores", other), "variant": ("variants", shop.variant())}
    assert pointers(refusal(lambda: shop.create("checkouts", **ends))) == ["/data/relationships/variant"]


@pytest.mark.parametrize(
    "price",
    [{"interval": "decade"}, {"usage": "average"}, {"usage": "sum", "interval": None}, {"scheme": "volume"}],
)
def test_a_price_that_makes_no_sense_is_refused(shop: Shop, price: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        shop.variant(**price)
    assert shop.sandbox.objects("variants") == {}
