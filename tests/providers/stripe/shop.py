"""A shop at the stand-in with at least one object of every kind, and more than a page of most."""

from __future__ import annotations

from typing import Any

from service.sandbox.stripe import StripeSandbox

Json = dict[str, Any]
DAY = 86_400


def fill(sandbox: StripeSandbox) -> None:
    """Three customers with a subscription of three items each, a month of renewals, and everything that can follow."""
    for number in range(3):
        _subscription(sandbox, f"user-{number}")
        sandbox.advance(60)
    sandbox.advance(35 * DAY)
    subscriptions = list(sandbox.objects("subscription"))
    sandbox.call("DELETE", f"/v1/subscriptions/{subscriptions[0]}")
    charges = list(sandbox.objects("charge"))
    for charge in charges[:3]:
        sandbox.call("POST", "/v1/refunds", {"charge": charge, "amount": 100})
    sandbox.open_dispute(charges[-1])
    for invoice in list(sandbox.objects("invoice"))[:3]:
        sandbox.call("POST", "/v1/credit_notes", {"invoice": invoice, "amount": 50, "out_of_band_amount": 50})
    sandbox.advance(1_800)


def price(sandbox: StripeSandbox, amount: int = 500) -> str:
    """A new monthly price's id."""
    wanted = {"product_data": {"name": "Pro"}, "currency": "usd", "unit_amount": amount}
    return str(sandbox.call("POST", "/v1/prices", {**wanted, "recurring": {"interval": "month"}})["id"])


def _subscription(sandbox: StripeSandbox, user: str) -> Json:
    customer = sandbox.call("POST", "/v1/customers", {"email": f"{user}@example.com", "metadata": {"user_id": user}})
    items = [{"price": price(sandbox, amount), "quantity": 2} for amount in (500, 700, 900)]
    return sandbox.call("POST", "/v1/subscriptions", {"customer": customer["id"], "items": items})
