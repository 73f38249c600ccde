"""A small business at the stand-in: each step is one thing that a merchant or a buyer does, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from service.sandbox.stripe import SandboxError, StripeSandbox

Step = tuple[str, int]
DAY = 86_400


class Business:
    """Plays steps at a sandbox. A step that the provider refuses is a step that changes nothing."""

    def __init__(self, sandbox: StripeSandbox) -> None:
        self.sandbox = sandbox
        product = self.call("POST", "/v1/products", {"name": "Model server"})
        self.prices = [
            self.call("POST", "/v1/prices", {
                "product": product["id"], "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"},
            })["id"]
            for amount in (1900, 9900)
        ]  # fmt: skip
        self.customers = [self.call("POST", "/v1/customers", {"email": "ada@example.com"})["id"]]

    def play(self, steps: list[Step]) -> None:
        """Do these steps in order."""
        for name, pick in steps:
            try:
                STEPS[name](self, pick)
            except SandboxError:
                continue

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One API call."""
        return self.sandbox.call(method, path, params)

    def some(self, resource: str, pick: int) -> dict[str, Any]:
        """One of the objects, or a refusal where there is none."""
        found = list(self.sandbox.objects(resource).values())
        if not found:
            raise SandboxError(404, {})
        chosen: dict[str, Any] = found[pick % len(found)]
        return chosen


def _customer(b: Business, pick: int) -> None:
    b.customers.append(b.call("POST", "/v1/customers", {"email": f"user{pick}@example.com"})["id"])


def _rename(b: Business, pick: int) -> None:
    """A to B, and back to A within the same second where `pick` says so."""
    path = f"/v1/customers/{b.customers[pick % len(b.customers)]}"
    before = b.call("GET", path).get("email", "gone@example.com")
    b.call("POST", path, {"email": f"other{pick}@example.com"})
    if pick % 2:
        b.call("POST", path, {"email": before})


def _subscribe(b: Business, pick: int) -> None:
    params: dict[str, Any] = {
        "customer": b.customers[pick % len(b.customers)],
        "items": [{"price": b.prices[pick % 2], "quantity": 1 + pick % 3}],
        "payment_behavior": "allow_incomplete",
    }
    if pick % 5 == 0:
        params["trial_period_days"] = 7
    b.call("POST", "/v1/subscriptions", params)


def _fail(b: Business, pick: int) -> None:
    b.sandbox.payments.fail_next(b.customers[pick % len(b.customers)], times=1 + pick % 3)


def _cancel_later(b: Business, pick: int) -> None:
    """Scheduled, and taken back within the same second where `pick` says so."""
    path = f"/v1/subscriptions/{b.some('subscription', pick)['id']}"
    b.call("POST", path, {"cancel_at_period_end": True})
    if pick % 2:
        b.call("POST", path, {"cancel_at_period_end": False})


def _quantity(b: Business, pick: int) -> None:
    subscription = b.some("subscription", pick)
    item = subscription["items"]["data"][0]["id"]
    b.call("POST", f"/v1/subscriptions/{subscription['id']}", {"items": [{"id": item, "quantity": 1 + pick % 7}]})


def _refund(b: Business, pick: int) -> None:
    """Succeeded, or pending first; failed within a second after it succeeded where `pick` says so."""
    charge = b.some("charge", pick)
    b.sandbox.next_refunds("pending" if pick % 2 else "succeeded")
    refund = b.call("POST", "/v1/refunds", {"charge": charge["id"], "amount": 100 + pick})
    if pick % 3:
        b.sandbox.settle_refund(refund["id"], status="succeeded")
    if pick % 3 == 2:
        b.sandbox.settle_refund(refund["id"], status="failed")


def _dispute(b: Business, pick: int) -> None:
    dispute = b.sandbox.open_dispute(b.some("charge", pick)["id"])
    if pick % 2:
        b.sandbox.close_dispute(dispute["id"], status="won" if pick % 4 == 1 else "lost")


def _invoice(b: Business, pick: int) -> None:
    customer = b.customers[pick % len(b.customers)]
    b.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": 500 + pick, "currency": "usd"})
    invoice = b.call("POST", "/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})["id"]
    if pick % 4:
        b.call("POST", f"/v1/invoices/{invoice}/finalize", {})
        b.call("POST", f"/v1/invoices/{invoice}/{('pay', 'void', 'mark_uncollectible')[pick % 3]}", {})
    elif pick % 8:
        b.call("DELETE", f"/v1/invoices/{invoice}")


def _cancel(b: Business, pick: int) -> None:
    b.call("DELETE", f"/v1/subscriptions/{b.some('subscription', pick)['id']}")


def _delete_customer(b: Business, pick: int) -> None:
    b.call("DELETE", f"/v1/customers/{b.customers[pick % len(b.customers)]}")


STEPS: dict[str, Callable[[Business, int], None]] = {
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
    "second": lambda b, pick: b.sandbox.advance(1 + pick % 2),
    "days": lambda b, pick: b.sandbox.advance((1 + pick % 4) * 8 * DAY),
}

steps = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 30)), min_size=1, max_size=10)
