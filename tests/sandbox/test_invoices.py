"""Invoices made by hand, their lines and the links to their payments."""

import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import HOUR, Shop, refusal


def _draft(client: stripe.StripeClient, customer: str, *amounts: int) -> stripe.Invoice:
    invoice = client.v1.invoices.create({"customer": customer})
    for amount in amounts:
        item = {"customer": customer, "invoice": invoice.id, "amount": amount, "currency": "usd"}
        client.v1.invoice_items.create(item)  # type: ignore[arg-type]
    return client.v1.invoices.retrieve(str(invoice.id))


def test_an_invoice_has_no_number_until_it_is_finalized(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    assert (draft.status, draft.number, draft.total) == ("draft", None, 500)
    final = client.v1.invoices.finalize_invoice(str(draft.id))
    assert final.status == "open"
    assert final.number is not None
    assert final.status_transitions.finalized_at is not None


def test_paying_a_draft_finalizes_it_first(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    paid = client.v1.invoices.pay(str(draft.id))
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 500, 0)


def test_the_invoice_payment_is_the_only_link_to_the_payment(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    paid = client.v1.invoices.pay(str(draft.id))
    assert "payment_intent" not in paid.to_dict()
    payment = client.v1.invoice_payments.list({"invoice": str(paid.id)}).data[0]
    assert (payment.status, payment.amount_paid, payment.is_default) == ("paid", 500, True)
    intent = str(payment.payment.payment_intent)
    found = client.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent}})
    assert [each.id for each in found.data] == [payment.id]
    assert "invoice" not in client.v1.payment_intents.retrieve(intent).to_dict()


def test_a_refused_payment_is_402_and_counts_as_an_attempt(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    customer = shop.customer()
    draft = _draft(client, customer, 500)
    sandbox.payments.fail_next(customer)
    error = refusal(lambda: client.v1.invoices.pay(str(draft.id)))
    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code) == (402, "card_declined")
    invoice = shop.get("invoice", str(draft.id))
    assert (invoice["status"], invoice["attempt_count"], invoice["attempted"]) == ("open", 1, True)


def test_an_invoice_paid_outside_has_no_charge(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    paid = client.v1.invoices.pay(str(draft.id), {"paid_out_of_band": True})
    assert paid.status == "paid"
    assert sandbox.objects("charge") == {}
    assert [each["status"] for each in sandbox.objects("invoice_payment").values()] == ["canceled"]


def test_a_paid_invoice_cannot_be_paid_again(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    client.v1.invoices.pay(str(draft.id))
    assert refusal(lambda: client.v1.invoices.pay(str(draft.id))).user_message == "Invoice is already paid"


def test_a_void_invoice_takes_its_payment_with_it(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    draft = _draft(client, shop.customer(), 500)
    client.v1.invoices.finalize_invoice(str(draft.id))
    void = client.v1.invoices.void_invoice(str(draft.id))
    assert (void.status, void.amount_remaining) == ("void", 0)
    assert [each["status"] for each in sandbox.objects("payment_intent").values()] == ["canceled"]


def test_an_uncollectible_invoice_says_why(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    client.v1.invoices.finalize_invoice(str(draft.id))
    types = shop.during(lambda: client.v1.invoices.mark_uncollectible(str(draft.id)))
    assert types == ["invoice.updated", "invoice.marked_uncollectible"]
    assert shop.get("invoice", str(draft.id))["status_details"] == {"uncollectible": {"reason": "payment_not_received"}}


def test_only_a_draft_can_be_deleted_and_then_it_is_gone(client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer(), 500)
    assert shop.during(lambda: client.v1.invoices.delete(str(draft.id))) == ["invoice.deleted"]
    assert refusal(lambda: client.v1.invoices.retrieve(str(draft.id))).http_status == 404
    final = _draft(client, shop.customer(), 500)
    client.v1.invoices.finalize_invoice(str(final.id))
    assert refusal(lambda: client.v1.invoices.delete(str(final.id))).code == "invoice_not_editable"


def test_an_invoice_of_nothing_is_paid_at_once(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    draft = _draft(client, shop.customer())
    assert client.v1.invoices.finalize_invoice(str(draft.id)).status == "paid"
    assert sandbox.objects("payment_intent") == {}


def test_the_customers_credit_is_used_first(client: stripe.StripeClient, shop: Shop) -> None:
    customer = shop.customer(balance=-300)
    final = client.v1.invoices.finalize_invoice(str(_draft(client, customer, 500).id))
    assert (final.amount_due, final.starting_balance, final.ending_balance) == (200, -300, 0)
    assert shop.get("customer", customer)["balance"] == 0


def test_a_negative_total_becomes_credit(client: stripe.StripeClient, shop: Shop) -> None:
    customer = shop.customer()
    final = client.v1.invoices.finalize_invoice(str(_draft(client, customer, -700).id))
    assert (final.status, final.amount_due) == ("paid", 0)
    assert shop.get("customer", customer)["balance"] == -700


def test_auto_advance_collects_after_an_hour(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    customer = shop.customer()
    item = {"customer": customer, "amount": 500, "currency": "usd"}
    client.v1.invoice_items.create(item)  # type: ignore[arg-type]
    sent = {"customer": customer, "auto_advance": True, "pending_invoice_items_behavior": "include"}
    invoice = client.v1.invoices.create(sent)  # type: ignore[arg-type]
    sandbox.advance(HOUR)
    assert shop.get("invoice", str(invoice.id))["status"] == "paid"


def test_long_lines_are_cut_inside_and_complete_behind_their_list(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    sandbox.settings.nested_cap, sandbox.settings.page_cap = 2, 2
    invoice = _draft(client, shop.customer(), 1, 2, 3, 4, 5)
    assert [line.amount for line in invoice.lines.data] == [1, 2]
    assert invoice.lines.has_more is True
    assert [line.amount for line in invoice.lines.auto_paging_iter()] == [1, 2, 3, 4, 5]
    listed = client.v1.invoices.line_items.list(str(invoice.id)).auto_paging_iter()
    assert [line.amount for line in listed] == [1, 2, 3, 4, 5]


def test_invoices_are_listed_by_status_and_by_subscription(client: stripe.StripeClient, shop: Shop) -> None:
    subscription = shop.subscription()
    _draft(client, shop.customer(), 500)
    assert [each.status for each in client.v1.invoices.list({"status": "draft"}).data] == ["draft"]
    found = client.v1.invoices.list({"subscription": subscription["id"]}).data
    assert [each.id for each in found] == [subscription["latest_invoice"]]
