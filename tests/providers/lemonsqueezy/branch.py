"""A Lemon Squeezy account among several: its ids count from 1, so all have the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from service.sandbox.edge import Edge
from service.sandbox.lemonsqueezy import LemonSqueezySandbox


class LemonSqueezyBranch:
    """See `tests.accounts.branch.Branch`. Its user has an id of its own: by that the reader tells accounts."""

    settings: Mapping[str, str] = {}

    def __init__(self, number: int) -> None:
        self.key = f"key-of-branch-{number}"
        self._sandbox = LemonSqueezySandbox(seed=3, api_key=self.key, rate_limit=None)
        next(iter(self._sandbox._world.tables["users"])).id = 70 + number
        self._sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "not-sent")
        self._number = number

    @property
    def app(self) -> Edge:
        """The API."""
        return self._sandbox.app

    def trade(self) -> None:
        """Two buyers with subscriptions."""
        product = self._sandbox.add_product(f"Pro of {self._number}")
        monthly = self._sandbox.add_variant(product, unit_price=1_000 + self._number)
        for at in range(2):
            self._sandbox.buy(monthly, f"buyer{at}@branch{self._number}.example", f"Buyer of {self._number}")

    def bodies(self) -> list[bytes]:
        """The event of each change."""
        return [each.body for each in self._sandbox.deliveries.pending()]

    def change(self) -> None:
        """Some of the first payment goes back."""
        order = next(iter(self._sandbox.objects("orders")))
        data = {"type": "orders", "id": order, "attributes": {"amount": 100 + self._number}}
        self._sandbox.call("POST", f"/v1/orders/{order}/refund", {"data": data})

    def lose(self) -> None:
        """The last customer is unknown from now on."""
        self._sandbox._world.tables["customers"].remove(int(list(self._sandbox.objects("customers"))[-1]))

    def later(self, seconds: int) -> None:
        """Time passes."""
        self._sandbox.advance(seconds)

    def now(self) -> datetime:
        """The branch's time, and a second."""
        return datetime.fromtimestamp(self._sandbox.clock.now(), UTC) + timedelta(seconds=1)


def open_branch(number: int) -> LemonSqueezyBranch:
    """The account of this number."""
    return LemonSqueezyBranch(number)
