"""The small business at Lemon Squeezy, where every subscription begins with a checkout."""

from typing import Any

from service.sandbox.lemonsqueezy import LemonSqueezySandbox
from service.sandbox.shop import Person, Truth, added

_STORE = "1"
_COUNTED = {"customer": "customers", "product": "products", "price": "prices", "subscription": "subscriptions"}


class LemonSqueezyShop:
    """`service.sandbox.shop.Shop` at Lemon Squeezy, in dollars."""

    currencies = "dollars"

    def __init__(self, sandbox: LemonSqueezySandbox) -> None:
        self.sandbox = sandbox
        self._variants: dict[bool, str] = {}
        self._bought: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, str]:
        """The store."""
        return {"store_id": _STORE}

    def open(self) -> None:
        """A product a plan."""
        for team, name, amount in ((False, "Pro", 1_900), (True, "Team", 9_900)):
            self._variants[team] = self.sandbox.add_variant(self.sandbox.add_product(name), unit_price=amount)

    def subscribe(self, person: Person, *, team: bool = False) -> None:
        """A checkout that carries the application's user id, and is paid."""
        custom = {"user_id": person.user_id}
        self._bought[person.name] = self.sandbox.buy(self._variants[team], person.email, person.name, custom)

    def decline(self, person: Person, times: int) -> None:
        """Let the person's next payments fail."""
        self.sandbox.payments.fail_next(self._bought[person.name]["customer"], times)

    def add_seats(self, person: Person, quantity: int) -> None:
        """Another quantity of the one item, prorated and invoiced at once."""
        subscription = self.sandbox.objects("subscriptions")[self._bought[person.name]["subscription"]]
        item = str(subscription["attributes"]["first_subscription_item"]["id"])
        attributes = {"quantity": quantity, "invoice_immediately": True}
        data = {"type": "subscription-items", "id": item, "attributes": attributes}
        self.sandbox.call("PATCH", f"/v1/subscription-items/{item}", {"data": data})

    def refund(self, person: Person, amount: int | None = None) -> None:
        """Of the last invoice, in the dashboard."""
        subscription = self._bought[person.name]["subscription"]
        mine = [id_ for id_, each in self._invoices().items() if str(each["subscription_id"]) == subscription]
        self.sandbox.refund("subscription-invoices", mine[-1], amount)

    def cancel(self, person: Person) -> None:
        """At the end of the period; there is no other way."""
        self.sandbox.call("DELETE", f"/v1/subscriptions/{self._bought[person.name]['subscription']}")

    def truth(self) -> Truth:
        """Subscription invoices tell the money: everything here is a subscription, whose order is only a receipt."""
        invoices = list(self._invoices().values())
        return Truth(
            counts={kind: len(self.sandbox.objects(resource)) for kind, resource in _COUNTED.items()},
            paid=added([(each["currency"], each["total"]) for each in invoices]),
            refunded=added([(each["currency"], each["refunded_amount"]) for each in invoices]),
        )

    def _invoices(self) -> dict[str, dict[str, Any]]:
        """The attributes of what was paid, some of it given back since."""
        every = self.sandbox.objects("subscription-invoices").items()
        shown = {id_: each["attributes"] for id_, each in every}
        return {id_: each for id_, each in shown.items() if each["status"] not in ("pending", "void")}


def open_shop(*, seed: int, now: int) -> LemonSqueezyShop:
    """A shop at an empty store whose limit of calls is off: virtual time stands still between them."""
    return LemonSqueezyShop(LemonSqueezySandbox(seed=seed, now=now, rate_limit=None))
