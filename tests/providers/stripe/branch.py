"""A Stripe account among several with the same ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from service.sandbox.edge import Edge
from service.sandbox.stripe import StripeSandbox


class StripeBranch:
    """See `tests.accounts.branch.Branch`."""

    settings: Mapping[str, str] = {}

    def __init__(self, number: int) -> None:
        self.key = f"sk_test_branch{number}"
        self._sandbox = StripeSandbox(seed=3, api_key=self.key, account_id=f"acct_branch{number}")
        self._number = number

    @property
    def app(self) -> Edge:
        """The API."""
        return self._sandbox.app

    def trade(self) -> None:
        """Two customers with subscriptions."""
        for at in range(2):
            customer = self._call("/v1/customers", email=f"buyer{at}@branch{self._number}.example")
            product = {"product_data": {"name": f"Pro of {self._number}"}, "recurring": {"interval": "month"}}
            price = self._call("/v1/prices", currency="usd", unit_amount=1_000 + self._number, **product)
            self._call("/v1/subscriptions", customer=customer["id"], items=[{"price": price["id"]}])

    def bodies(self) -> list[bytes]:
        """The event of each change."""
        return [msgspec.json.encode(each) for each in self._sandbox.events]

    def change(self) -> None:
        """Some of the first payment goes back."""
        charge = next(iter(self._sandbox.objects("charge")))
        self._call("/v1/refunds", charge=charge, amount=100 + self._number)

    def lose(self) -> None:
        """The last customer is unknown from now on."""
        self._sandbox._world.tables["customer"].remove(list(self._sandbox.objects("customer"))[-1])

    def later(self, seconds: int) -> None:
        """Time passes."""
        self._sandbox.advance(seconds)

    def now(self) -> datetime:
        """The branch's time, and a second."""
        return datetime.fromtimestamp(self._sandbox.clock.now(), UTC) + timedelta(seconds=1)

    def _call(self, path: str, **params: Any) -> Any:
        return self._sandbox.call("POST", path, params)


def open_branch(number: int) -> StripeBranch:
    """The account of this number."""
    return StripeBranch(number)
