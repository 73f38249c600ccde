"""The rows of PROVIDERS.md 4.1 and 4.2 that concern Lemon Squeezy, each by its name."""

import pytest

from service.providers.lemonsqueezy import provider, statuses
from tests.providers.lemonsqueezy.given import CREATED, LATER, RENEWS, Json, changed, names, rows, told


def subscription(name: str) -> Json:
    """The subscription of a fixture."""
    return told(rows(name)["subscription"])


def invoice_status(name: str, status: str) -> str:
    """The neutral status of the invoice of a fixture whose object has this status."""
    return str(told(rows(changed(name, status=status))["invoice"])["status"])


def payment_status(name: str, status: str) -> str:
    """The neutral status of the payment of a fixture whose object has this status."""
    return str(told(rows(changed(name, status=status))["payment"])["status"])


ORDER, INVOICE = "order_created__paid", "subscription_payment_success__renewal"


# 4.1, the three names


@pytest.mark.parametrize("name", [INVOICE, ORDER])
def test_payment_succeeded(name: str) -> None:
    payment = told(rows(name)["payment"])
    assert (payment["status"], payment["amount_paid"]) == ("succeeded", payment["amount"])


def test_subscription_cancelled_scheduled() -> None:
    found = subscription("subscription_cancelled__runs_until_ends_at")
    assert (found["status"], found["provider_status"], found["cancels_at"]) == ("active", "cancelled", RENEWS)
    assert found["ended_at"] is None


def test_subscription_cancelled_over() -> None:
    found = subscription("subscription_expired__over")
    assert (found["status"], found["ended_at"], found["cancels_at"]) == ("ended", LATER, None)


def test_invoice_issued_is_first_seen_when_it_is_paid_or_fails() -> None:
    assert told(rows(INVOICE)["invoice"])["status"] == "paid"
    assert told(rows("subscription_payment_failed__stays_pending")["invoice"])["status"] == "open"


# 4.2, subscription


def test_subscription_incomplete_does_not_exist_here() -> None:
    """A subscription begins with its order's payment."""
    assert "incomplete" not in statuses.SUBSCRIPTION.values()


def test_subscription_expired_incomplete_does_not_exist_here() -> None:
    assert "expired_incomplete" not in statuses.SUBSCRIPTION.values()


def test_subscription_trialing() -> None:
    found = subscription("subscription_created__on_trial_without_item")
    assert (found["status"], found["trial_ends_at"], found["items"]) == ("trialing", RENEWS, [])


def test_subscription_active() -> None:
    found = subscription("subscription_created__active")
    assert (found["status"], found["cancels_at"], found["ended_at"]) == ("active", None, None)


def test_subscription_active_with_cancels_at_is_taken_back_by_resumed() -> None:
    found = subscription("subscription_resumed__active_again")
    assert (found["status"], found["cancels_at"]) == ("active", None)


def test_subscription_past_due() -> None:
    found = subscription("subscription_updated__past_due_until_next_attempt")
    assert (found["status"], found["current_period_end"]) == ("past_due", None)


def test_subscription_unpaid() -> None:
    assert subscription("subscription_updated__unpaid")["status"] == "unpaid"


@pytest.mark.parametrize(("mode", "served"), [("void", False), ("free", True)])
def test_subscription_paused(mode: str, served: bool) -> None:
    found = subscription(f"subscription_paused__{mode}")
    assert (found["status"], found["collection_paused"]) == ("paused", served)


def test_subscription_paused_is_taken_back_by_unpaused() -> None:
    found = subscription("subscription_unpaused__active_again")
    assert (found["status"], found["collection_paused"]) == ("active", False)


def test_subscription_ended() -> None:
    assert subscription("subscription_expired__over")["status"] == "ended"


# 4.2, invoice


def test_invoice_draft_does_not_exist_here() -> None:
    assert "draft" not in {*statuses.INVOICE.values(), *statuses.ORDER_INVOICE.values()}


def test_invoice_uncollectible_does_not_exist_here() -> None:
    assert "uncollectible" not in {*statuses.INVOICE.values(), *statuses.ORDER_INVOICE.values()}


@pytest.mark.parametrize("name", [ORDER, INVOICE])
def test_invoice_open(name: str) -> None:
    assert invoice_status(name, "pending") == "open"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (ORDER, "paid"),
        (ORDER, "refunded"),
        (ORDER, "partial_refund"),
        (INVOICE, "paid"),
        (INVOICE, "refunded"),
        (INVOICE, "partial_refunded"),
    ],
)
def test_invoice_paid_whatever_was_refunded(name: str, status: str) -> None:
    assert invoice_status(name, status) == "paid"


@pytest.mark.parametrize(("name", "status"), [(ORDER, "failed"), (INVOICE, "void")])
def test_invoice_void(name: str, status: str) -> None:
    assert invoice_status(name, status) == "void"


def test_invoice_of_a_fraudulent_order_is_flagged_as_unknown() -> None:
    found = told(rows("order_created__fraudulent")["invoice"])
    assert (found["status"], found["provider_status"]) == ("unknown", "fraudulent")


