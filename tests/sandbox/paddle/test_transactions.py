"""Transactions: from a draft to the money, by checkout and by invoice."""

from functools import partial

import pytest

from tests.sandbox.paddle.shop import DAY, MONTHLY, TERMS, Json, Shop, code_of, refusal

DONE = [
    *("transaction.updated", "transaction.paid", "subscription.created", "subscription.activated"),
    *("transaction.updated", "transaction.completed", "transaction.updated"),
]


def test_without_a_customer_it_is_a_draft_and_with_one_it_is_ready(shop: Shop) -> None:
    items = [{"price_id": shop.price(), "quantity": 1}]
    draft = shop.post("/transactions", {"items": items})
    assert (draft["status"], draft["customer_id"], draft["origin"]) == ("draft", None, "api")
    assert draft["checkout"]["url"].endswith(f"?_ptxn={draft['id']}")
    assert shop.during(shop.transaction)[-2:] == ["transaction.created", "transaction.ready"]


def test_a_paid_checkout_starts_a_subscription(shop: Shop) -> None:
    transaction = shop.transaction(custom_data={"user": "7"})
    told = shop.during(lambda: shop.sandbox.complete_checkout(transaction["id"]))
    assert told == DONE
    bought = shop.now(transaction)
    subscription = shop.get("subscription", bought["subscription_id"])
    assert subscription["custom_data"] == {"user": "7"}
    assert subscription["current_billing_period"] == bought["billing_period"]
    assert (bought["status"], bought["details"]["totals"]["balance"]) == ("completed", "0")


def test_what_is_known_late_is_told_late(shop: Shop) -> None:
    shop.purchase()
    paid, completed = shop.last("transaction.paid")["data"], shop.last("transaction.completed")["data"]
    assert (paid["subscription_id"], paid["invoice_number"], paid["details"]["payout_totals"]) == (None, None, None)
    assert (completed["subscription_id"], completed["invoice_number"]) == (None, None)
    assert completed["details"]["payout_totals"]["grand_total"] == "1100"
    updated = shop.last("transaction.updated")["data"]
    assert updated["subscription_id"].startswith("sub_")
    assert (updated["invoice_id"][:4], updated["invoice_number"]) == ("inv_", "325-10001")


def test_the_number_can_come_with_completion(shop: Shop) -> None:
    shop.sandbox.settings.number_after_completed = False
    shop.purchase()
    assert shop.last("transaction.completed")["data"]["invoice_number"] == "325-10001"


def test_only_subscription_created_names_the_transaction(shop: Shop) -> None:
    bought = shop.purchase()
    assert shop.last("subscription.created")["data"]["transaction_id"] == bought["id"]
    assert "transaction_id" not in shop.last("subscription.activated")["data"]
    assert "transaction_id" not in shop.get("subscription", bought["subscription_id"])


def test_a_visitor_becomes_a_customer_while_paying(shop: Shop) -> None:
    opened = shop.sandbox.open_checkout(shop.price())
    assert (opened["status"], opened["origin"], opened["customer_id"]) == ("draft", "web", None)
    told = shop.during(lambda: shop.sandbox.complete_checkout(opened["id"], email="eve@example.com"))
    assert told == ["customer.created", "address.created", "transaction.updated", "transaction.ready", *DONE]
    again = shop.sandbox.open_checkout(shop.price())
    assert "customer.created" not in shop.during(
        lambda: shop.sandbox.complete_checkout(again["id"], email="EVE@example.com")
    )


def test_a_refused_payment_leaves_the_transaction_ready(shop: Shop) -> None:
    transaction = shop.transaction()
    shop.sandbox.payments.fail_next(transaction["customer_id"])
    told = shop.during(lambda: shop.sandbox.complete_checkout(transaction["id"]))
    assert told == ["transaction.updated", "transaction.payment_failed"]
    after = shop.now(transaction)
    assert (after["status"], after["payments"][0]["status"]) == ("ready", "error")
    assert after["payments"][0]["error_code"] == "declined"
    assert shop.during(lambda: shop.sandbox.complete_checkout(transaction["id"])) == DONE
    assert [each["status"] for each in shop.now(transaction)["payments"]] == ["captured", "error"]


