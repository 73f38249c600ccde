"""Subscriptions in time: renewals, failures, recoveries, cancellations, pauses."""

import pytest

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.lemonsqueezy.times import unix
from tests.sandbox.lemonsqueezy.shop import DAY, MONTH, YEAR, Shop, refusal

_RENEWED = ["subscription_payment_success", "subscription_updated"]
_FAILED = ["subscription_payment_failed", "subscription_updated"]
_RECOVERED = ["subscription_payment_success", "subscription_payment_recovered", "subscription_updated"]
_EXPIRED = ["subscription_expired", "subscription_updated"]


@pytest.fixture
def subscription(shop: Shop) -> str:
    """A running monthly subscription of 19 dollars, made on the 21st."""
    return str(shop.subscribe()["subscription"])


def _fails(sandbox: LemonSqueezySandbox, times: int) -> None:
    sandbox.payments.fail_next("1", times)
    sandbox.advance(30 * DAY)


def test_a_month_later_it_renews(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    assert shop.during(lambda: sandbox.advance(30 * DAY)) == _RENEWED
    first, second = shop.invoices(subscription)
    assert (second["billing_reason"], second["status"], second["total"]) == ("renewal", "paid", 1_900)
    assert shop.get("subscriptions", subscription)["renews_at"] == "2026-11-21T14:13:20.000000Z"
    assert first["created_at"] < second["created_at"]


def test_every_period_has_one_renewal_at_its_own_moment(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    yearly, monthly = shop.subscribe(interval="year")["subscription"], shop.subscribe()["subscription"]
    sandbox.advance(YEAR)
    assert (len(shop.invoices(yearly)), len(shop.invoices(monthly))) == (2, 13)
    days = [each["created_at"][8:19] for each in shop.invoices(monthly)]
    assert days == ["21T14:13:20"] * 13


def test_the_31st_comes_back_after_a_shorter_month() -> None:
    sandbox = LemonSqueezySandbox(now=unix("2027-01-31T10:00:00Z"))
    shop = Shop(sandbox)
    subscription = shop.subscribe()["subscription"]
    sandbox.advance(60 * DAY)
    days = [each["created_at"][:10] for each in shop.invoices(subscription)]
    assert days == ["2027-01-31", "2027-02-28", "2027-03-31"]


def test_a_failing_renewal_is_past_due_and_its_invoice_pending(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str
) -> None:
    assert shop.during(lambda: _fails(sandbox, 1)) == _FAILED
    now, invoice = shop.get("subscriptions", subscription), shop.invoices(subscription)[-1]
    assert (now["status"], invoice["status"]) == ("past_due", "pending")
    assert unix(now["renews_at"]) == sandbox.clock.now() + 3 * DAY
    shown = shop.data(sandbox.call("GET", "/v1/subscription-invoices/2"))["attributes"]
    assert shown["urls"] == {"invoice_url": None}


def test_a_retry_that_works_is_a_recovery_and_a_success(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str
) -> None:
    _fails(sandbox, 2)
    assert shop.during(lambda: sandbox.advance(7 * DAY)) == [*_FAILED, *_RECOVERED]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["renews_at"][:10]) == ("active", "2026-11-21")
    assert [each["status"] for each in shop.invoices(subscription)] == ["paid", "paid"]
    assert shop.during(lambda: sandbox.advance(31 * DAY)) == _RENEWED


def test_four_retries_in_two_weeks_and_then_unpaid(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    _fails(sandbox, 9)
    assert shop.during(lambda: sandbox.advance(14 * DAY)) == _FAILED * 4
    assert shop.get("subscriptions", subscription)["status"] == "unpaid"
    assert shop.during(lambda: sandbox.advance(14 * DAY)) == _EXPIRED
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["ends_at"]) == ("expired", now["updated_at"])
    assert shop.during(lambda: sandbox.advance(YEAR)) == []


def test_without_dunning_rules_it_stays_unpaid(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    sandbox.settings.dunning_days = None
    _fails(sandbox, 5)
    sandbox.advance(YEAR)
    assert shop.get("subscriptions", subscription)["status"] == "unpaid"


def test_an_unpaid_subscription_can_still_be_paid(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    _fails(sandbox, 5)
    sandbox.advance(20 * DAY)
    assert shop.during(lambda: sandbox.pay_open_invoice(subscription)) == _RECOVERED
    assert shop.get("subscriptions", subscription)["status"] == "active"
    assert "subscription_expired" not in shop.during(lambda: sandbox.advance(20 * DAY))
    with pytest.raises(ValueError):
        sandbox.pay_open_invoice(subscription)


def test_each_failed_attempt_moves_the_invoice(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    _fails(sandbox, 2)
    before = shop.invoices(subscription)[-1]["updated_at"]
    sandbox.advance(3 * DAY)
    assert before < shop.invoices(subscription)[-1]["updated_at"]


def test_a_cancelled_subscription_lives_until_its_end(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str
) -> None:
    path = f"/v1/subscriptions/{subscription}"
    told = shop.during(lambda: sandbox.call("DELETE", path))
    assert told == ["subscription_cancelled", "subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["cancelled"], now["ends_at"]) == ("cancelled", True, now["renews_at"])
    assert shop.during(lambda: sandbox.call("DELETE", path)) == []
    assert shop.during(lambda: sandbox.advance(30 * DAY - 1)) == []
    assert shop.during(lambda: sandbox.advance(1)) == _EXPIRED
    assert len(shop.invoices(subscription)) == 1
    assert refusal(lambda: sandbox.call("DELETE", path)).status == 422


def test_a_resumed_subscription_goes_on_as_before(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    sandbox.call("DELETE", f"/v1/subscriptions/{subscription}")
    told = shop.during(lambda: shop.change("subscriptions", subscription, cancelled=False))
    assert told == ["subscription_resumed", "subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["cancelled"], now["ends_at"]) == ("active", False, None)
    assert shop.during(lambda: sandbox.advance(30 * DAY)) == _RENEWED


def test_what_is_over_cannot_be_resumed(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    shop.change("subscriptions", subscription, cancelled=True)
    sandbox.advance(MONTH)
    assert refusal(lambda: shop.change("subscriptions", subscription, cancelled=False)).status == 422


def test_a_cancelled_trial_ends_with_the_trial(sandbox: LemonSqueezySandbox, shop: Shop) -> None:
    subscription = shop.subscribe(trial_days=7)["subscription"]
    shop.change("subscriptions", subscription, cancelled=True)
    assert shop.get("subscriptions", subscription)["trial_ends_at"] is None
    shop.change("subscriptions", subscription, cancelled=False)
    assert shop.get("subscriptions", subscription)["status"] == "on_trial"
    shop.change("subscriptions", subscription, cancelled=True)
    assert shop.during(lambda: sandbox.advance(7 * DAY)) == _EXPIRED


def test_a_cancellation_stops_the_retries_and_a_resumption_restores_them(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str
) -> None:
    _fails(sandbox, 1)
    shop.change("subscriptions", subscription, cancelled=True)
    shop.change("subscriptions", subscription, cancelled=False)
    assert shop.get("subscriptions", subscription)["status"] == "past_due"
    assert shop.during(lambda: sandbox.advance(3 * DAY)) == _RECOVERED


@pytest.mark.parametrize(("mode", "left"), [("void", ["paid", "void"]), ("free", ["paid"])])
def test_a_pause_lets_a_period_go_by_unpaid(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str, mode: str, left: list[str]
) -> None:
    told = shop.during(lambda: shop.change("subscriptions", subscription, pause={"mode": mode}))
    assert told == ["subscription_paused", "subscription_updated"]
    now = shop.get("subscriptions", subscription)
    assert (now["status"], now["pause"]) == ("paused", {"mode": mode, "resumes_at": None})
    assert shop.during(lambda: sandbox.advance(30 * DAY)) == ["subscription_updated"]
    assert [each["status"] for each in shop.invoices(subscription)] == left
    told = shop.during(lambda: shop.change("subscriptions", subscription, pause=None))
    assert told == ["subscription_unpaused", "subscription_updated"]
    assert shop.during(lambda: sandbox.advance(31 * DAY)) == _RENEWED


def test_a_pause_ends_by_itself(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    until = {"mode": "free", "resumes_at": "2026-09-30T00:00:00+02:00"}
    shop.change("subscriptions", subscription, pause=until)
    assert shop.get("subscriptions", subscription)["pause"]["resumes_at"] == "2026-09-29T22:00:00.000000Z"
    assert shop.during(lambda: sandbox.advance(9 * DAY)) == ["subscription_unpaused", "subscription_updated"]
    assert (shop.get("subscriptions", subscription)["pause"]) is None


def test_a_pause_that_ends_while_cancelled_is_not_resumed(
    sandbox: LemonSqueezySandbox, shop: Shop, subscription: str
) -> None:
    until = {"mode": "free", "resumes_at": "2026-09-30T00:00:00Z"}
    shop.change("subscriptions", subscription, pause=until)
    shop.change("subscriptions", subscription, cancelled=True)
    assert shop.during(lambda: sandbox.advance(10 * DAY)) == []
    shop.change("subscriptions", subscription, cancelled=False)
    assert shop.get("subscriptions", subscription)["status"] == "active"


def test_what_is_past_due_or_over_cannot_be_paused(sandbox: LemonSqueezySandbox, shop: Shop, subscription: str) -> None:
    _fails(sandbox, 1)
    assert refusal(lambda: shop.change("subscriptions", subscription, pause={"mode": "free"})).status == 422
    other = shop.subscribe()["subscription"]
    past = {"mode": "free", "resumes_at": "2026-09-01T00:00:00Z"}
    assert refusal(lambda: shop.change("subscriptions", other, pause=past)).status == 422
