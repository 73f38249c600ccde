"""The shop at the Stripe stand-in."""

from __future__ import annotations

from typing import Final

from service.provider import Connection
from service.providers.stripe.billing import StripeWriter
from service.providers.stripe.client import StripeReader
from service.sandbox.stripe import StripeSandbox
from tests.billing.cases.base import Case, Json


class StripeCase:
    """`tests.billing.cases.base.Case` for Stripe."""

    name = "stripe"
    keyed = True
    checkout = False

    def __init__(self) -> None:
        self.sandbox = StripeSandbox()
        self.sandbox.register_endpoint("http://127.0.0.1:9/webhooks", secret="secret_of_ours")

    def plans(self) -> dict[str, str]:
        """Two monthly prices in USD."""
        return {plan: self._price(plan, amount) for plan, amount in (("pro", 1_900), ("team", 9_900))}

    def writer(self, connection: Connection) -> StripeWriter:
        """Reads are retried at once."""
        return StripeWriter(connection, sleep=lambda _seconds: None)

    def reader(self, connection: Connection) -> StripeReader:
        """Reads are retried at once."""
        return StripeReader(connection, sleep=lambda _seconds: None)

    def can_pay(self, customer_id: str) -> None:
        """A card is saved and made the default."""
        card = {"invoice_settings": {"default_payment_method": "pm_card_visa"}}
        self.sandbox.call("POST", f"/v1/customers/{customer_id}", card)

    def check_out(self, url: str, object_id: str | None) -> None:
        """The customer pays the first invoice on its hosted page."""
        subscription = self.sandbox.call("GET", f"/v1/subscriptions/{object_id}")
        invoice = self.sandbox.call("GET", f"/v1/invoices/{subscription['latest_invoice']}")
        assert invoice["hosted_invoice_url"] == url
        self.sandbox.call("POST", f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})

    def customers(self, user_id: str) -> list[str]:
        """Those whose metadata name the user."""
        found = self.sandbox.objects("customer").values()
        return [each["id"] for each in found if each.get("metadata", {}).get("user_id") == user_id]

    def subscriptions(self, customer_id: str) -> list[str]:
        """All of the customer's."""
        return [each["id"] for each in self._of("subscription", customer_id)]

    def charges(self, customer_id: str) -> list[str]:
        """Succeeded charges."""
        return [each["id"] for each in self._of("charge", customer_id) if each["status"] == "succeeded"]

    def started(self, customer_id: str) -> int:
        """Subscriptions, since no checkout is needed."""
        return len(self.subscriptions(customer_id))

    def refunds(self, payment_id: str) -> list[int]:
        """Refunds of the payment intent."""
        found = self.sandbox.objects("refund").values()
        return [each["amount"] for each in found if each["payment_intent"] == payment_id]

    def rename(self, customer_id: str, name: str) -> None:
        """By the API."""
        self.sandbox.call("POST", f"/v1/customers/{customer_id}", {"name": name})

    def fail_next(self, customer_id: str) -> None:
        """Once."""
        self.sandbox.payments.fail_next(customer_id)

    def _price(self, plan: str, amount: int) -> str:
        product = {"product_data": {"name": plan}, "currency": "usd", "unit_amount": amount}
        return str(self.sandbox.call("POST", "/v1/prices", {**product, "recurring": {"interval": "month"}})["id"])

    def _of(self, resource: str, customer_id: str) -> list[Json]:
        return [each for each in self.sandbox.objects(resource).values() if each["customer"] == customer_id]


CASE: Final[type[Case]] = StripeCase
