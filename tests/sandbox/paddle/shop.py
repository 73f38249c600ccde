"""A small shop at the stand-in, so that a test states only what it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from service.sandbox.paddle import PaddleSandbox, SandboxError

Json = dict[str, Any]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
MONTH = 31 * DAY
"""No month is longer, so a monthly subscription has turned once when it is over."""
MONTHLY: Json = {"interval": "month", "frequency": 1}
TERMS: Json = {"payment_terms": {"interval": "day", "frequency": 14}, "enable_checkout": False}


class Shop:
    """Customers, prices and subscriptions, made in-process."""

    def __init__(self, sandbox: PaddleSandbox) -> None:
        self.sandbox = sandbox
        self._customers = 0

    def post(self, path: str, body: Json | None = None) -> Json:
        """What a POST answers, without `meta`."""
        found: Json = self.sandbox.call("POST", path, body)["data"]
        return found

    def patch(self, path: str, body: Json) -> Json:
        """What a PATCH answers, without `meta`."""
        found: Json = self.sandbox.call("PATCH", path, body)["data"]
        return found

    def rows(self, path: str, **query: Any) -> list[Json]:
        """The first page of a list."""
        rows: list[Json] = self.sandbox.call("GET", path, query)["data"]
        return rows

    def customer(self, **fields: Any) -> str:
        """A new customer's id."""
        self._customers += 1
        return str(self.post("/customers", {"email": f"ada{self._customers}@example.com"} | fields)["id"])

    def address(self, customer: str) -> str:
        """A new address's id."""
        return str(self.post(f"/customers/{customer}/addresses", {"country_code": "US"})["id"])

    def product(self) -> str:
        """A new product's id."""
        return str(self.post("/products", {"name": "Pro", "tax_category": "saas"})["id"])

    def price(self, amount: int = 1_000, *, currency: str = "USD", **fields: Any) -> str:
        """A new price's id, monthly unless said otherwise."""
        money = {"amount": str(amount), "currency_code": currency}
        wanted = {"description": "Pro", "product_id": self.product(), "unit_price": money, "billing_cycle": MONTHLY}
        return str(self.post("/prices", wanted | fields)["id"])

    def transaction(self, customer: str | None = None, price: str | None = None, **fields: Any) -> Json:
        """A transaction that is ready to be paid."""
        customer = customer or self.customer()
        items = [{"price_id": price or self.price(), "quantity": 1}]
        wanted = {"items": items, "customer_id": customer, "address_id": self.address(customer)}
        return self.post("/transactions", wanted | fields)

    def purchase(self, customer: str | None = None, price: str | None = None, **fields: Any) -> Json:
        """A transaction that was paid."""
        return self.sandbox.complete_checkout(self.transaction(customer, price, **fields)["id"])

    def subscription(self, customer: str | None = None, price: str | None = None, **fields: Any) -> Json:
        """A subscription whose first period is paid."""
        bought = self.purchase(customer, price, **fields)
        return self.get("subscription", bought["subscription_id"])

    def invoice(self, **fields: Any) -> Json:
        """An invoice that was issued."""
        wanted = {"collection_mode": "manual", "billing_details": TERMS} | fields
        draft = self.transaction(**wanted)
        return self.patch(f"/transactions/{draft['id']}", {"status": "billed"})

    def refund(self, transaction: Json, **fields: Any) -> Json:
        """A refund of all that is left."""
        wanted = {"action": "refund", "type": "full", "reason": "error", "transaction_id": transaction["id"]}
        return self.post("/adjustments", wanted | fields)

    def get(self, resource: str, object_id: str) -> Json:
        """An object as it is now."""
        return self.sandbox.objects(resource)[object_id]

    def now(self, thing: Json) -> Json:
        """A transaction or subscription read anew."""
        return self.get("transaction" if thing["id"].startswith("txn_") else "subscription", thing["id"])

    def latest(self, subscription: Json) -> Json:
        """The newest transaction of a subscription."""
        return self.rows("/transactions", subscription_id=subscription["id"])[0]

    def during(self, act: Callable[[], object]) -> list[str]:
        """Types of the events that `act` causes, in order."""
        before = len(self.sandbox.events)
        act()
        return [event["event_type"] for event in self.sandbox.events[before:]]

    def last(self, kind: str) -> Json:
        """The newest event of a type."""
        return next(event for event in reversed(self.sandbox.events) if event["event_type"] == kind)


def refusal(act: Callable[[], object]) -> SandboxError:
    """The error that a request must end in."""
    with pytest.raises(SandboxError) as caught:
        act()
    return caught.value


def code_of(error: SandboxError) -> str:
    """The error's code."""
    return str(error.body["error"]["code"])


def fields_of(error: SandboxError) -> set[str]:
    """The fields that the error names."""
    return {each["field"] for each in error.body["error"].get("errors", [])}