def test_amounts_are_text_and_add_up(shop: Shop) -> None:
    price = shop.price(999)
    items = [{"price_id": price, "quantity": 3}, {"price_id": shop.price(1, billing_cycle=None), "quantity": 1}]
    bought = shop.purchase(items=items)
    totals = bought["details"]["totals"]
    assert all(isinstance(value, str) for value in totals.values())
    assert (totals["subtotal"], totals["tax"], totals["grand_total"]) == ("2998", "300", "3298")
    lines = bought["details"]["line_items"]
    assert sum(int(line["totals"]["total"]) for line in lines) == 3_298
    assert bought["payments"][0]["amount"] == "3298"
    assert int(totals["fee"]) + int(totals["earnings"]) + int(totals["tax"]) == 3_298


def test_a_currency_without_decimals_is_counted_whole(shop: Shop) -> None:
    totals = shop.purchase(None, shop.price(1_500, currency="JPY"))["details"]["totals"]
    assert (totals["grand_total"], totals["currency_code"]) == ("1650", "JPY")


def test_tax_can_be_included(shop: Shop) -> None:
    totals = shop.purchase(None, shop.price(1_100, tax_mode="internal"))["details"]["totals"]
    assert (totals["subtotal"], totals["tax"], totals["total"]) == ("1000", "100", "1100")


def test_a_country_may_have_a_price_of_its_own(shop: Shop) -> None:
    override = {"country_codes": ["US"], "unit_price": {"amount": "700", "currency_code": "USD"}}
    assert shop.purchase(None, shop.price(unit_price_overrides=[override]))["details"]["totals"]["subtotal"] == "700"


def test_one_time_prices_start_no_subscription(shop: Shop) -> None:
    bought = shop.purchase(None, shop.price(billing_cycle=None))
    assert bought["subscription_id"] is None
    assert shop.sandbox.objects("subscription") == {}


def test_a_billed_transaction_is_immutable(shop: Shop) -> None:
    error = refusal(lambda: shop.patch(f"/transactions/{shop.purchase()['id']}", {"custom_data": {}}))
    assert (error.status, code_of(error)) == (400, "transaction_immutable")


def test_a_draft_takes_items_and_a_customer(shop: Shop) -> None:
    customer = shop.customer()
    draft = shop.post("/transactions", {"items": [{"price_id": shop.price(), "quantity": 1}]})
    path = f"/transactions/{draft['id']}"
    assert refusal(lambda: shop.patch(path, {"currency_code": "EUR"})).status == 400
    changed = shop.patch(path, {"items": [{"price_id": shop.price(50), "quantity": 2}], "custom_data": {"a": 1}})
    assert (changed["details"]["totals"]["subtotal"], changed["status"]) == ("100", "draft")
    ready = partial(shop.patch, path, {"customer_id": customer, "address_id": shop.address(customer)})
    assert shop.during(ready)[-2:] == ["transaction.updated", "transaction.ready"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"billing_details": None},
        {"collection_mode": "automatic"},
        {"currency_code": "TWD"},
        {"status": "billed", "address_id": None},
    ],
)
def test_an_invoice_needs_terms_and_a_currency_of_invoices(shop: Shop, wrong: Json) -> None:
    sent: Json = {"collection_mode": "manual", "billing_details": TERMS} | wrong
    price = shop.price(currency="TWD") if "currency_code" in wrong else shop.price()
    assert refusal(lambda: shop.transaction(None, price, **sent)).status == 400