# 4.2, payment


def test_payment_requires_action_does_not_exist_here() -> None:
    assert "requires_action" not in {*statuses.INVOICE_PAYMENT.values(), *statuses.ORDER_PAYMENT.values()}


def test_payment_authorized_does_not_exist_here() -> None:
    assert "authorized" not in {*statuses.INVOICE_PAYMENT.values(), *statuses.ORDER_PAYMENT.values()}
    assert payment_status(ORDER, "authorized") == payment_status(INVOICE, "authorized") == "unknown"


@pytest.mark.parametrize("name", [ORDER, INVOICE])
def test_payment_pending(name: str) -> None:
    assert payment_status(name, "pending") == "pending"


@pytest.mark.parametrize(
    ("name", "status"), [(ORDER, "paid"), (ORDER, "partial_refund"), (INVOICE, "paid"), (INVOICE, "partial_refunded")]
)
def test_payment_of_status_succeeded(name: str, status: str) -> None:
    assert payment_status(name, status) == "succeeded"


def test_payment_failed_by_the_orders_own_status() -> None:
    assert payment_status(ORDER, "failed") == "failed"


def test_payment_failed_by_subscription_payment_failed() -> None:
    found = rows("subscription_payment_failed__stays_pending")
    assert told(found["payment"])["status"] == "pending"
    assert told(found["attempt"])["status"] == "failed"
    assert found["attempt"].key == "payment-failures:5"
    assert found["attempt"].id == found["payment"].id == "subscription-invoices:5"
    same = ("customer_id", "invoice_id", "currency", "amount", "user_id", "created_at")
    assert [told(found["attempt"])[name] for name in same] == [told(found["payment"])[name] for name in same]


def test_payment_canceled() -> None:
    assert payment_status(INVOICE, "void") == "canceled"


# 4.2, refund


def _refunds() -> set[str]:
    """The statuses of all refunds that any fixture makes."""
    found = (rows(name).get("refund") for name in names() if name.partition("__")[0].endswith("refunded"))
    return {str(told(each)["status"]) for each in found if each is not None}


def test_refund_pending_does_not_exist_here() -> None:
    """There is no object of a refund, only an amount that has grown: what it tells has happened."""
    assert _refunds() == {"succeeded"}


def test_refund_failed_does_not_exist_here() -> None:
    assert "failed" not in _refunds()


def test_refund_canceled_does_not_exist_here() -> None:
    assert "canceled" not in _refunds()


def test_refund_reversed_does_not_exist_here() -> None:
    assert "reversed" not in _refunds()


@pytest.mark.parametrize(
    ("name", "row", "amount"),
    [
        ("order_refunded__partly", "orders:9", 400),
        ("order_refunded__whole", "orders:9", 999),
        ("subscription_payment_refunded__partly", "subscription-invoices:5", 400),
        ("subscription_payment_refunded__whole", "subscription-invoices:5", 999),
    ],
)
def test_refund_succeeded_with_the_running_amount(name: str, row: str, amount: int) -> None:
    refund = rows(name)["refund"]
    assert refund.id == row
    assert told(refund) | {"provider_status": None} == {
        "payment_id": row,
        "charge_id": None,
        "customer_id": "3",
        "status": "succeeded",
        "provider_status": None,
        "currency": "USD",
        "amount": amount,
        "reason": None,
        "failure_reason": None,
        "created_at": LATER,
    }


@pytest.mark.parametrize("name", [ORDER, INVOICE])
def test_there_is_no_refund_before_money_went_back(name: str) -> None:
    assert "refund" not in rows(name)


# 4.2, whatever it is


@pytest.mark.parametrize("word", ["warning", "needs_response", "under_review", "won", "lost", "closed"])
def test_dispute_of_any_status_does_not_exist_here(word: str) -> None:
    """The merchant of record settles them; an order may be marked fraudulent."""
    kinds = {kind for each in provider.listings for kind in (each.kind, *each.feeds)}
    assert "dispute" not in kinds, word


@pytest.mark.parametrize("kind", ["invoice", "payment"])
@pytest.mark.parametrize("name", [ORDER, INVOICE])
def test_unknown_status_is_unknown_with_the_providers_word_kept(name: str, kind: str) -> None:
    found = told(rows(changed(name, status="invented"))[kind])
    assert (found["status"], found["provider_status"]) == ("unknown", "invented")


def test_unknown_status_of_a_subscription_is_unknown() -> None:
    found = subscription("subscription_updated__status_of_tomorrow")
    assert (found["status"], found["provider_status"]) == ("unknown", "hibernating")


def test_trap_7_an_order_and_the_first_invoice_of_its_subscription_are_linked_by_the_subscription() -> None:
    begun_by = subscription("subscription_created__active")["begun_by"]
    assert begun_by == rows(ORDER)["invoice"].id == rows(ORDER)["payment"].id == "orders:9"
    assert told(rows("subscription_payment_success__initial")["payment"])["created_at"] == CREATED
