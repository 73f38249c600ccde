"""Changes of a subscription's items, and charges beside its cycle."""

from datetime import datetime

import pytest

from tests.sandbox.paddle.shop import HOUR, MONTH, Json, Shop, refusal


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_change_of_quantity_needs_a_mode(shop: Shop) -> None:
    subscription = shop.subscription()
    items = [{"price_id": subscription["items"][0]["price"]["id"], "quantity": 3}]
    error = refusal(lambda: shop.patch(f"/subscriptions/{subscription['id']}", {"items": items}))
    assert error.body["error"]["errors"][0]["field"] == "proration_billing_mode"


@pytest.mark.parametrize(
    ("mode", "now", "later"),
    [
        ("prorated_immediately", "1100", "3300"),
        ("full_immediately", "3300", "3300"),
        ("prorated_next_billing_period", None, "4400"),
        ("full_next_billing_period", None, "6600"),
        ("do_not_bill", None, "3300"),
    ],
)
def test_each_mode_bills_a_change_in_its_way(shop: Shop, mode: str, now: str | None, later: str) -> None:
    subscription = shop.subscription()
    start, end = (_at(subscription["current_billing_period"][name]) for name in ("starts_at", "ends_at"))
    shop.sandbox.advance(int((end - start).total_seconds()) // 2)
    items = [{"price_id": subscription["items"][0]["price"]["id"], "quantity": 3}]
    changed = shop.patch(f"/subscriptions/{subscription['id']}", {"items": items, "proration_billing_mode": mode})
    assert changed["items"][0]["quantity"] == 3
    assert changed["current_billing_period"] == subscription["current_billing_period"]
    billed = shop.rows("/transactions", origin="subscription_update")
    assert [each["details"]["totals"]["grand_total"] for each in billed] == ([] if now is None else [now])
    shop.sandbox.advance(MONTH // 2)
    assert shop.latest(subscription)["details"]["totals"]["grand_total"] == later


def test_a_downgrade_is_credited_to_the_balance_and_used_up(shop: Shop) -> None:
    subscription = shop.subscription(items=[{"price_id": (price := shop.price()), "quantity": 5}])
    body = {"items": [{"price_id": price, "quantity": 1}], "proration_billing_mode": "prorated_immediately"}
    shop.patch(f"/subscriptions/{subscription['id']}", body)
    totals = shop.latest(subscription)["details"]["totals"]
    assert (totals["grand_total"], totals["credit"], totals["credit_to_balance"]) == ("0", "1100", "4400")
    path = f"/customers/{subscription['customer_id']}/credit-balances"
    assert shop.rows(path)[0]["balance"]["available"] == "4400"
    shop.sandbox.advance(MONTH)
    assert shop.latest(subscription)["details"]["totals"]["credit"] == "1100"
    assert shop.rows(path)[0]["balance"]["available"] == "3300"


def test_an_upgrade_to_a_year_begins_a_new_period(shop: Shop) -> None:
    subscription = shop.subscription()
    yearly = shop.price(10_000, billing_cycle={"interval": "year", "frequency": 1})
    body = {"items": [{"price_id": yearly, "quantity": 1}], "proration_billing_mode": "prorated_immediately"}
    changed = shop.patch(f"/subscriptions/{subscription['id']}", body)
    assert changed["billing_cycle"] == {"interval": "year", "frequency": 1}
    assert changed["next_billed_at"].startswith("2027-09-21")
    assert shop.latest(subscription)["details"]["totals"]["grand_total"] == "9900"


def test_a_refused_change_is_not_made(shop: Shop) -> None:
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=2)
    items = [{"price_id": subscription["items"][0]["price"]["id"], "quantity": 9}]
    body: Json = {"items": items, "proration_billing_mode": "full_immediately"}
    path = f"/subscriptions/{subscription['id']}"
    assert shop.during(lambda: refusal(lambda: shop.patch(path, body))) == []
    assert shop.now(subscription) == subscription
    shop.patch(path, body | {"on_payment_failure": "apply_change"})
    after = shop.now(subscription)
    assert (after["status"], after["items"][0]["quantity"]) == ("past_due", 9)


def test_a_one_time_charge_is_billed_now_or_later(shop: Shop) -> None:
    subscription = shop.subscription()
    items = [{"price_id": shop.price(250, billing_cycle=None), "quantity": 2}]
    path = f"/subscriptions/{subscription['id']}/charge"
    shop.post(path, {"effective_from": "immediately", "items": items})
    assert shop.latest(subscription)["origin"] == "subscription_charge"
    assert shop.latest(subscription)["details"]["totals"]["subtotal"] == "500"
    shop.post(path, {"effective_from": "next_billing_period", "items": items})
    shop.sandbox.advance(MONTH)
    assert shop.latest(subscription)["details"]["totals"]["subtotal"] == "1500"
    shop.sandbox.advance(MONTH)
    assert shop.latest(subscription)["details"]["totals"]["subtotal"] == "1000"


def test_a_charge_takes_prices_that_do_not_recur_and_not_too_often(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}/charge"
    recurring = [{"price_id": shop.price(), "quantity": 1}]
    assert refusal(lambda: shop.post(path, {"effective_from": "immediately", "items": recurring})).status == 400
    body = {"effective_from": "immediately", "items": [{"price_id": shop.price(billing_cycle=None), "quantity": 1}]}
    for _ in range(20):
        shop.post(path, body)
    error = refusal(lambda: shop.post(path, body))
    assert (error.status, error.retry_after) == (429, HOUR)
    shop.sandbox.advance(HOUR)
    shop.post(path, body)


def test_a_subscription_is_past_due_until_all_of_it_is_paid(shop: Shop) -> None:
    shop.sandbox.settings.retry_days = (30,)
    subscription = shop.subscription()
    items = [{"price_id": shop.price(billing_cycle=None), "quantity": 1}]
    body = {"effective_from": "immediately", "items": items, "on_payment_failure": "apply_change"}
    for _ in range(2):
        shop.sandbox.payments.fail_next(subscription["customer_id"])
        shop.post(f"/subscriptions/{subscription['id']}/charge", body)
    first, second = (row["id"] for row in shop.rows("/transactions", status="past_due"))
    shop.sandbox.complete_checkout(first)
    assert shop.now(subscription)["status"] == "past_due"
    shop.sandbox.complete_checkout(second)
    assert shop.now(subscription)["status"] == "active"
