"""Refunds, credits and chargebacks."""

from functools import partial

import pytest

from tests.sandbox.paddle.shop import MINUTE, Json, Shop, code_of, fields_of, refusal


def _partial(transaction: Json, amount: str | None, **fields: object) -> Json:
    line = transaction["details"]["line_items"][0]["id"]
    item = {"item_id": line, "type": "partial" if amount else "full", "amount": amount}
    return {"type": "partial", "items": [item]} | fields


def test_a_refund_waits_for_approval(shop: Shop) -> None:
    bought = shop.purchase()
    refund = shop.refund(bought)
    assert (refund["status"], refund["totals"]["total"], refund["type"]) == ("pending_approval", "1100", "full")
    assert refund["subscription_id"] == bought["subscription_id"]
    settle = partial(shop.sandbox.settle_adjustment, refund["id"], status="approved")
    assert shop.during(settle) == ["adjustment.updated"]
    assert shop.get("adjustment", refund["id"])["status"] == "approved"
    assert shop.now(bought) == bought


def test_an_adjustment_is_read_by_listing_it(shop: Shop) -> None:
    refund = shop.refund(shop.purchase())
    assert refusal(lambda: shop.rows(f"/adjustments/{refund['id']}")).status == 404
    assert shop.rows("/adjustments", id=refund["id"]) == [refund]


def test_refunds_are_approved_every_ten_minutes_if_asked_for(shop: Shop) -> None:
    shop.sandbox.settings.auto_approve = True
    refund = shop.refund(shop.purchase())
    shop.sandbox.advance(10 * MINUTE)
    assert shop.get("adjustment", refund["id"])["status"] == "approved"


def test_no_refund_beside_one_that_waits(shop: Shop) -> None:
    bought = shop.purchase()
    shop.refund(bought, **_partial(bought, "100"))
    error = refusal(lambda: shop.refund(bought, **_partial(bought, "100")))
    assert (error.status, code_of(error)) == (400, "adjustment_pending_refund_request")


def test_refunds_never_exceed_what_is_left(shop: Shop) -> None:
    bought = shop.purchase()
    for amount in ("400", "500"):
        refund = shop.refund(bought, **_partial(bought, amount))
        shop.sandbox.settle_adjustment(refund["id"])
    assert refusal(lambda: shop.refund(bought, **_partial(bought, "201"))).status == 400
    rest = shop.refund(bought)
    assert (rest["totals"]["total"], rest["totals"]["subtotal"], rest["totals"]["tax"]) == ("200", "182", "18")
    shop.sandbox.settle_adjustment(rest["id"])
    assert refusal(lambda: shop.refund(bought)).status == 400


def test_a_rejected_refund_leaves_everything(shop: Shop) -> None:
    bought = shop.purchase()
    shop.sandbox.settle_adjustment(shop.refund(bought)["id"], status="rejected")
    assert shop.refund(bought)["totals"]["total"] == "1100"


def test_only_completed_transactions_are_refunded(shop: Shop) -> None:
    for transaction in (shop.transaction(), shop.invoice()):
        error = refusal(partial(shop.refund, transaction))
        assert (error.status, code_of(error)) == (400, "adjustment_transaction_invalid_status_for_refund")


def test_a_credit_is_approved_at_once_and_for_unpaid_invoices(shop: Shop) -> None:
    invoice = shop.invoice()
    credit = shop.refund(invoice, action="credit", **_partial(invoice, None))
    assert (credit["status"], credit["credit_applied_to_balance"]) == ("approved", True)
    balances = shop.rows(f"/customers/{invoice['customer_id']}/credit-balances")
    assert balances[0]["balance"]["available"] == "1100"
    error = refusal(lambda: shop.refund(shop.purchase(), action="credit"))
    assert code_of(error) == "adjustment_transaction_invalid_status_for_credit"


def test_a_partial_adjustment_names_its_items(shop: Shop) -> None:
    bought = shop.purchase()
    assert fields_of(refusal(lambda: shop.refund(bought, type="partial"))) == {"items"}
    assert fields_of(refusal(lambda: shop.refund(bought, **_partial(bought, "1.00")))) == {"items.0.amount"}
    wrong = _partial(bought, "1")
    wrong["items"][0]["item_id"] = "txnitm_01h8bzakzx3hm2fmen703n5q45"
    assert fields_of(refusal(lambda: shop.refund(bought, **wrong))) == {"items.0.item_id"}


def test_a_chargeback_is_an_adjustment_that_can_be_reversed(shop: Shop) -> None:
    bought = shop.purchase()
    chargeback = shop.sandbox.chargeback(bought["id"])
    assert (chargeback["action"], chargeback["status"]) == ("chargeback", "approved")
    assert chargeback["payout_totals"]["chargeback_fee"]["amount"] == "1500"
    assert refusal(lambda: shop.refund(bought)).status == 400
    reverse = partial(shop.sandbox.reverse_chargeback, chargeback["id"])
    assert shop.during(reverse) == ["adjustment.updated", "adjustment.created"]
    assert shop.get("adjustment", chargeback["id"])["status"] == "reversed"
    assert shop.last("adjustment.created")["data"]["action"] == "chargeback_reverse"
    with pytest.raises(ValueError, match="from reversed to reversed"):
        reverse()
    assert shop.refund(bought)["totals"]["total"] == "1100"


def test_a_warning_takes_no_money(shop: Shop) -> None:
    bought = shop.purchase()
    warning = shop.sandbox.chargeback_warning(bought["id"], amount=500)
    assert (warning["action"], warning["totals"]["total"]) == ("chargeback_warning", "500")
    shop.sandbox.reverse_chargeback(warning["id"])
    assert shop.last("adjustment.created")["data"]["action"] == "chargeback_warning_reverse"
    assert shop.refund(bought)["totals"]["total"] == "1100"


def test_what_does_not_follow_is_refused(shop: Shop) -> None:
    refund = shop.refund(shop.purchase())
    with pytest.raises(ValueError, match="from pending_approval to reversed"):
        shop.sandbox.settle_adjustment(refund["id"], status="reversed")
    with pytest.raises(ValueError, match="completed"):
        shop.sandbox.chargeback(shop.transaction()["id"])
    with pytest.raises(ValueError, match="a refund"):
        shop.sandbox.reverse_chargeback(refund["id"])


def test_a_credit_note_has_a_url(shop: Shop) -> None:
    refund = shop.refund(shop.purchase())
    path = f"/adjustments/{refund['id']}/credit-note"
    assert refusal(lambda: shop.sandbox.call("GET", path)).status == 400
    shop.sandbox.settle_adjustment(refund["id"])
    assert shop.sandbox.call("GET", path)["data"]["url"].startswith("https://")