def test_an_issued_invoice_starts_the_subscription_before_it_is_paid(shop: Shop) -> None:
    terms = TERMS | {"enable_checkout": True, "purchase_order_number": "PO-1"}
    sent: Json = {"collection_mode": "manual", "billing_details": terms}
    draft = shop.transaction(**sent)
    told = shop.during(lambda: shop.patch(f"/transactions/{draft['id']}", {"status": "billed"}))
    assert told[1:3] == ["transaction.updated", "transaction.billed"]
    assert told[3:] == ["subscription.created", "subscription.activated", "transaction.updated"]
    billed = shop.now(draft)
    assert billed["invoice_number"] is not None
    assert billed["billing_details"]["purchase_order_number"] == "PO-1"
    assert shop.last("transaction.billed")["data"]["invoice_number"] is None
    assert shop.get("subscription", billed["subscription_id"])["collection_mode"] == "manual"
    assert (billed["payments"], billed["details"]["totals"]["balance"]) == ([], "1100")


def test_an_invoice_falls_due_and_is_paid_late(shop: Shop) -> None:
    invoice = shop.invoice()
    told = shop.during(lambda: shop.sandbox.advance(14 * DAY + 1))
    assert "transaction.past_due" in told
    assert "subscription.past_due" in told
    shop.sandbox.pay_invoice(invoice["id"])
    after = shop.now(invoice)
    assert (after["status"], after["payments"][0]["method_details"]["type"]) == ("completed", "wire_transfer")
    assert shop.get("subscription", after["subscription_id"])["status"] == "active"
    with pytest.raises(ValueError, match="past due invoice"):
        shop.sandbox.pay_invoice(invoice["id"])


def test_an_unpaid_invoice_can_be_canceled(shop: Shop) -> None:
    invoice = shop.invoice()
    assert shop.patch(f"/transactions/{invoice['id']}", {"status": "canceled"})["status"] == "canceled"
    bought = shop.purchase()
    assert refusal(lambda: shop.patch(f"/transactions/{bought['id']}", {"status": "canceled"})).status == 400


def test_an_invoices_document_has_a_url_that_changes(shop: Shop) -> None:
    bought, ready = shop.purchase(), shop.transaction()
    path = f"/transactions/{bought['id']}/invoice"
    one, other = (shop.sandbox.call("GET", path)["data"]["url"] for _ in range(2))
    assert one != other
    assert refusal(lambda: shop.sandbox.call("GET", f"/transactions/{ready['id']}/invoice")).status == 400


def test_includes_of_a_transaction(shop: Shop) -> None:
    bought = shop.purchase()
    refund = shop.refund(bought)
    shop.sandbox.settle_adjustment(refund["id"])
    asked = {"include": "customer,address,adjustment,adjustments_totals,business,discount,available_payment_methods"}
    seen = shop.sandbox.call("GET", f"/transactions/{bought['id']}", asked)["data"]
    assert seen["customer"]["id"] == bought["customer_id"]
    assert seen["adjustments"][0]["id"] == refund["id"]
    assert seen["adjustments_totals"]["breakdown"]["refund"] == "1100"
    assert "customer" not in shop.now(bought)


def test_a_revision_is_told(shop: Shop) -> None:
    bought = shop.purchase()
    revise = partial(shop.post, f"/transactions/{bought['id']}/revise", {"customer": {"name": "Ada"}})
    assert shop.during(revise) == ["transaction.updated", "transaction.revised"]
    assert refusal(revise).status == 400


def test_items_must_go_together(shop: Shop) -> None:
    yearly = shop.price(billing_cycle={"interval": "year", "frequency": 1})
    trial = shop.price(trial_period={"interval": "day", "frequency": 7, "requires_payment_method": True})
    euro = shop.price(currency="EUR", billing_cycle=MONTHLY)
    for other in (yearly, trial, euro):
        items = [{"price_id": shop.price(), "quantity": 1}, {"price_id": other, "quantity": 1}]
        assert refusal(partial(shop.transaction, items=items)).status == 400
    many = [{"price_id": shop.price(quantity={"minimum": 1, "maximum": 2}), "quantity": 3}]
    assert refusal(lambda: shop.transaction(items=many)).status == 400
