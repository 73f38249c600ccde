"""How a customer's renewals end."""

from collections import Counter


class Payments:
    """The outcome of coming payments, by customer. Without a word from here every payment succeeds.

    A checkout that the buyer completes has been paid, so failures strike renewals, retries and prorated invoices only.
    """

    def __init__(self) -> None:
        self._failing: Counter[str] = Counter()

    def fail_next(self, customer_id: int | str, times: int = 1) -> None:
        """Let the customer's next payments fail, `times` of them."""
        self._failing[str(customer_id)] += times

    def succeed(self, customer_id: int | str) -> None:
        """Forget the failures that were still to come."""
        self._failing.pop(str(customer_id), None)

    def fails(self, customer_id: int) -> bool:
        """True if the payment being made now fails, which uses one failure up."""
        name = str(customer_id)
        if self._failing[name] <= 0:
            return False
        self._failing[name] -= 1
        return True
