"""Renewals, failed payments and what follows them."""

import pytest
import stripe

from service.sandbox.stripe import StripeSandbox
from tests.sandbox.shop import DAY, HOUR, MONTH, Shop

RENEWAL = [
    "invoice.created",
    "customer.subscription.updated",
    "payment_intent.created",
    "invoice.finalized",
    "invoice.updated",
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
]


def test_one_renewal_is_eleven_events_in_two_seconds(sandbox: StripeSandbox, shop: Shop) -> None:
    shop.subscription()
    before = len(sandbox.events)
    assert shop.during(lambda: sandbox.advance(MONTH)) == RENEWAL
    assert len({event["created"] for event in sandbox.events[before:]}) == 2


def test_a_renewals_draft_waits_an_hour(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription()
    end = made["items"]["data"][0]["current_period_end"]
    sandbox.advance(end - sandbox.clock.now())
    assert shop.latest_invoice(made)["status"] == "draft"
    sandbox.advance(HOUR)
    assert shop.latest_invoice(made)["status"] == "paid"


def test_the_line_carries_the_service_period(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription()
    sandbox.advance(MONTH)
    item = shop.get("subscription", made["id"])["items"]["data"][0]
    line = shop.latest_invoice(made)["lines"]["data"][0]
    assert line["period"] == {"start": item["current_period_start"], "end": item["current_period_end"]}


def test_the_31st_comes_back_after_a_short_month() -> None:
    sandbox = StripeSandbox(now=1_801_396_800)  # 2027-01-31T12:00:00Z
    made = Shop(sandbox).subscription()
    ends = []
    for _ in range(3):
        ends.append(sandbox.objects("subscription")[made["id"]]["items"]["data"][0]["current_period_end"])
        sandbox.advance(ends[-1] - sandbox.clock.now())
    assert ends == [1_803_816_000, 1_806_494_400, 1_809_086_400]  # 28 February, 31 March, 30 April


def test_many_renewals_due_on_the_way_happen_in_their_order(sandbox: StripeSandbox, shop: Shop) -> None:
    shop.subscription()
    sandbox.advance(365 * DAY)
    stamps = [event["created"] for event in sandbox.events]
    assert stamps == sorted(stamps)
    assert sum(event["type"] == "invoice.paid" for event in sandbox.events) == 12


def test_a_failed_renewal_is_past_due_and_retried(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscription(customer)
    sandbox.payments.fail_next(customer)
    types = shop.during(lambda: sandbox.advance(MONTH))
    wanted = ["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"]
    assert [kind for kind in types if kind in wanted][-4:] == wanted
    assert shop.get("subscription", made["id"])["status"] == "past_due"
    assert shop.get("customer", customer)["delinquent"] is True
    assert shop.latest_invoice(made)["next_payment_attempt"] is not None


def test_a_retry_that_succeeds_recovers_the_subscription(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscription(customer)
    sandbox.payments.fail_next(customer, times=2)
    sandbox.advance(MONTH + 9 * DAY)
    assert shop.get("subscription", made["id"])["status"] == "active"
    invoice = shop.latest_invoice(made)
    assert (invoice["status"], invoice["attempt_count"]) == ("paid", 3)
    assert shop.get("customer", customer)["delinquent"] is False


@pytest.mark.parametrize(
    ("setting", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_after_the_last_retry_the_accounts_setting_decides(
    sandbox: StripeSandbox, shop: Shop, setting: str, status: str
) -> None:
    sandbox.settings.after_retries = setting
    customer = shop.customer()
    made = shop.subscription(customer)
    sandbox.payments.fail_next(customer, times=4)
    sandbox.advance(MONTH + 15 * DAY + HOUR)
    gone = shop.get("subscription", made["id"])
    assert gone["status"] == status
    reason = "payment_failed" if setting == "cancel" else None
    assert gone["cancellation_details"]["reason"] == reason


def test_a_bank_that_asks_for_the_customer_makes_no_charge(sandbox: StripeSandbox, shop: Shop) -> None:
    customer = shop.customer()
    made = shop.subscription(customer)
    sandbox.payments.fail_next(customer, code="authentication_required")
    types = shop.during(lambda: sandbox.advance(MONTH))
    assert "invoice.payment_action_required" in types
    assert "charge.failed" not in types
    intent = next(reversed(sandbox.objects("payment_intent").values()))
    assert intent["status"] == "requires_action"
    sandbox.call("POST", f"/v1/payment_intents/{intent['id']}/confirm")
    assert shop.get("subscription", made["id"])["status"] == "active"


def test_a_sent_invoice_is_paid_by_its_customer_or_overdue(sandbox: StripeSandbox, shop: Shop) -> None:
    made = shop.subscription(collection_method="send_invoice", days_until_due=7)
    invoice = shop.latest_invoice(made)
    assert (invoice["status"], invoice["due_date"]) == ("open", sandbox.clock.now() + 7 * DAY)
    assert shop.during(lambda: sandbox.advance(7 * DAY)) == ["invoice.overdue"]


def test_metered_usage_is_billed_after_its_period(
    sandbox: StripeSandbox, client: stripe.StripeClient, shop: Shop
) -> None:
    meter = client.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    customer = shop.customer()
    price = shop.price(20, recurring={"usage_type": "metered", "meter": meter.id})
    made = shop.subscription(customer, price)
    assert "quantity" not in made["items"]["data"][0]
    payload = {"stripe_customer_id": customer, "value": "25"}
    client.v1.billing.meter_events.create({"event_name": "calls", "payload": payload})
    sandbox.advance(MONTH)
    assert shop.latest_invoice(made)["total"] == 500


def test_an_upcoming_invoice_is_announced_under_an_id_that_names_nothing(sandbox: StripeSandbox, shop: Shop) -> None:
    sandbox.settings.upcoming_seconds = 7 * DAY
    shop.subscription()
    sandbox.advance(MONTH)
    preview = shop.last("invoice.upcoming")["data"]["object"]
    assert preview["id"].startswith("upcoming_in")
    assert preview["id"] not in sandbox.objects("invoice")
