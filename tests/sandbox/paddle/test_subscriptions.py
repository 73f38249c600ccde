"""Subscriptions: renewals, failures, scheduled changes and trials."""

from datetime import datetime
from functools import partial

import pytest

from tests.sandbox.paddle.shop import DAY, MONTH, Json, Shop, code_of, refusal

COMPLETED = ["transaction.updated", "transaction.completed", "transaction.updated"]
PAID = ["transaction.updated", "transaction.paid", *COMPLETED]
FAILED = [
    *("transaction.updated", "transaction.payment_failed", "transaction.updated", "transaction.past_due"),
    *("subscription.updated", "subscription.past_due"),
]
TRIAL: Json = {"interval": "day", "frequency": 7, "requires_payment_method": True}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("passes", "made"), [(True, "transaction.billed"), (False, "transaction.ready")])
def test_a_renewal_bills_and_moves_the_period(shop: Shop, passes: bool, made: str) -> None:
    shop.sandbox.settings.renewals_pass_billed = passes
    before = shop.subscription()
    told = shop.during(lambda: shop.sandbox.advance(MONTH))
    assert told == ["subscription.updated", "transaction.created", made, *PAID]
    after, renewal = shop.now(before), shop.latest(before)
    assert renewal["origin"] == "subscription_recurring"
    assert after["current_billing_period"] == renewal["billing_period"]
    assert after["current_billing_period"]["starts_at"] == before["current_billing_period"]["ends_at"]
    assert after["items"][0]["previously_billed_at"] == before["next_billed_at"]
    assert shop.last("transaction.created")["data"]["subscription_id"] == before["id"]


def test_months_keep_their_day(shop: Shop) -> None:
    shop.sandbox.advance(40 * DAY)  # to 31 October
    subscription = shop.subscription()
    days = []
    for _ in range(5):
        days.append(_at(shop.now(subscription)["next_billed_at"]).day)
        shop.sandbox.advance(MONTH)
    assert days == [30, 31, 31, 28, 31]


def test_years_turn(shop: Shop) -> None:
    subscription = shop.subscription(None, shop.price(billing_cycle={"interval": "year", "frequency": 1}))
    shop.sandbox.advance(364 * DAY)
    assert len(shop.rows("/transactions", subscription_id=subscription["id"])) == 1
    shop.sandbox.advance(DAY)
    assert len(shop.rows("/transactions", subscription_id=subscription["id"])) == 2


def test_a_failed_renewal_is_tried_again_and_recovers(shop: Shop) -> None:
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=2)
    told = shop.during(lambda: shop.sandbox.advance(MONTH))
    assert told[3:9] == FAILED
    assert shop.now(subscription)["status"] == "past_due"
    shop.sandbox.advance(3 * DAY)
    assert shop.now(subscription)["status"] == "active"
    renewal = shop.latest(subscription)
    assert (renewal["status"], len(renewal["payments"])) == ("completed", 3)


def test_after_the_last_retry_the_subscription_is_canceled(shop: Shop) -> None:
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=9)
    shop.sandbox.advance(MONTH)
    attempted = len(shop.latest(subscription)["payments"])
    shop.sandbox.advance(7 * DAY)
    assert shop.now(subscription)["status"] == "canceled"
    renewal = shop.latest(subscription)
    assert (attempted, len(renewal["payments"]), renewal["status"]) == (1 + 1, 4, "canceled")
    types = [event["event_type"] for event in shop.sandbox.events[-4:]]
    assert types == ["subscription.updated", "subscription.canceled", "transaction.updated", "transaction.canceled"]


def test_after_the_last_retry_it_can_be_paused_instead(shop: Shop) -> None:
    shop.sandbox.settings.after_retries = "pause"
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=9)
    shop.sandbox.advance(MONTH + 7 * DAY)
    assert shop.now(subscription)["status"] == "paused"


