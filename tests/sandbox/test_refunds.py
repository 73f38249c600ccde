"""Refunds, disputes and credit notes."""

from typing import Any

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import Shop, param_of, refusal


def test_a_partial_refund_counts_on_its_charge(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    types = shop.during(lambda: client.v1.refunds.create({"charge": charge["id"], "amount": 500}))
    assert types == ["charge.refunded", "refund.created"]
    after = shop.get("charge", charge["id"])
    assert (after["amount_refunded"], after["refunded"]) == (500, False)


def test_a_refund_of_the_rest_makes_the_charge_refunded(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    client.v1.refunds.create({"charge": charge["id"], "amount": 500})
    rest = client.v1.refunds.create({"payment_intent": charge["payment_intent"]})
    assert rest.amount == 1_500
    assert shop.get("charge", charge["id"])["refunded"] is True


def test_more_than_the_charge_cannot_be_refunded(client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    error = refusal(lambda: client.v1.refunds.create({"charge": charge["id"], "amount": 2_001}))
    assert (error.http_status, param_of(error)) == (400, "amount")
    client.v1.refunds.create({"charge": charge["id"]})
    assert refusal(lambda: client.v1.refunds.create({"charge": charge["id"]})).code == "charge_already_refunded"


def test_a_refund_that_fails_after_it_succeeded_returns_the_money(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    charge = shop.charge(2_000)
    sandbox.next_refunds("pending")
    refund = client.v1.refunds.create({"charge": charge["id"]})
    assert refund.status == "pending"
    sandbox.settle_refund(refund.id, status="succeeded")
    types = shop.during(lambda: sandbox.settle_refund(refund.id, status="failed"))
    assert types == ["refund.updated", "charge.refund.updated", "refund.failed", "charge.updated"]
    after = shop.get("charge", charge["id"])
    assert (after["amount_refunded"], after["refunded"]) == (0, False)
    assert shop.get("refund", refund.id)["failure_balance_transaction"].startswith("txn_")


def test_only_a_refund_that_waits_for_its_customer_can_be_canceled(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    done = client.v1.refunds.create({"charge": shop.charge()["id"]})
    assert refusal(lambda: client.v1.refunds.cancel(done.id)).http_status == 400
    sandbox.next_refunds("requires_action")
    waiting = client.v1.refunds.create({"charge": shop.charge()["id"]})
    assert client.v1.refunds.cancel(waiting.id).status == "canceled"


def test_refunds_of_a_charge_must_be_asked_for(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge(2_000)
    for _ in range(3):
        client.v1.refunds.create({"charge": charge["id"], "amount": 10})
    assert "refunds" not in client.v1.charges.retrieve(charge["id"]).to_dict()
    sandbox.settings.nested_cap = 2
    refunds = client.v1.charges.retrieve(charge["id"], {"expand": ["refunds"]}).refunds
    assert refunds is not None
    assert (len(refunds.data), refunds.has_more) == (2, True)
    assert len(list(refunds.auto_paging_iter())) == 3


def test_a_dispute_withdraws_the_money(sandbox: StripeSandbox, shop: Shop) -> None:
    charge = shop.charge(2_000)
    types = shop.during(lambda: sandbox.open_dispute(charge["id"]))
    assert types == [
        "charge.dispute.created",
        "charge.updated",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]
    assert shop.get("charge", charge["id"])["disputed"] is True


def test_a_dispute_that_is_won_brings_the_money_back(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    dispute = sandbox.open_dispute(shop.charge(2_000)["id"], reason="product_not_received")
    client.v1.disputes.update(dispute["id"], {"evidence": {"product_description": "shipped"}})
    assert client.v1.disputes.retrieve(dispute["id"]).status == "under_review"
    won = sandbox.close_dispute(dispute["id"], status="won")
    assert won["status"] == "won"
    assert sum(each["amount"] for each in won["balance_transactions"]) == 0
    assert shop.last("charge.dispute.closed")["data"]["object"]["status"] == "won"


def test_accepting_a_dispute_loses_it(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    dispute = sandbox.open_dispute(shop.charge()["id"])
    assert client.v1.disputes.close(dispute["id"]).status == "lost"
    assert refusal(lambda: client.v1.disputes.close(dispute["id"])).http_status == 400


def test_a_disputed_charge_cannot_be_refunded(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    charge = shop.charge()
    sandbox.open_dispute(charge["id"])
    assert refusal(lambda: client.v1.refunds.create({"charge": charge["id"]})).code == "charge_disputed"


def _invoice(shop: Shop, **params: Any) -> str:
    return str(shop.subscription(**params)["latest_invoice"])


def test_a_credit_note_before_payment_lowers_what_is_due(client: stripe.StripeClient, shop: Shop) -> None:
    invoice = _invoice(shop, payment_behavior="default_incomplete")
    note = client.v1.credit_notes.create({"invoice": invoice, "amount": 400})
    assert (note.type, note.status, note.number) == ("pre_payment", "issued", f"{_number(shop, invoice)}-CN-01")
    assert shop.get("invoice", invoice)["amount_remaining"] == 600
    assert client.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert shop.get("invoice", invoice)["amount_remaining"] == 1_000


def _number(shop: Shop, invoice: str) -> str:
    return str(shop.get("invoice", invoice)["number"])


def test_a_credit_note_over_all_that_is_due_pays_the_invoice(client: stripe.StripeClient, shop: Shop) -> None:
    invoice = _invoice(shop, payment_behavior="default_incomplete")
    client.v1.credit_notes.create({"invoice": invoice, "amount": 1_000})
    assert shop.get("invoice", invoice)["status"] == "paid"


def test_a_credit_note_after_payment_refunds_and_credits(client: stripe.StripeClient, shop: Shop) -> None:
    invoice = _invoice(shop)
    sent = {"invoice": invoice, "amount": 500, "refund_amount": 300, "credit_amount": 200}
    note = client.v1.credit_notes.create(sent)  # type: ignore[arg-type]
    assert (note.type, note.refunds[0].amount_refunded) == ("post_payment", 300)
    assert shop.get("refund", str(note.refunds[0].refund))["amount"] == 300
    assert shop.get("customer", str(note.customer))["balance"] == -200


def test_a_credit_note_after_payment_must_say_where_the_money_goes(client: stripe.StripeClient, shop: Shop) -> None:
    invoice = _invoice(shop)
    assert refusal(lambda: client.v1.credit_notes.create({"invoice": invoice, "amount": 500})).http_status == 400
