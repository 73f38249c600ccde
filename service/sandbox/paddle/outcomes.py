"""How a customer's payments end."""

from collections import defaultdict, deque


class Payments:
    """The outcome of coming payments, by customer. Without a word from here every payment succeeds."""

    def __init__(self) -> None:
        self._coming: defaultdict[str, deque[str]] = defaultdict(deque)

    def fail_next(self, customer_id: str, times: int = 1, code: str = "declined") -> None:
        """Let the customer's next payments fail with `code` (Paddle's `error_code` of an attempt), `times` of them."""
        self._coming[customer_id].extend([code] * times)

    def succeed(self, customer_id: str) -> None:
        """Forget the failures that were still to come."""
        self._coming.pop(customer_id, None)

    def next_failure(self, customer_id: str) -> str | None:
        """The code with which the payment being made now fails, or None if it succeeds; uses one up."""
        coming = self._coming.get(customer_id)
        return coming.popleft() if coming else None

    def refuses_next(self, customer_id: str) -> bool:
        """True if the next payment would fail; if so, that failure is used up."""
        return self.next_failure(customer_id) is not None
