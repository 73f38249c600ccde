"""A Paddle seller among several with the same ids, its first product apart: by that the reader tells sellers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from service.sandbox.edge import Edge
from service.sandbox.paddle import PaddleSandbox
from service.sandbox.paddle.ulids import Ulids


class PaddleBranch:
    """See `tests.accounts.branch.Branch`."""

    settings: Mapping[str, str] = {}

    def __init__(self, number: int) -> None:
        self.key = f"pdl_sdbx_apikey_branch{number}"
        self._sandbox = PaddleSandbox(seed=100 + number, api_key=self.key)
        self._number = number

    @property
    def app(self) -> Edge:
        """The API."""
        return self._sandbox.app

    def trade(self) -> None:
        """Two buyers with subscriptions."""
        product = self._call("/products", name=f"Pro of {self._number}", tax_category="saas")
        self._sandbox.advance(60)
        self._sandbox._world.ids = Ulids(3)
        price = self._call(
            "/prices", product_id=product["id"], description="Pro", billing_cycle={"interval": "month", "frequency": 1},
            unit_price={"amount": str(1_000 + self._number), "currency_code": "USD"},
        )  # fmt: skip
        for at in range(2):
            draft = self._sandbox.open_checkout(price["id"], quantity=1)
            self._sandbox.complete_checkout(draft["id"], email=f"buyer{at}@branch{self._number}.example")

    def bodies(self) -> list[bytes]:
        """The event of each change with ids that all branches share."""
        shared = [each for each in self._sandbox.events if not each["event_type"].startswith("product.")]
        return [msgspec.json.encode(each) for each in shared]

    def change(self) -> None:
        """Some of the first payment goes back."""
        transaction = next(iter(self._sandbox.objects("transaction").values()))
        line = {
            "item_id": transaction["details"]["line_items"][0]["id"],
            "type": "partial",
            "amount": str(100 + self._number),
        }
        made = self._call(
            "/adjustments",
            action="refund",
            type="partial",
            transaction_id=transaction["id"],
            reason="asked",
            items=[line],
        )
        self._sandbox.settle_adjustment(made["id"])

    def lose(self) -> None:
        """The last buyer is unknown from now on."""
        self._sandbox._world.tables["customer"].remove(list(self._sandbox.objects("customer"))[-1])

    def later(self, seconds: int) -> None:
        """Time passes."""
        self._sandbox.advance(seconds)

    def now(self) -> datetime:
        """The branch's time, and a second."""
        return datetime.fromtimestamp(self._sandbox.clock.now(), UTC) + timedelta(seconds=1)

    def _call(self, path: str, **sent: Any) -> Any:
        return self._sandbox.call("POST", path, sent)["data"]


def open_branch(number: int) -> PaddleBranch:
    """The seller of this number."""
    return PaddleBranch(number)
