"""Changes in mid-period: plans, quantities, days, and the usage of metered plans."""

import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from tests.sandbox.lemonsqueezy.shop import DAY, Shop, pointers, refusal

_HALF = 15 * DAY
"""Half of a period that begins on the 21st of September."""


def test_a_plan_change_waits_for_the_next_invoice(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price=1_000)["subscription"]
    sandbox.advance(_HALF)
    dearer = shop.variant(3_000)
    told = shop.during(lambda: shop.change("subscriptions", subscription, variant_id=int(dearer)))
    assert told == ["subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["variant_id"], now["first_subscription_item"]["price_id"]) == (2, 2)
    sandbox.advance(_HALF)
    assert [each["total"] for each in shop.invoices(subscription)] == [1_000, 4_000]


def test_an_immediate_plan_change_is_an_invoice_of_its_own(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price=1_000)["subscription"]
    sandbox.advance(_HALF)
    change = {"variant_id": int(shop.variant(3_000)), "invoice_immediately": True}
    told = shop.during(lambda: shop.change("subscriptions", subscription, **change))
    assert told == ["subscription_payment_success", "subscription_updated"]
    invoice = shop.invoices(subscription)[-1]
    assert (invoice["billing_reason"], invoice["total"], invoice["status"]) == ("updated", 1_000, "paid")
    sandbox.advance(_HALF)
    assert shop.invoices(subscription)[-1]["total"] == 3_000


def test_an_immediate_invoice_that_fails_is_pending_and_untold(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    sandbox.payments.fail_next(made["customer"])
    change = {"variant_id": int(shop.variant(3_000)), "invoice_immediately": True}
    told = shop.during(lambda: shop.change("subscriptions", made["subscription"], **change))
    assert told == ["subscription_updated"]
    assert shop.invoices(made["subscription"])[-1]["status"] == "pending"


def test_without_prorations_only_the_next_period_changes(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price=1_000)["subscription"]
    sandbox.advance(_HALF)
    change = {"variant_id": int(shop.variant(3_000)), "invoice_immediately": True, "disable_prorations": True}
    shop.change("subscriptions", subscription, **change)
    sandbox.advance(_HALF)
    assert [each["total"] for each in shop.invoices(subscription)] == [1_000, 3_000]


def test_a_credit_is_used_up_by_later_invoices(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price=3_000)["subscription"]
    sandbox.advance(_HALF)
    shop.change("subscriptions", subscription, variant_id=int(shop.variant(1_000)), invoice_immediately=True)
    sandbox.advance(_HALF + 31 * DAY)
    assert [each["total"] for each in shop.invoices(subscription)] == [3_000, 0, 1_000]


def test_another_interval_begins_a_period_now(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price=1_000)["subscription"]
    sandbox.advance(_HALF)
    yearly = int(shop.variant(12_000, interval="year"))
    told = shop.during(lambda: shop.change("subscriptions", subscription, variant_id=yearly))
    assert told == ["subscription_payment_success", "subscription_updated"]
    assert shop.invoices(subscription)[-1]["total"] == 12_000 - 500
    now = shop.get("subscriptions", subscription)
    assert (now["renews_at"][:10], now["billing_anchor"]) == ("2027-10-06", 6)


@pytest.mark.parametrize("wanted", [99, "once", "elsewhere"])
def test_a_variant_that_cannot_be_changed_to_is_refused(
    sandbox: LemonSqueezySandbox, shop: Shop, wanted: int | str
) -> None:
    subscription = shop.subscribe()["subscription"]
    choices = {
        "once": shop.variant(interval=None),
        "elsewhere": sandbox.add_variant(sandbox.add_product(store_id=sandbox.add_store("Other"))),
    }
    variant_id = int(choices.get(str(wanted), wanted))
    error = refusal(lambda: shop.change("subscriptions", subscription, variant_id=variant_id))
    assert pointers(error) == ["/data/attributes/variant_id"]


def test_a_quantity_moves_the_item_and_not_the_subscription(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    made = shop.subscribe(unit_price=1_000)
    before = shop.get("subscriptions", made["subscription"])["updated_at"]
    sandbox.advance(_HALF)
    told = shop.during(lambda: shop.change("subscription-items", "1", quantity=3))
    now = shop.get("subscriptions", made["subscription"])
    assert (told, now["updated_at"]) == (["subscription_updated"], before)
    assert now["first_subscription_item"]["quantity"] == 3
    assert now["first_subscription_item"]["updated_at"] > before
    sandbox.advance(_HALF)
    assert shop.invoices(made["subscription"])[-1]["total"] == 3_000 + 1_000
    assert shop.get("customers", made["customer"])["mrr"] == 3_000


def test_a_store_may_touch_the_subscription_as_well(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    sandbox.settings.items_touch_subscriptions = True
    subscription = shop.subscribe()["subscription"]
    sandbox.advance(60)
    shop.change("subscription-items", "1", quantity=3)
    now = shop.get("subscriptions", subscription)
    assert now["updated_at"] == now["first_subscription_item"]["updated_at"]


def test_another_day_of_the_month(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe()["subscription"]
    assert shop.change("subscriptions", subscription, billing_anchor=1)["attributes"]["billing_anchor"] == 1
    assert shop.get("subscriptions", subscription)["renews_at"][:10] == "2026-10-01"
    sandbox.advance(50 * DAY)
    assert [each["created_at"][:10] for each in shop.invoices(subscription)[1:]] == ["2026-10-01", "2026-11-01"]
    shop.change("subscriptions", subscription, billing_anchor=31)
    assert shop.get("subscriptions", subscription)["renews_at"][:10] == "2026-11-30"


def test_an_anchor_of_now_ends_a_trial(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(trial_days=30)["subscription"]
    sandbox.advance(DAY)
    told = shop.during(lambda: shop.change("subscriptions", subscription, billing_anchor=None))
    assert told == ["subscription_payment_success", "subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["renews_at"][:10]) == ("active", "2026-10-22")


def test_an_anchor_moves_a_trials_end(shop: Shop) -> None:
    subscription = shop.subscribe(trial_days=30)["subscription"]
    shop.change("subscriptions", subscription, billing_anchor=25)
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["trial_ends_at"][:10]) == ("on_trial", "2026-09-25")


def test_a_cancelled_subscription_is_not_changed(shop: Shop) -> None:
    subscription = shop.subscribe()["subscription"]
    shop.change("subscriptions", subscription, cancelled=True)
    other = int(shop.variant())
    for attributes in ({"variant_id": other}, {"billing_anchor": 3}):
        assert refusal(lambda sent=attributes: shop.change("subscriptions", subscription, **sent)).status == 422  # type: ignore[misc]
    assert refusal(lambda: shop.change("subscription-items", "1", quantity=3)).status == 422


def _report(shop: Shop, quantity: int, **more: str) -> dict[str, object]:
    return shop.create("usage-records", {"quantity": quantity, **more}, subscription_item=("subscription-items", "1"))


def test_usage_is_summed_and_billed_at_the_end_of_the_period(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(unit_price="0.5", usage="sum")["subscription"]
    assert shop.invoices(subscription)[0]["total"] == 0
    assert shop.get("subscription-items", 1)["quantity"] == 0
    _report(shop, 100)
    sandbox.advance(DAY)
    assert shop.during(lambda: _report(shop, 101)) == []
    meta = sandbox.call("GET", "/v1/subscription-items/1/current-usage")["meta"]
    assert (meta["quantity"], meta["interval_unit"], meta["period_end"][:10]) == (201, "month", "2026-10-21")
    sandbox.advance(30 * DAY)
    assert shop.invoices(subscription)[-1]["total"] == 101
    assert sandbox.call("GET", "/v1/subscription-items/1/current-usage")["meta"]["quantity"] == 0


@pytest.mark.parametrize(
    ("usage", "action", "counted"), [("last_during_period", "set", 0), ("last_ever", "set", 4), ("max", "set", 0)]
)
def test_an_aggregation_decides_what_a_new_period_begins_with(
    sandbox: LemonSqueezySandbox, shop: Shop, usage: str, action: str, counted: int
) -> None:
    shop.subscribe(unit_price="1", usage=usage)
    _report(shop, 9, action=action)
    _report(shop, 4, action=action)
    read = "/v1/subscription-items/1/current-usage"
    assert sandbox.call("GET", read)["meta"]["quantity"] == (9 if usage == "max" else 4)
    sandbox.advance(30 * DAY)
    assert sandbox.call("GET", read)["meta"]["quantity"] == counted


@pytest.mark.parametrize(("usage", "action"), [("sum", "set"), ("last_during_period", "increment")])
def test_an_action_must_fit_the_aggregation(shop: Shop, usage: str, action: str) -> None:
    shop.subscribe(unit_price="1", usage=usage)
    assert pointers(refusal(lambda: _report(shop, 1, action=action))) == ["/data/attributes/action"]


def test_the_same_report_twice_counts_twice(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe(unit_price="1", usage="sum")
    assert _report(shop, 5)["id"] != _report(shop, 5)["id"]
    assert sandbox.call("GET", "/v1/subscription-items/1/current-usage")["meta"]["quantity"] == 10


def test_what_is_not_metered_has_no_usage(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    shop.subscribe()
    assert refusal(lambda: _report(shop, 1)).status == 422
    assert refusal(lambda: sandbox.call("GET", "/v1/subscription-items/1/current-usage")).status == 422
    shop.sandbox.buy(shop.variant("1", usage="sum"))
    assert refusal(lambda: shop.change("subscription-items", "2", quantity=2)).status == 422


def test_several_kinds_of_change_at_once_are_refused_and_change_nothing(
    sandbox: LemonSqueezySandbox, shop: Shop
) -> None:
    subscription = shop.subscribe(unit_price=1_000)["subscription"]
    before = sandbox.objects("subscriptions")
    both = {"cancelled": True, "variant_id": int(shop.variant(3_000))}
    error = refusal(lambda: shop.change("subscriptions", subscription, **both))
    assert pointers(error) == ["/data/attributes/cancelled", "/data/attributes/variant_id"]
    assert sandbox.objects("subscriptions") == before
