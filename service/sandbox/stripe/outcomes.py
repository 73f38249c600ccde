"""How a customer's payments end, as Stripe's test cards decide it."""

from collections import defaultdict, deque
from typing import Any

TEST_METHODS = {
    "pm_card_chargeCustomerFail": "card_declined",
    "pm_card_chargeDeclined": "card_declined",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
    "pm_card_chargeDeclinedProcessingError": "processing_error",
    "pm_card_authenticationRequired": "authentication_required",
}
"""Stripe's test payment methods that fail, and the code they fail with."""


class Payments:
    """The outcome of coming payments, by customer. Without a word from here every payment succeeds."""

    def __init__(self) -> None:
        self._coming: defaultdict[str, deque[str]] = defaultdict(deque)
        self._without: set[str] = set()

    def fail_next(self, customer_id: str, times: int = 1, code: str = "card_declined") -> None:
        """Let the customer's next payments fail with `code`, `times` of them."""
        self._coming[customer_id].extend([code] * times)

    def succeed(self, customer_id: str) -> None:
        """Forget the failures that were still to come."""
        self._coming.pop(customer_id, None)

    def remove_method(self, customer_id: str) -> None:
        """The customer has no payment method from now on."""
        self._without.add(customer_id)

    def attach_method(self, customer_id: str) -> None:
        """The customer has a payment method again."""
        self._without.discard(customer_id)

    def has_method(self, customer_id: str) -> bool:
        """True unless the payment method was removed."""
        return customer_id not in self._without

    def next_failure(self, customer: dict[str, Any] | None, method: str | None = None) -> str | None:
        """The code with which the payment being made now fails, or None if it succeeds; uses one up."""
        if customer is None:
            return TEST_METHODS.get(method or "")
        coming = self._coming.get(customer["id"])
        if coming:
            return coming.popleft()
        default = customer["invoice_settings"]["default_payment_method"]
        return TEST_METHODS.get(method or default or "")
