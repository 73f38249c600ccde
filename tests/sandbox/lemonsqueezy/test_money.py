"""What prices make of quantities, and what refunds do to both sides of a payment."""

from typing import Any

import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.lemonsqueezy.catalogue import priced
from service.sandbox.lemonsqueezy.money import cost, formatted
from tests.sandbox.lemonsqueezy.shop import DAY, Shop, pointers, refusal

_TIERS = [{"last_unit": 100, "unit_price": 0}, {"last_unit": "inf", "unit_price": 3, "fixed_fee": 50}]
_BOTH = ["order_refunded", "subscription_payment_refunded"]


@pytest.mark.parametrize(
    ("price", "quantity", "cents"),
    [
        ({"unit_price": 7}, 3, 21),
        ({"unit_price": "0.125", "usage": "sum"}, 100, 13),
        ({"unit_price": 10, "scheme": "package", "package_size": 100}, 101, 20),
        ({"scheme": "volume", "tiers": _TIERS}, 100, 0),
        ({"scheme": "volume", "tiers": _TIERS}, 101, 353),
        ({"scheme": "graduated", "tiers": _TIERS}, 100, 0),
        ({"scheme": "graduated", "tiers": _TIERS}, 110, 80),
        ({"scheme": "graduated", "tiers": _TIERS}, 0, 0),
    ],
)
def test_a_quantity_costs_what_the_scheme_says(price: dict[str, Any], quantity: int, cents: int) -> None:
    assert cost(priced(**price), quantity) == cents


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (999, "USD", "$9.99"),
        (57_599, "PLN", "PLN575.99"),
        (-5, "EUR", "-€0.05"),
        (123_456_700, "JPY", "JPY1,234,567.00"),
    ],
)
def test_amounts_are_shown_in_hundredths(amount: int, currency: str, text: str) -> None:
    assert formatted(amount, currency) == text


def test_a_one_time_order_is_refunded_in_parts(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    order = sandbox.buy(shop.variant(1_000, interval=None))["order"]
    assert shop.during(lambda: shop.refund("orders", order, 400)) == ["order_refunded"]
    now = shop.get("orders", order)
    assert (now["status"], now["refunded"], now["refunded_amount"]) == ("partial_refund", False, 400)
    shop.refund("orders", order, 600)
    now = shop.get("orders", order)
    assert (now["status"], now["refunded"], now["refunded_at"]) == ("refunded", True, now["updated_at"])
    assert shop.get("customers", 1)["total_revenue_currency"] == 0
    assert refusal(lambda: shop.refund("orders", order, 1)).status == 422


def test_a_refund_of_the_order_shows_in_its_invoice(shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    assert shop.during(lambda: shop.refund("orders", made["order"], 400)) == _BOTH
    invoice = shop.get("subscription-invoices", made["invoice"])
    assert (invoice["status"], invoice["refunded_amount"]) == ("partial_refunded", 400)
    assert shop.get("customers", 1)["total_revenue_currency"] == 600


def test_a_refund_of_the_initial_invoice_shows_in_its_order(shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    told = shop.during(lambda: shop.refund("subscription-invoices", made["invoice"], 1_000))
    assert told == _BOTH[::-1]
    assert shop.get("orders", made["order"])["status"] == "refunded"
    assert shop.get("subscription-invoices", made["invoice"])["refunded"] is True


def test_a_store_may_keep_the_two_apart(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.settings.mirror_refunds = False
    made = shop.subscribe(unit_price=1_000)
    assert shop.during(lambda: shop.refund("orders", made["order"], 400)) == _BOTH[:1]
    assert shop.get("subscription-invoices", made["invoice"])["status"] == "paid"


def test_a_renewal_is_refunded_alone(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    sandbox.advance(30 * DAY)
    assert shop.during(lambda: sandbox.refund("subscription-invoices", 2)) == _BOTH[1:]
    assert shop.get("orders", made["order"])["refunded_amount"] == 0
    with pytest.raises(ValueError):
        sandbox.refund("subscriptions", 1)


def test_a_mirrored_refund_stops_at_what_the_other_holds(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.settings.setup_fee_on_invoice = False
    made = shop.subscribe(unit_price=1_000, setup_fee=500)
    shop.refund("orders", made["order"], 1_500)
    assert shop.get("subscription-invoices", made["invoice"])["refunded_amount"] == 1_000


@pytest.mark.parametrize("amount", [0, -1, 1_001])
def test_an_amount_that_is_not_there_cannot_be_refunded(shop: Shop, amount: int) -> None:
    made = shop.subscribe(unit_price=1_000)
    error = refusal(lambda: shop.refund("orders", made["order"], amount))
    assert error.status == 422
    assert amount > 0 or pointers(error) == ["/data/attributes/amount"]


def test_a_pending_invoice_cannot_be_refunded(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe()
    sandbox.payments.fail_next(made["customer"])
    sandbox.advance(30 * DAY)
    assert refusal(lambda: shop.refund("subscription-invoices", "2", 1)).status == 422


def test_fraud_is_told_by_no_event(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe()
    sandbox.advance(5)
    assert shop.during(lambda: sandbox.mark_fraudulent(made["order"])) == []
    now = shop.get("orders", made["order"])
    assert (now["status"], now["updated_at"] > now["created_at"]) == ("fraudulent", True)


def test_a_store_counts_what_it_kept(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    shop.refund("orders", made["order"], 400)
    assert (shop.get("stores", 1)["total_sales"], shop.get("stores", 1)["total_revenue"]) == (1, 600)
    sandbox.advance(40 * DAY)
    assert shop.get("stores", 1)["thirty_day_sales"] == 0


def test_a_pdf_is_a_signed_link_for_whom_the_caller_says(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe()
    path = f"/v1/subscription-invoices/{made['invoice']}/generate-invoice"
    whom = {"name": "Ada", "address": "Main St 1", "city": "Taipei", "country": "TW", "zip_code": "100"}
    links = [sandbox.call("POST", path, **whom)["meta"]["urls"]["download_invoice"] for _ in range(2)]
    assert links[0] != links[1]
    assert pointers(refusal(lambda: sandbox.call("POST", path, **whom | {"country": "US"}))) == ["/state"]
    assert refusal(lambda: sandbox.call("POST", path, name="Ada")).status == 422