def test_another_payment_method_pays_what_is_past_due(shop: Shop) -> None:
    subscription = shop.subscription()
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=9)
    shop.sandbox.advance(MONTH)
    paid = shop.sandbox.change_payment_method(subscription["id"])
    assert (paid["origin"], paid["status"]) == ("subscription_recurring", "completed")
    assert shop.now(subscription)["status"] == "active"
    shop.sandbox.advance(MONTH)
    assert shop.now(subscription)["status"] == "active"


def test_another_payment_method_is_a_transaction_of_no_value(shop: Shop) -> None:
    subscription = shop.subscription()
    changed = shop.sandbox.change_payment_method(subscription["id"])
    assert changed["origin"] == "subscription_payment_method_change"
    assert (changed["details"]["totals"]["grand_total"], changed["payments"]) == ("0", [])
    assert shop.rows("/transactions", origin="subscription_payment_method_change")[0]["id"] == changed["id"]


def test_a_cancellation_waits_for_the_end_of_the_period(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    scheduled = shop.post(f"{path}/cancel", {})
    assert scheduled["status"] == "active"
    end = subscription["current_billing_period"]["ends_at"]
    assert scheduled["scheduled_change"] == {"action": "cancel", "effective_at": end, "resume_at": None}
    assert code_of(refusal(lambda: shop.post(f"{path}/pause", {}))) == "subscription_locked_pending_changes"
    told = shop.during(lambda: shop.sandbox.advance(MONTH))
    assert told == ["subscription.updated", "subscription.canceled"]
    after = shop.now(subscription)
    assert (after["status"], after["current_billing_period"], after["next_billed_at"]) == ("canceled", None, None)
    assert (after["canceled_at"][:19], after["scheduled_change"]) == (end[:19], None)


def test_a_cancellation_can_be_taken_back(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    shop.post(f"{path}/cancel", {"effective_from": "next_billing_period"})
    assert shop.patch(path, {"scheduled_change": None})["scheduled_change"] is None
    shop.sandbox.advance(MONTH)
    assert shop.now(subscription)["status"] == "active"


def test_canceled_is_final(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    assert shop.post(f"{path}/cancel", {"effective_from": "immediately"})["status"] == "canceled"
    for verb in ("cancel", "pause", "resume", "activate"):
        assert refusal(partial(shop.post, f"{path}/{verb}", {})).status == 400
    assert refusal(lambda: shop.patch(path, {"custom_data": {}})).status == 400


def test_a_pause_waits_and_a_resumption_bills_a_new_period(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    shop.post(f"{path}/pause", {})
    assert shop.during(lambda: shop.sandbox.advance(MONTH)) == ["subscription.updated", "subscription.paused"]
    paused = shop.now(subscription)
    assert (paused["status"], paused["next_billed_at"], paused["current_billing_period"]) == ("paused", None, None)
    assert refusal(lambda: shop.post(f"{path}/cancel", {})).status == 400
    shop.sandbox.advance(3 * MONTH)
    told = shop.during(lambda: shop.post(f"{path}/resume", {"effective_from": "immediately"}))
    assert told[:4] == ["subscription.updated", "subscription.resumed", "transaction.created", "transaction.billed"]
    resumed = shop.now(subscription)
    assert (resumed["status"], resumed["paused_at"]) == ("active", None)
    assert len(shop.rows("/transactions", subscription_id=subscription["id"])) == 2


def test_a_pause_until_a_moment_ends_by_itself(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    until = "2026-10-01T00:00:00Z"
    paused = shop.post(f"{path}/pause", {"effective_from": "immediately", "resume_at": until})
    change = paused["scheduled_change"]
    assert (paused["status"], change["action"], change["effective_at"][:10]) == ("paused", "resume", "2026-10-01")
    shop.sandbox.advance(12 * DAY)
    assert shop.now(subscription)["status"] == "active"
    assert shop.now(subscription)["current_billing_period"]["starts_at"].startswith("2026-10-01")


def test_a_resumption_may_keep_the_period(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    shop.post(f"{path}/pause", {"effective_from": "immediately"})
    shop.sandbox.advance(DAY)
    body = {"effective_from": "immediately", "on_resume": "continue_existing_billing_period"}
    assert shop.post(f"{path}/resume", body)["current_billing_period"] == subscription["current_billing_period"]
    assert len(shop.rows("/transactions", subscription_id=subscription["id"])) == 1


def test_a_trial_costs_nothing_and_becomes_active_when_paid(shop: Shop) -> None:
    bought = shop.purchase(None, shop.price(trial_period=TRIAL))
    assert bought["details"]["totals"]["grand_total"] == "0"
    subscription = shop.get("subscription", bought["subscription_id"])
    assert (subscription["status"], subscription["first_billed_at"]) == ("trialing", None)
    assert subscription["items"][0]["trial_dates"] == subscription["current_billing_period"]
    told = shop.during(lambda: shop.sandbox.advance(7 * DAY))
    assert told[:3] == ["subscription.updated", "transaction.created", "transaction.billed"]
    assert "subscription.activated" in told
    after = shop.now(subscription)
    assert (after["status"], after["items"][0]["status"]) == ("active", "active")
    assert after["next_billed_at"].startswith("2026-10-28")
    assert shop.latest(subscription)["details"]["totals"]["grand_total"] == "1100"


def test_a_trial_that_is_not_paid_is_past_due(shop: Shop) -> None:
    subscription = shop.subscription(None, shop.price(trial_period=TRIAL))
    shop.sandbox.payments.fail_next(subscription["customer_id"], times=1)
    shop.sandbox.advance(7 * DAY)
    assert shop.now(subscription)["status"] == "past_due"
    shop.sandbox.advance(DAY)
    assert shop.now(subscription)["status"] == "active"


def test_a_trial_can_be_ended_early(shop: Shop) -> None:
    subscription = shop.subscription(None, shop.price(trial_period=TRIAL))
    assert shop.post(f"/subscriptions/{subscription['id']}/activate")["status"] == "active"
    assert refusal(lambda: shop.post(f"/subscriptions/{subscription['id']}/activate")).status == 400


def test_management_urls_are_for_the_api_and_never_the_same(shop: Shop) -> None:
    subscription = shop.subscription()
    path = f"/subscriptions/{subscription['id']}"
    one, other = (shop.sandbox.call("GET", path)["data"]["management_urls"] for _ in range(2))
    assert one["cancel"] != other["cancel"]
    assert "management_urls" not in subscription
    assert all("management_urls" not in event["data"] for event in shop.sandbox.events)


def test_plain_fields_can_be_changed(shop: Shop) -> None:
    subscription = shop.subscription()
    address = shop.address(subscription["customer_id"])
    path = f"/subscriptions/{subscription['id']}"
    changed = shop.patch(path, {"custom_data": {"a": [1]}, "address_id": address})
    assert (changed["custom_data"], changed["address_id"]) == ({"a": [1]}, address)
    at = "2026-10-05T00:00:00Z"
    moved = shop.patch(path, {"next_billed_at": at, "proration_billing_mode": "do_not_bill"})
    assert moved["current_billing_period"]["ends_at"] == "2026-10-05T00:00:00.000000Z"
    shop.sandbox.advance(14 * DAY)
    assert shop.now(subscription)["next_billed_at"].startswith("2026-11-05")
    shop.patch(path, {"next_billed_at": "2026-12-24T00:00:00Z", "proration_billing_mode": "do_not_bill"})
    assert shop.during(lambda: shop.sandbox.advance(MONTH)) == []


def test_what_comes_next_can_be_included(shop: Shop) -> None:
    subscription = shop.subscription()
    asked = {"include": "next_transaction,recurring_transaction_details"}
    seen = shop.sandbox.call("GET", f"/subscriptions/{subscription['id']}", asked)["data"]
    assert seen["next_transaction"]["billing_period"]["starts_at"] == subscription["next_billed_at"]
    assert seen["recurring_transaction_details"]["totals"]["total"] == "1100"
