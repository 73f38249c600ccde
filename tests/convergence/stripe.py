"""A small business at Stripe: each step is one thing that a merchant or a buyer does, drawn by hypothesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from service.model import Snapshot
from service.sandbox.stripe import SandboxError, StripeSandbox
from tests.convergence.business import DAY, NOWHERE, SECRET, Business, Json, Money, Steps, summed


class StripeBusiness(Business):
    """An account with a product of two prices, and one customer."""

    provider = "stripe"
    API_KEY: ClassVar[str] = "sk_test_sandbox"
    refusals = (SandboxError,)

    def __init__(self) -> None:
        self.sandbox = StripeSandbox(seed=1)
        self.sandbox.register_endpoint(NOWHERE, SECRET)
        product = self.call("POST", "/v1/products", {"name": "Model server"})
        self.prices = [
            self.call("POST", "/v1/prices", {
                "product": product["id"], "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"},
            })["id"]
            for amount in (1900, 9900)
        ]  # fmt: skip
        self.customers = [self.call("POST", "/v1/customers", {"email": "ada@example.com"})["id"]]

    @property
    def standin(self) -> StripeSandbox:
        """The provider."""
        return self.sandbox

    def untold(self) -> Callable[[Snapshot], bool]:
        """Stripe announces an invoice payment when it is paid, not when it opens or is cancelled."""
        return lambda each: each.source == "invoice_payment" and each.content()["status"] != "succeeded"

    def money(self) -> Money:
        """What was captured, and the refunds that succeeded."""
        moved: Counter[tuple[str, str]] = Counter()
        for charge in self.sandbox.objects("charge").values():
            if charge["status"] == "succeeded":
                moved[charge["currency"].upper(), "in"] += charge["amount_captured"]
        for refund in self.sandbox.objects("refund").values():
            if refund["status"] == "succeeded":
                moved[refund["currency"].upper(), "back"] += refund["amount"]
        return summed(moved)

    def happened(self) -> int:
        """An event keeps its id."""
        return len({each["id"] for each in self.sandbox.events})

    def call(self, method: str, path: str, params: Json | None = None) -> Json:
        """One API call."""
        return self.sandbox.call(method, path, params)

    def some(self, resource: str, pick: int) -> Json:
        """One of the objects, or a refusal where there is none."""
        found = list(self.sandbox.objects(resource).values())
        if not found:
            raise SandboxError(404, {})
        chosen: Json = found[pick % len(found)]
        return chosen

    def _customer(self, pick: int) -> None:
        self.customers.append(self.call("POST", "/v1/customers", {"email": f"user{pick}@example.com"})["id"])

    def _rename(self, pick: int) -> None:
        """A to B, and back to A within the same second where `pick` says so."""
        path = f"/v1/customers/{self.customers[pick % len(self.customers)]}"
        before = self.call("GET", path).get("email", "gone@example.com")
        self.call("POST", path, {"email": f"other{pick}@example.com"})
        if pick % 2:
            self.call("POST", path, {"email": before})

    def _subscribe(self, pick: int) -> None:
        params: dict[str, Any] = {
            "customer": self.customers[pick % len(self.customers)],
            "items": [{"price": self.prices[pick % 2], "quantity": 1 + pick % 3}],
            "payment_behavior": "allow_incomplete",
        }
        if pick % 5 == 0:
            params["trial_period_days"] = 7
        self.call("POST", "/v1/subscriptions", params)

    def _fail(self, pick: int) -> None:
        self.sandbox.payments.fail_next(self.customers[pick % len(self.customers)], times=1 + pick % 3)

    def _cancel_later(self, pick: int) -> None:
        """Scheduled, and taken back within the same second where `pick` says so."""
        path = f"/v1/subscriptions/{self.some('subscription', pick)['id']}"
        self.call("POST", path, {"cancel_at_period_end": True})
        if pick % 2:
            self.call("POST", path, {"cancel_at_period_end": False})

    def _quantity(self, pick: int) -> None:
        subscription = self.some("subscription", pick)
        item = subscription["items"]["data"][0]["id"]
        self.call(
            "POST", f"/v1/subscriptions/{subscription['id']}", {"items": [{"id": item, "quantity": 1 + pick % 7}]}
        )

    def _refund(self, pick: int) -> None:
        """Succeeded, or pending first; failed within a second after it succeeded where `pick` says so."""
        charge = self.some("charge", pick)
        self.sandbox.next_refunds("pending" if pick % 2 else "succeeded")
        refund = self.call("POST", "/v1/refunds", {"charge": charge["id"], "amount": 100 + pick})
        if pick % 3:
            self.sandbox.settle_refund(refund["id"], status="succeeded")
        if pick % 3 == 2:
            self.sandbox.settle_refund(refund["id"], status="failed")

    def _dispute(self, pick: int) -> None:
        dispute = self.sandbox.open_dispute(self.some("charge", pick)["id"])
        if pick % 2:
            self.sandbox.close_dispute(dispute["id"], status="won" if pick % 4 == 1 else "lost")

    def _invoice(self, pick: int) -> None:
        customer = self.customers[pick % len(self.customers)]
        self.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": 500 + pick, "currency": "usd"})
        invoice = self.call(
            "POST", "/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"}
        )["id"]
        if pick % 4:
            self.call("POST", f"/v1/invoices/{invoice}/finalize", {})
            self.call("POST", f"/v1/invoices/{invoice}/{('pay', 'void', 'mark_uncollectible')[pick % 3]}", {})
        elif pick % 8:
            self.call("DELETE", f"/v1/invoices/{invoice}")

    def _cancel(self, pick: int) -> None:
        self.call("DELETE", f"/v1/subscriptions/{self.some('subscription', pick)['id']}")

    def _delete_customer(self, pick: int) -> None:
        self.call("DELETE", f"/v1/customers/{self.customers[pick % len(self.customers)]}")

    STEPS: ClassVar[Steps] = {
        "customer": _customer,
        "rename": _rename,
        "subscribe": _subscribe,
        "fail": _fail,
        "cancel_later": _cancel_later,
        "cancel": _cancel,
        "quantity": _quantity,
        "refund": _refund,
        "dispute": _dispute,
        "invoice": _invoice,
        "delete_customer": _delete_customer,
        "second": lambda self, pick: self.sandbox.advance(1 + pick % 2),
        "days": lambda self, pick: self.sandbox.advance((1 + pick % 4) * 8 * DAY),
    }
