"""The statuses of Paddle's transactions and attempts in neutral words: PROVIDERS.md 4.2."""

import pytest

from tests.providers.paddle.given import attempt, rows


@pytest.mark.parametrize(
    ("status", "neutral"),
    [
        ("draft", "draft"),
        ("ready", "draft"),
        ("billed", "open"),
        ("past_due", "open"),
        ("paid", "paid"),
        ("completed", "paid"),
        ("canceled", "void"),
        ("escrowed", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_invoice_has_the_status_of_its_transaction(status: str | None, neutral: str) -> None:
    found = rows("transaction.completed__first_payment", status=status)["invoice"]
    assert (found["status"], found["provider_status"]) == (neutral, status)
    paid = neutral == "paid"
    assert (found["amount_paid"], found["amount_remaining"]) == ((3990, 0) if paid else (0, 3990))
    assert (found["paid_at"] is not None) == paid


@pytest.mark.parametrize(
    ("status", "neutral"),
    [
        ("draft", "pending"),
        ("ready", "pending"),
        ("billed", "pending"),
        ("past_due", "failed"),
        ("paid", "succeeded"),
        ("completed", "succeeded"),
        ("canceled", "canceled"),
        ("escrowed", "unknown"),
    ],
)
def test_a_payment_has_the_status_of_its_transaction_where_that_tells(status: str, neutral: str) -> None:
    found = rows("transaction.completed__first_payment", status=status, payments=[attempt("created")])["payment"]
    assert (found["status"], found["provider_status"]) == (neutral, status)
    assert found["amount_paid"] == (3990 if neutral == "succeeded" else 0)


@pytest.mark.parametrize(
    ("status", "neutral"),
    [
        ("created", "pending"),
        ("pending_no_action_required", "pending"),
        ("action_required", "requires_action"),
        ("authorized", "authorized"),
        ("authorized_flagged", "authorized"),
        ("captured", "succeeded"),
        ("error", "failed"),
        ("canceled", "canceled"),
        ("unknown", "unknown"),
        ("teleported", "unknown"),
        (None, "unknown"),
    ],
)
@pytest.mark.parametrize("open_", ["draft", "ready", "billed"])
def test_an_open_transaction_leaves_its_payment_to_the_latest_attempt(
    open_: str, status: str | None, neutral: str
) -> None:
    earlier = attempt("error", created_at="2026-09-21T14:00:00Z", error_code="declined")
    for payments in ([attempt(status), earlier], [earlier, attempt(status)]):
        found = rows("transaction.completed__first_payment", status=open_, payments=payments)["payment"]
        assert (found["status"], found["failure_code"]) == (neutral, None)
