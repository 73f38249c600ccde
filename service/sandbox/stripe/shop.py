"""The small business at Stripe."""

from typing import Any

from service.sandbox.shop import Person, Truth, added
from service.sandbox.stripe import StripeSandbox

_COUNTED = {
    "customer": "customer", "product": "product", "price": "price", "subscription": "subscription", "invoice": "invoice",
    "payment": "payment_intent", "refund": "refund",
}  # fmt: skip
_CURRENCIES = ("usd", "eur")


class StripeShop:
    """`service.sandbox.shop.Shop` at Stripe. Everybody else pays in euros."""

    currencies = "dollars and euros"

    def __init__(self, sandbox: StripeSandbox) -> None:
        self.sandbox = sandbox
        self._prices: dict[tuple[bool, str], str] = {}
        self._subscriptions: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, str]:
        """Nothing more."""
        return {}

    def open(self) -> None:
        """A product a plan, with a price a currency."""
        for team, name, amount in ((False, "Pro", 1_900), (True, "Team", 9_900)):
            product = self._call("POST", "/v1/products", name=name)["id"]
            for currency in _CURRENCIES:
                price = {"product": product, "unit_amount": amount, "currency": currency}
                self._prices[team, currency] = self._call("POST", "/v1/prices", **price, recurring=_MONTHLY)["id"]

    def subscribe(self, person: Person, *, team: bool = False) -> None:
        """A customer with the application's user id, and a subscription that is paid at once."""
        mine = {"metadata": {"user_id": person.user_id}}
        customer = self._call("POST", "/v1/customers", name=person.name, email=person.email, **mine)["id"]
        price = self._prices[team, _CURRENCIES[len(self._subscriptions) % len(_CURRENCIES)]]
        wanted = {"customer": customer, "items": [{"price": price, "quantity": 1}], **mine}
        self._subscriptions[person.name] = self._call("POST", "/v1/subscriptions", **wanted)

    def decline(self, person: Person, times: int) -> None:
        """Let the person's next payments fail."""
        self.sandbox.payments.fail_next(self._subscriptions[person.name]["customer"], times)

    def add_seats(self, person: Person, quantity: int) -> None:
        """Another quantity of the one item, prorated."""
        subscription = self._subscriptions[person.name]
        item = {"id": subscription["items"]["data"][0]["id"], "quantity": quantity}
        self._call("POST", f"/v1/subscriptions/{subscription['id']}", items=[item])

    def refund(self, person: Person, amount: int | None = None) -> None:
        """Through the payment intent."""
        some = {} if amount is None else {"amount": amount}
        customer = self._subscriptions[person.name]["customer"]
        intents = self.sandbox.objects("payment_intent").values()
        paid = [each["id"] for each in intents if each["customer"] == customer and each["status"] == "succeeded"]
        self._call("POST", "/v1/refunds", payment_intent=paid[-1], **some)

    def cancel(self, person: Person) -> None:
        """At the end of the period."""
        self._call("POST", f"/v1/subscriptions/{self._subscriptions[person.name]['id']}", cancel_at_period_end=True)

    def truth(self) -> Truth:
        """Invoices tell what was paid, refunds what went back."""
        invoices, refunds = (self.sandbox.objects(name).values() for name in ("invoice", "refund"))
        return Truth(
            counts={kind: len(self.sandbox.objects(resource)) for kind, resource in _COUNTED.items()},
            paid=added([(each["currency"].upper(), each["amount_paid"]) for each in invoices]),
            refunded=added([(each["currency"].upper(), each["amount"]) for each in refunds]),
        )

    def _call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        return self.sandbox.call(method, path, params)


_MONTHLY = {"interval": "month"}


def open_shop(*, seed: int, now: int) -> StripeShop:
    """A shop at an empty account."""
    return StripeShop(StripeSandbox(seed=seed, now=now))
