"""The rows of PROVIDERS.md 4.2 as Paddle tells them, each by its name; those of 4.1 are in test_mapping_money.py."""

import pytest

from service.providers.paddle import provider, statuses
from tests.providers.paddle.given import Json, attempt, data, event, only, rows, told

SUBSCRIPTION = "subscription.created__two_seats"
PAID, BILLED, RENEWAL = (
    "transaction.completed__first_payment",
    "transaction.billed__manual_invoice",
    "transaction.created__renewal",
)


def subscription(status: str, **changes: object) -> Json:
    """A subscription of this status."""
    obj = data(SUBSCRIPTION) | {"status": status} | changes
    return told(provider.map(event("subscription.updated", obj)).snapshots[0])


def invoice(name: str, status: str) -> object:
    """The neutral status of the invoice of a transaction of this status."""
    return rows(name, status=status)["invoice"]["status"]


def payment(name: str, status: str, tried: str | None = None) -> object:
    """The neutral status of the payment of a transaction of this status, whose latest attempt has that one."""
    more = {} if tried is None else {"payments": [attempt(tried)]}
    return rows(name, status=status, **more)["payment"]["status"]


def adjustment(action: str, status: str) -> object:
    """The neutral status of the row that an adjustment makes."""
    obj = data("adjustment.created__chargeback") | {"action": action, "status": status}
    return told(provider.map(event("adjustment.updated", obj)).snapshots[0])["status"]


# subscription


def test_subscription_incomplete_does_not_exist_here() -> None:
    """Before the first payment there is only a transaction."""
    assert "incomplete" not in statuses.SUBSCRIPTION.values()


def test_subscription_trialing() -> None:
    assert subscription("trialing")["status"] == "trialing"


def test_subscription_active() -> None:
    found = subscription("active")
    assert (found["status"], found["cancels_at"]) == ("active", None)


@pytest.mark.parametrize("status", ["active", "trialing", "past_due", "paused"])
def test_subscription_active_with_cancels_at_is_any_live_status_with_a_scheduled_cancellation(status: str) -> None:
    at = "2026-10-21T14:13:10.500000Z"
    change = {"action": "cancel", "effective_at": at, "resume_at": None}
    found = subscription(status, scheduled_change=change)
    assert (found["status"], found["cancels_at"]) == (status, at)


def test_subscription_past_due() -> None:
    assert subscription("past_due")["status"] == "past_due"


def test_subscription_unpaid_does_not_exist_here() -> None:
    assert "unpaid" not in statuses.SUBSCRIPTION.values()


def test_subscription_paused() -> None:
    assert subscription("paused")["status"] == "paused"


def test_subscription_ended() -> None:
    assert subscription("canceled")["status"] == "ended"


def test_subscription_expired_incomplete_does_not_exist_here() -> None:
    assert "expired_incomplete" not in statuses.SUBSCRIPTION.values()


# invoice


def test_invoice_draft() -> None:
    assert {invoice(RENEWAL, status) for status in ("draft", "ready")} == {"draft"}


def test_invoice_open() -> None:
    assert {invoice(BILLED, status) for status in ("billed", "past_due")} == {"open"}


def test_invoice_paid() -> None:
    assert {invoice(PAID, status) for status in ("paid", "completed")} == {"paid"}


def test_invoice_void() -> None:
    assert invoice(BILLED, "canceled") == "void"


def test_invoice_uncollectible_does_not_exist_here() -> None:
    assert "uncollectible" not in statuses.INVOICE.values()


# payment


def test_payment_pending() -> None:
    assert {payment(PAID, "ready", tried) for tried in ("created", "pending_no_action_required")} == {"pending"}


def test_payment_requires_action() -> None:
    assert payment(PAID, "ready", "action_required") == "requires_action"


def test_payment_authorized() -> None:
    assert {payment(PAID, "ready", tried) for tried in ("authorized", "authorized_flagged")} == {"authorized"}


def test_payment_of_status_succeeded() -> None:
    assert payment(PAID, "ready", "captured") == "succeeded"
    assert {payment(PAID, status) for status in ("paid", "completed")} == {"succeeded"}


def test_payment_failed() -> None:
    assert payment(PAID, "ready", "error") == "failed"
    assert payment(PAID, "past_due", "error") == "failed"


def test_payment_canceled() -> None:
    assert payment(PAID, "ready", "canceled") == "canceled"
    assert payment(PAID, "canceled") == "canceled"


# refund


def test_refund_pending() -> None:
    assert adjustment("refund", "pending_approval") == "pending"


def test_refund_succeeded() -> None:
    assert adjustment("refund", "approved") == "succeeded"


def test_refund_failed() -> None:
    assert adjustment("refund", "rejected") == "failed"


def test_refund_canceled_does_not_exist_here() -> None:
    assert "canceled" not in statuses.REFUND.values()


def test_refund_reversed() -> None:
    assert adjustment("refund", "reversed") == "reversed"


# dispute


def test_dispute_warning() -> None:
    assert adjustment("chargeback_warning", "approved") == "warning"


def _disputes() -> set[str]:
    """Every status that a dispute can have."""
    return {each for table in statuses.DISPUTE.values() for each in table.values()}


def test_dispute_needs_response_does_not_exist_here() -> None:
    """Paddle answers the bank itself."""
    assert "needs_response" not in _disputes()


def test_dispute_under_review_does_not_exist_here() -> None:
    assert "under_review" not in _disputes()
    assert only("adjustment.created__chargeback").kind == "dispute"
    assert adjustment("chargeback", "under_review") == "unknown"


def test_dispute_won() -> None:
    assert adjustment("chargeback_reverse", "approved") == "won"


def test_dispute_lost_as_soon_as_the_bank_has_taken_the_money() -> None:
    assert adjustment("chargeback", "approved") == "lost"


def test_dispute_closed() -> None:
    assert adjustment("chargeback_warning_reverse", "approved") == "closed"


# whatever it is


def test_unknown_value_is_unknown_with_the_providers_word_kept() -> None:
    found = [subscription("invented"), *rows(PAID, status="invented").values()]
    assert {(each["status"], each["provider_status"]) for each in found} == {("unknown", "invented")}
    assert adjustment("refund", "invented") == adjustment("chargeback", "invented") == "unknown"
