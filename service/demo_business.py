"""A small business for the demo: its customers, and what happens to them in two and a half months."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from service.sandbox.stripe import StripeSandbox

DAY: Final = 86_400
_PEOPLE: Final = {
    "Ada": "pro_usd", "Grace": "team_usd", "Linus": "pro_eur", "Edsger": "pro_eur", "Barbara": "team_usd", "Alan": "pro_usd",
    "Margaret": "pro_eur", "Dennis": "pro_usd",
}  # fmt: skip
_PRICES: Final = {"pro_usd": ("Pro", 1900, "usd"), "team_usd": ("Team", 9900, "usd"), "pro_eur": ("Pro", 1900, "eur")}


class Business:
    """Acts at the stand-in as customers and staff would. `days` is how much virtual time the whole story takes."""

    days = 74

    def __init__(self, sandbox: StripeSandbox) -> None:
        self._sandbox = sandbox
        self._prices: dict[str, str] = {}
        self._customers: dict[str, str] = {}
        self._subscriptions: dict[str, str] = {}

    def story(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What happens, step by step: a sentence, and the deed."""
        yield "a catalogue: Pro in dollars and euros, Team in dollars", self._catalogue
        yield "eight customers subscribe", self._subscribe
        yield "a month passes: renewals; Linus' and Alan's cards are declined", self._first_month
        yield "Linus' card works at the next attempt; Grace adds two seats", self._recover
        yield "Edsger gets 5.00 EUR back, Ada a whole month", self._refund
        yield "another month passes; Alan never pays", self._second_month
        yield "Barbara cancels at once, Dennis at the end of his period; Margaret's account is deleted", self._leave

    def lossy(self, step: int) -> None:
        """What goes wrong on the way to us in this step: everything is shuffled, some sent twice, some lost."""
        faults = self._sandbox.faults
        faults.reorder, faults.rates = True, {"duplicate": 0.2, "drop": 0.06 if step else 0.0}
        faults.drop = 2 if step in (3, 5) else 0

    def _catalogue(self) -> None:
        for key, (name, amount, currency) in _PRICES.items():
            product = self._call("POST", "/v1/products", name=name)
            price = {"product": product["id"], "unit_amount": amount, "currency": currency}
            self._prices[key] = self._call("POST", "/v1/prices", **price, recurring={"interval": "month"})["id"]

    def _subscribe(self) -> None:
        for name, price in _PEOPLE.items():
            customer = self._call("POST", "/v1/customers", name=name, email=f"{name.lower()}@example.com")
            self._customers[name] = customer["id"]
            chosen = {"customer": customer["id"], "items": [{"price": self._prices[price], "quantity": 1}]}
            self._subscriptions[name] = self._call("POST", "/v1/subscriptions", **chosen)["id"]
            self._sandbox.advance(3_600)

    def _first_month(self) -> None:
        self._sandbox.payments.fail_next(self._customers["Linus"], 1)
        self._sandbox.payments.fail_next(self._customers["Alan"], 9)
        self._sandbox.advance(32 * DAY)

    def _recover(self) -> None:
        self._sandbox.advance(4 * DAY)
        item = self._call("GET", f"/v1/subscriptions/{self._subscriptions['Grace']}")["items"]["data"][0]["id"]
        change = {"items": [{"id": item, "quantity": 3}]}
        self._call("POST", f"/v1/subscriptions/{self._subscriptions['Grace']}", **change)
        self._sandbox.advance(3_600)

    def _refund(self) -> None:
        self._call("POST", "/v1/refunds", payment_intent=self._last_paid("Edsger"), amount=500)
        self._sandbox.advance(600)
        self._call("POST", "/v1/refunds", payment_intent=self._last_paid("Ada"))
        self._sandbox.advance(600)

    def _second_month(self) -> None:
        self._sandbox.advance(34 * DAY)

    def _leave(self) -> None:
        self._call("DELETE", f"/v1/subscriptions/{self._subscriptions['Barbara']}")
        self._sandbox.advance(600)
        self._call("POST", f"/v1/subscriptions/{self._subscriptions['Dennis']}", cancel_at_period_end=True)
        self._sandbox.advance(600)
        self._call("DELETE", f"/v1/customers/{self._customers['Margaret']}")
        self._sandbox.advance(600)

    def _last_paid(self, name: str) -> str:
        mine = [
            intent for intent in self._sandbox.objects("payment_intent").values()
            if intent["customer"] == self._customers[name] and intent["status"] == "succeeded"
        ]  # fmt: skip
        return str(mine[-1]["id"])

    def _call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        return self._sandbox.call(method, path, params)
