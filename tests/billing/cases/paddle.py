"""The shop at the Paddle stand-in."""

from __future__ import annotations

from typing import Final

from service.provider import Connection
from service.providers.paddle.billing import PaddleWriter
from service.providers.paddle.client import PaddleReader
from service.sandbox.paddle import PaddleSandbox
from tests.billing.cases.base import Case, Json


class PaddleCase:
    """`tests.billing.cases.base.Case` for Paddle."""

    name = "paddle"
    keyed = False
    checkout = True

    def __init__(self) -> None:
        self.sandbox = PaddleSandbox(seed=7)
        self.sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "secret_of_ours")

    def plans(self) -> dict[str, str]:
        """Two monthly prices in USD."""
        return {plan: self._price(plan, amount) for plan, amount in (("pro", 1_900), ("team", 9_900))}

    def writer(self, connection: Connection) -> PaddleWriter:
        """Reads are retried at once."""
        return PaddleWriter(connection, sleep=lambda _seconds: None)

    def reader(self, connection: Connection) -> PaddleReader:
        """Reads are retried at once."""
        return PaddleReader(connection, sleep=lambda _seconds: None)

    def can_pay(self, customer_id: str) -> None:
        """Nothing: the checkout asks for it."""

    def check_out(self, url: str, object_id: str | None) -> None:
        """The buyer pays at the checkout."""
        assert object_id is not None
        transaction = self.sandbox.objects("transaction")[object_id]
        assert transaction["checkout"]["url"] == url
        self.sandbox.complete_checkout(object_id, email="ada@example.com")

    def customers(self, user_id: str) -> list[str]:
        """Those whose custom data name the user."""
        found = self.sandbox.objects("customer").values()
        return [each["id"] for each in found if (each["custom_data"] or {}).get("user_id") == user_id]

    def subscriptions(self, customer_id: str) -> list[str]:
        """All of the customer's."""
        return [each["id"] for each in self._of("subscription", customer_id)]

    def charges(self, customer_id: str) -> list[str]:
        """Transactions that were paid."""
        return [each["id"] for each in self._of("transaction", customer_id) if each["status"] in ("paid", "completed")]

    def started(self, customer_id: str) -> int:
        """Transactions that would start a subscription, paid or not."""
        return len(self._of("transaction", customer_id))

    def refunds(self, payment_id: str) -> list[int]:
        """Refunds of the transaction."""
        found = self.sandbox.objects("adjustment").values()
        mine = [each for each in found if each["transaction_id"] == payment_id and each["action"] == "refund"]
        return [int(each["totals"]["total"]) for each in mine]

    def rename(self, customer_id: str, name: str) -> None:
        """By the API."""
        self.sandbox.call("PATCH", f"/customers/{customer_id}", {"name": name})

    def fail_next(self, customer_id: str) -> None:
        """Once."""
        self.sandbox.payments.fail_next(customer_id)

    def _price(self, plan: str, amount: int) -> str:
        product = self.sandbox.call("POST", "/products", {"name": plan, "tax_category": "saas"})["data"]["id"]
        price = {
            "product_id": product, "description": plan, "billing_cycle": {"interval": "month", "frequency": 1},
            "unit_price": {"amount": str(amount), "currency_code": "USD"},
        }  # fmt: skip
        return str(self.sandbox.call("POST", "/prices", price)["data"]["id"])

    def _of(self, resource: str, customer_id: str) -> list[Json]:
        return [each for each in self.sandbox.objects(resource).values() if each["customer_id"] == customer_id]


CASE: Final[type[Case]] = PaddleCase
