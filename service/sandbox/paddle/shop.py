"""The small business at Paddle, where every subscription begins with a checkout."""

from typing import Any

from service.sandbox.paddle import PaddleSandbox
from service.sandbox.shop import Person, Truth, added

_COUNTED = {
    "customer": "customer", "product": "product", "price": "price", "subscription": "subscription", "refund": "adjustment",
}  # fmt: skip
_PLANS = ((False, "Pro", {"USD": "1900", "JPY": "2800"}), (True, "Team", {"USD": "9900", "JPY": "14800"}))
_MONTHLY = {"interval": "month", "frequency": 1}


class PaddleShop:
    """`service.sandbox.shop.Shop` at Paddle. Everybody else pays in yen, which have no smaller unit; tax comes on top."""

    currencies = "dollars and yen, plus tax"

    def __init__(self, sandbox: PaddleSandbox) -> None:
        self.sandbox = sandbox
        self._prices: dict[tuple[bool, str], str] = {}
        self._bought: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, str]:
        """Nothing more."""
        return {}

    def open(self) -> None:
        """A product a plan, with a price a currency."""
        for team, name, amounts in _PLANS:
            product = self._call("POST", "/products", name=name, tax_category="saas")["id"]
            for currency, amount in amounts.items():
                unit = {"amount": amount, "currency_code": currency}
                price = {"product_id": product, "description": f"{name} monthly", "unit_price": unit}
                self._prices[team, currency] = self._call("POST", "/prices", **price, billing_cycle=_MONTHLY)["id"]

    def subscribe(self, person: Person, *, team: bool = False) -> None:
        """A checkout that carries the application's user id, and is paid."""
        price = self._prices[team, ("USD", "JPY")[len(self._bought) % 2]]
        draft = self.sandbox.open_checkout(price, custom_data={"user_id": person.user_id})
        self._bought[person.name] = self.sandbox.complete_checkout(draft["id"], email=person.email)

    def decline(self, person: Person, times: int) -> None:
        """Let the person's next payments fail."""
        self.sandbox.payments.fail_next(self._bought[person.name]["customer_id"], times)

    def add_seats(self, person: Person, quantity: int) -> None:
        """Another quantity of the one item, prorated."""
        bought = self._bought[person.name]
        items = [{"price_id": bought["items"][0]["price"]["id"], "quantity": quantity}]
        change = {"items": items, "proration_billing_mode": "prorated_immediately"}
        self._call("PATCH", f"/subscriptions/{self._subscription(person)}", **change)

    def refund(self, person: Person, amount: int | None = None) -> None:
        """An adjustment of the last transaction, which Paddle approves."""
        mine = [each for each in self._paid() if each["subscription_id"] == self._subscription(person)]
        wanted: dict[str, Any] = {
            "action": "refund",
            "reason": "asked",
            "transaction_id": mine[-1]["id"],
            "type": "full",
        }
        if amount is not None:
            item = {"item_id": mine[-1]["details"]["line_items"][0]["id"], "type": "partial", "amount": str(amount)}
            wanted |= {"type": "partial", "items": [item]}
        self.sandbox.settle_adjustment(self._call("POST", "/adjustments", **wanted)["id"])

    def cancel(self, person: Person) -> None:
        """At the end of the period."""
        path = f"/subscriptions/{self._subscription(person)}/cancel"
        self._call("POST", path, effective_from="next_billing_period")

    def truth(self) -> Truth:
        """Transactions tell what was paid, adjustments what went back."""
        paid = [(each["currency_code"], int(each["details"]["totals"]["grand_total"])) for each in self._paid()]
        back = [(each["currency_code"], int(each["totals"]["total"])) for each in self._all("adjustment")]
        counts = {kind: len(self.sandbox.objects(resource)) for kind, resource in _COUNTED.items()}
        return Truth(counts=counts, paid=added(paid), refunded=added(back))

    def _subscription(self, person: Person) -> str:
        # Paddle names the subscription once the transaction is completed.
        bought = self.sandbox.objects("transaction")[self._bought[person.name]["id"]]
        return str(bought["subscription_id"])

    def _paid(self) -> list[dict[str, Any]]:
        return [each for each in self._all("transaction") if each["status"] in ("paid", "completed")]

    def _all(self, resource: str) -> list[dict[str, Any]]:
        return list(self.sandbox.objects(resource).values())

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.call(method, path, sent)["data"]
        return found


def open_shop(*, seed: int, now: int) -> PaddleShop:
    """A shop at an empty account."""
    return PaddleShop(PaddleSandbox(seed=seed, now=now))
