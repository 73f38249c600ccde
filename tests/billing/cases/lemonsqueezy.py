"""The shop at the Lemon Squeezy stand-in."""

from __future__ import annotations

from typing import Final

from service.provider import Connection
from service.providers.lemonsqueezy.billing import LemonSqueezyWriter
from service.providers.lemonsqueezy.client import LemonSqueezyReader
from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from tests.billing.cases.base import Case, Json


class LemonSqueezyCase:
    """`tests.billing.cases.base.Case` for Lemon Squeezy."""

    name = "lemonsqueezy"
    keyed = False
    checkout = True

    def __init__(self) -> None:
        self.sandbox = LemonSqueezySandbox(seed=7)
        self.sandbox.register_endpoint("http://127.0.0.1:9/webhooks", "secret_of_ours")

    def plans(self) -> dict[str, str]:
        """Two monthly variants of one product, in USD."""
        product = self.sandbox.add_product()
        wanted = (("pro", 1_900), ("team", 9_900))
        return {plan: self.sandbox.add_variant(product, plan, unit_price=amount) for plan, amount in wanted}

    def writer(self, connection: Connection) -> LemonSqueezyWriter:
        """Reads are retried at once."""
        return LemonSqueezyWriter(connection, sleep=lambda _seconds: None)

    def reader(self, connection: Connection) -> LemonSqueezyReader:
        """Reads are retried at once."""
        return LemonSqueezyReader(connection, sleep=lambda _seconds: None)

    def can_pay(self, customer_id: str) -> None:
        """Nothing: the checkout asks for it."""

    def check_out(self, url: str, object_id: str | None) -> None:
        """The buyer pays at the checkout."""
        assert object_id is not None
        assert object_id in url
        self.sandbox.complete_checkout(object_id, name="Ada")

    def customers(self, user_id: str) -> list[str]:
        """Those with the user's address: customers carry no custom data."""
        address = "ada@example.com" if user_id == "42" else f"{user_id}@example.com"
        found = self.sandbox.objects("customers").items()
        return [key for key, each in found if each["attributes"]["email"] == address]

    def subscriptions(self, customer_id: str) -> list[str]:
        """All of the customer's."""
        return [each["id"] for each in self._of("subscriptions", customer_id)]

    def charges(self, customer_id: str) -> list[str]:
        """Paid invoices of subscriptions; the order is their receipt."""
        found = self._of("subscription-invoices", customer_id)
        return [each["id"] for each in found if each["attributes"]["status"] == "paid"]

    def started(self, customer_id: str) -> int:
        """Checkouts opened for the customer's address."""
        address = self.sandbox.objects("customers")[customer_id]["attributes"]["email"]
        found = self.sandbox.objects("checkouts").values()
        return len([each for each in found if each["attributes"]["checkout_data"]["email"] == address])

    def refunds(self, payment_id: str) -> list[int]:
        """The running amount, as one refund."""
        kind, _, key = payment_id.partition(":")
        amount = self.sandbox.objects(kind)[key]["attributes"]["refunded_amount"]
        return [amount] if amount else []

    def rename(self, customer_id: str, name: str) -> None:
        """By the API."""
        data = {"type": "customers", "id": customer_id, "attributes": {"name": name}}
        self.sandbox.call("PATCH", f"/v1/customers/{customer_id}", {"data": data})

    def fail_next(self, customer_id: str) -> None:
        """Once."""
        self.sandbox.payments.fail_next(customer_id)

    def _of(self, resource: str, customer_id: str) -> list[Json]:
        found = self.sandbox.objects(resource).values()
        return [each for each in found if str(each["attributes"]["customer_id"]) == customer_id]


CASE: Final[type[Case]] = LemonSqueezyCase
