"""A small shop at the stand-in, so that a test states only what it is about."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from service.sandbox.stripe import StripeSandbox

Json = dict[str, Any]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
MONTH = 31 * DAY
"""No month is longer, so a monthly subscription has turned once when it is over."""


class Shop:
    """Customers, prices and subscriptions, made in-process."""

    def __init__(self, sandbox: StripeSandbox) -> None:
        self.sandbox = sandbox

    def customer(self, **params: Any) -> str:
        """A new customer's id."""
        return str(self.sandbox.call("POST", "/v1/customers", {"email": "ada@example.com"} | params)["id"])

    def price(self, amount: int = 1_000, *, interval: str = "month", **params: Any) -> str:
        """A new recurring price's id."""
        recurring = {"interval": interval} | params.pop("recurring", {})
        named = {"product_data": {"name": "Pro"}, "currency": "usd", "unit_amount": amount, "recurring": recurring}
        return str(self.sandbox.call("POST", "/v1/prices", named | params)["id"])

    def subscription(self, customer: str | None = None, price: str | None = None, **params: Any) -> Json:
        """A new subscription to one price, as the API renders it."""
        items = [{"price": price or self.price()}]
        wanted = {"customer": customer or self.customer(), "items": items} | params
        return self.sandbox.call("POST", "/v1/subscriptions", wanted)

    def charge(self, amount: int = 2_000, **params: Any) -> Json:
        """A charge that succeeded."""
        paid = {"amount": amount, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True} | params
        intent = self.sandbox.call("POST", "/v1/payment_intents", paid)
        return self.get("charge", intent["latest_charge"])

    def get(self, resource: str, object_id: str) -> Json:
        """An object as it is now."""
        return self.sandbox.objects(resource)[object_id]

    def latest_invoice(self, subscription: Json) -> Json:
        """The latest invoice of a subscription, both read anew."""
        return self.get("invoice", self.get("subscription", subscription["id"])["latest_invoice"])

    def during(self, act: Callable[[], object]) -> list[str]:
        """Types of the events that `act` causes, in order."""
        before = len(self.sandbox.events)
        act()
        return [event["type"] for event in self.sandbox.events[before:]]

    def last(self, kind: str) -> Json:
        """The newest event of a type."""
        return next(event for event in reversed(self.sandbox.events) if event["type"] == kind)


def refusal(act: Callable[[], object]) -> stripe.StripeError:
    """The error that a request must end in."""
    with pytest.raises(stripe.StripeError) as caught:
        act()
    return caught.value


def param_of(error: stripe.StripeError) -> str | None:
    """The parameter that the error names."""
    return body_of(error).get("param")


def body_of(error: stripe.StripeError) -> Json:
    """The error object that the response carried."""
    body = error.json_body
    assert isinstance(body, dict)
    found: Json = body["error"]
    return found
