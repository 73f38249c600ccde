"""Subscriptions: their start, their changes and their ends."""

import pytest
import stripe

from service.sandbox.stripe import SandboxError, StripeSandbox
from tests.sandbox.shop import DAY, HOUR, MONTH, Shop, param_of, refusal


def test_a_subscription_is_active_once_its_first_invoice_is_paid(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    subscription = client.v1.subscriptions.retrieve(made["id"], {"expand": ["latest_invoice.payments"]})
    invoice = subscription.latest_invoice
    assert isinstance(invoice, stripe.Invoice)
    assert (subscription.status, invoice.status, invoice.billing_reason) == ("active", "paid", "subscription_create")
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.type == "payment_intent"


def test_the_period_stands_on_the_items_and_not_on_the_subscription(shop: Shop) -> None:
    subscription = shop.subscription()
    assert "current_period_end" not in subscription
    item = subscription["items"]["data"][0]
    assert 28 * DAY <= item["current_period_end"] - item["current_period_start"] <= MONTH


def test_default_incomplete_waits_for_the_customer(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription(payment_behavior="default_incomplete", expand=["latest_invoice.confirmation_secret"])
    assert made["status"] == "incomplete"
    secret = made["latest_invoice"]["confirmation_secret"]["client_secret"]
    intent = secret.split("_secret_")[0]
    client.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert client.v1.subscriptions.retrieve(made["id"]).status == "active"


def test_an_unpaid_first_invoice_expires_the_subscription_after_23_hours(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription(payment_behavior="default_incomplete")
    sandbox.advance(23 * HOUR - 1)
    assert shop.get("subscription", made["id"])["status"] == "incomplete"
    sandbox.advance(1)
    assert shop.get("subscription", made["id"])["status"] == "incomplete_expired"
    assert shop.latest_invoice(made)["status"] == "void"


def test_allow_incomplete_tries_and_keeps_the_failure(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    sandbox.payments.fail_next(customer)
    made = shop.subscription(customer)
    assert made["status"] == "incomplete"
    assert shop.latest_invoice(made)["attempt_count"] == 1


def test_error_if_incomplete_refuses_and_makes_nothing(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    customer, price = shop.customer(), shop.price()
    sandbox.payments.fail_next(customer, code="insufficient_funds")
    sent = {"customer": customer, "items": [{"price": price}], "payment_behavior": "error_if_incomplete"}
    error = refusal(lambda: client.v1.subscriptions.create(sent))  # type: ignore[arg-type]
    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code) == (402, "insufficient_funds")
    assert sandbox.objects("subscription") == {}


def test_a_customer_without_a_payment_method_cannot_be_charged(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    sandbox.payments.remove_method(customer)
    with pytest.raises(SandboxError, match="no attached payment source"):
        shop.subscription(customer)


def test_a_trial_is_announced_three_days_before_its_end(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription(trial_period_days=14)
    assert made["status"] == "trialing"
    assert "customer.subscription.trial_will_end" not in shop.during(lambda: sandbox.advance(11 * DAY - 1))
    assert shop.during(lambda: sandbox.advance(1)) == ["customer.subscription.trial_will_end"]


def test_a_trials_end_bills_the_first_month(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription(trial_period_days=14)
    assert shop.latest_invoice(made)["total"] == 0
    sandbox.advance(14 * DAY + HOUR)
    assert shop.get("subscription", made["id"])["status"] == "active"
    assert (shop.latest_invoice(made)["status"], shop.latest_invoice(made)["total"]) == ("paid", 1_000)


def test_a_trial_can_be_ended_now(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription(trial_period_days=14)
    changed = client.v1.subscriptions.update(made["id"], {"trial_end": "now"})
    assert changed.status == "active"


@pytest.mark.parametrize(("behavior", "status"), [("cancel", "canceled"), ("pause", "paused")])
def test_a_trial_without_a_payment_method_ends_as_asked(
    sandbox: StripeSandbox, shop: Shop, behavior: str, status: str
) -> None:
    customer = shop.customer()
    settings = {"end_behavior": {"missing_payment_method": behavior}}
    made = shop.subscription(customer, trial_period_days=7, trial_settings=settings)
    sandbox.payments.remove_method(customer)
    sandbox.advance(7 * DAY)
    assert shop.get("subscription", made["id"])["status"] == status


def test_canceling_now_keeps_request_and_end_in_one_moment(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    gone = client.v1.subscriptions.cancel(made["id"], {"cancellation_details": {"feedback": "unused"}})
    assert (gone.status, gone.canceled_at, gone.ended_at) == ("canceled", gone.ended_at, gone.canceled_at)
    assert gone.cancellation_details is not None
    assert gone.cancellation_details.reason == "cancellation_requested"
    assert gone.cancellation_details.feedback == "unused"


def test_a_canceled_subscription_leaves_the_default_list(client: stripe.StripeClient, shop: Shop) -> None:
    kept, gone = shop.subscription()["id"], shop.subscription()["id"]
    client.v1.subscriptions.cancel(gone)
    assert [each.id for each in client.v1.subscriptions.list().data] == [kept]
    for status in ("canceled", "ended"):
        assert [each.id for each in client.v1.subscriptions.list({"status": status}).data] == [gone]
    assert [each.id for each in client.v1.subscriptions.list({"status": "all"}).data] == [gone, kept]


def test_canceling_at_the_periods_end_remembers_when_it_was_asked(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    asked = sandbox.clock.now()
    client.v1.subscriptions.update(made["id"], {"cancel_at_period_end": True})
    sandbox.advance(MONTH)
    gone = shop.get("subscription", made["id"])
    assert (gone["status"], gone["canceled_at"]) == ("canceled", asked)
    assert gone["ended_at"] == made["items"]["data"][0]["current_period_end"]


def test_a_withdrawn_cancellation_renews(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    client.v1.subscriptions.update(made["id"], {"cancel_at_period_end": True})
    back = client.v1.subscriptions.update(made["id"], {"cancel_at_period_end": False})
    assert (back.cancel_at, back.canceled_at) == (None, None)
    sandbox.advance(MONTH)
    assert shop.get("subscription", made["id"])["status"] == "active"


def test_cancel_at_ends_in_the_middle_of_a_period(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    moment = sandbox.clock.now() + 5 * DAY
    changed = client.v1.subscriptions.update(made["id"], {"cancel_at": moment})
    assert (changed.cancel_at, changed.cancel_at_period_end) == (moment, False)
    sandbox.advance(6 * DAY)
    assert shop.get("subscription", made["id"])["ended_at"] == moment


def test_a_canceled_subscription_cannot_be_canceled_again(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    client.v1.subscriptions.cancel(made["id"])
    assert refusal(lambda: client.v1.subscriptions.cancel(made["id"])).http_status == 404


def test_a_changed_quantity_is_prorated_on_the_next_invoice(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    item = made["items"]["data"][0]
    half = (item["current_period_end"] - item["current_period_start"]) // 2
    sandbox.advance(half)
    client.v1.subscriptions.update(made["id"], {"items": [{"id": item["id"], "quantity": 3}]})
    amounts = [each["amount"] for each in sandbox.objects("invoiceitem").values()]
    assert amounts == [-500, 1_500]
    sandbox.advance(MONTH)
    assert shop.latest_invoice(made)["total"] == 3_000 + 1_000


def test_a_changed_item_reports_the_whole_array_as_it_was(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    item = made["items"]["data"][0]
    client.v1.subscriptions.update(made["id"], {"items": [{"id": item["id"], "quantity": 3}]})
    before = shop.last("customer.subscription.updated")["data"]["previous_attributes"]
    assert before == {"items": {"data": made["items"]["data"]}}


def test_without_proration_a_change_costs_nothing_now(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    changes = {"items": [{"id": made["items"]["data"][0]["id"], "quantity": 3}], "proration_behavior": "none"}
    client.v1.subscriptions.update(made["id"], changes)  # type: ignore[arg-type]
    assert sandbox.objects("invoiceitem") == {}


def test_another_interval_begins_a_new_cycle_and_bills_it(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    sandbox.advance(DAY)
    yearly = shop.price(9_000, interval="year")
    client.v1.subscriptions.update(made["id"], {"items": [{"id": made["items"]["data"][0]["id"], "price": yearly}]})
    after = shop.get("subscription", made["id"])
    assert after["billing_cycle_anchor"] == sandbox.clock.now()
    assert after["items"]["data"][0]["current_period_end"] == sandbox.clock.now() + 365 * DAY
    assert shop.latest_invoice(made)["billing_reason"] == "subscription_update"
    assert 8_000 < shop.latest_invoice(made)["total"] < 9_000


def test_an_item_can_be_added_and_taken_off(client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    added = client.v1.subscription_items.create({"subscription": made["id"], "price": shop.price(500)})
    assert len(client.v1.subscription_items.list({"subscription": made["id"]}).data) == 2
    client.v1.subscription_items.delete(added.id)
    assert len(client.v1.subscription_items.list({"subscription": made["id"]}).data) == 1


def test_pausing_collection_leaves_the_status_alone(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    paused = client.v1.subscriptions.update(made["id"], {"pause_collection": {"behavior": "void"}})
    assert paused.status == "active"
    sandbox.advance(MONTH + HOUR)
    assert shop.latest_invoice(made)["status"] == "void"


def test_collection_resumes_by_itself(sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop) -> None:
    made = shop.subscription()
    moment = sandbox.clock.now() + DAY
    sent = {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": moment}}
    client.v1.subscriptions.update(made["id"], sent)  # type: ignore[arg-type]
    sandbox.advance(DAY)
    assert shop.get("subscription", made["id"])["pause_collection"] is None


def test_a_paused_subscription_bills_nothing_until_it_is_resumed(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    made = shop.subscription()
    paused = client.v1.subscriptions.pause(made["id"])
    assert paused.status == "paused"
    assert shop.get("subscription", made["id"])["status_details"]["paused"]["subscription"]["type"] == "pause_requested"
    assert "invoice.created" not in shop.during(lambda: sandbox.advance(2 * MONTH))
    assert client.v1.subscriptions.resume(made["id"]).status == "active"


def test_prices_of_two_currencies_do_not_mix(client: stripe.StripeClient, shop: Shop) -> None:
    items = [{"price": shop.price()}, {"price": shop.price(currency="eur")}]
    sent = {"customer": shop.customer(), "items": items}
    error = refusal(lambda: client.v1.subscriptions.create(sent))  # type: ignore[arg-type]
    assert param_of(error) == "items"


def test_subscriptions_are_listed_by_price_and_by_period_end(client: stripe.StripeClient, shop: Shop) -> None:
    price = shop.price()
    wanted = shop.subscription(price=price)
    shop.subscription(trial_period_days=3)
    assert [each.id for each in client.v1.subscriptions.list({"price": price}).data] == [wanted["id"]]
    end = wanted["items"]["data"][0]["current_period_end"]
    assert [s.id for s in client.v1.subscriptions.list({"current_period_end": {"gte": end}}).data] == [wanted["id"]]
