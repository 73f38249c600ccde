"""What is done at Lemon Squeezy without its API: the store's owner in the dashboard, and the buyer at a checkout."""

from typing import Any

import msgspec

from service.sandbox.lemonsqueezy import catalogue, events
from service.sandbox.lemonsqueezy.api import Api
from service.sandbox.lemonsqueezy.billing import buying, cycle
from service.sandbox.lemonsqueezy.billing.refunds import refund
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


class Dashboard:
    """Acts that have no endpoint. Ids are taken as texts or numbers and returned as texts."""

    _world: World
    _api: Api

    def resend(self, event: int | str, *, keep_id: bool = True, fresh_render: bool = True) -> Json:
        """Send an event again, as the dashboard's Resend does, and return it. `event` is its place or its `webhook_id`.

        Nobody says what Resend does to a body: `keep_id` leaves its `meta.webhook_id`, `fresh_render` signs its URLs
        anew. Attributes stay as they were told the first time.

        Raises:
            LookupError: no such event was sent.
        """
        with self._world.lock:
            return copied(events.resend(self._world, self._sent(event), keep_id=keep_id, fresh_render=fresh_render))

    def add_store(self, name: str) -> str:
        """Open another store and return its id; store 1 is there from the beginning."""
        with self._world.lock:
            return str(catalogue.add_store(self._world, name).id)

    def add_product(self, name: str = "Pro", *, store_id: int | str = 1) -> str:
        """Publish a product and return its id."""
        with self._world.lock:
            return str(catalogue.add_product(self._world, self._world.get("stores", store_id), name).id)

    def add_variant(self, product_id: int | str, name: str = "Default", **price: Any) -> str:
        """Publish a variant with a price and return its id.

        `price` is any of `unit_price` (cents; a decimal text for usage), `interval` (None is paid once),
        `interval_count`, `trial_days`, `usage` (an aggregation), `setup_fee`, `scheme`, `package_size`, `tiers`.

        Raises:
            ValueError: a price that makes no sense.
        """
        with self._world.lock:
            product = self._world.get("products", product_id)
            return str(catalogue.add_variant(self._world, product, name, **price).id)

    def add_price(self, variant_id: int | str, **price: Any) -> str:
        """Give a variant another price and return its id; running subscriptions keep theirs."""
        with self._world.lock:
            variant = self._world.get("variants", variant_id)
            return str(catalogue.add_price(self._world, variant, catalogue.priced(**price)).id)

    def complete_checkout(
        self,
        checkout_id: int | str,
        *,
        email: str | None = None,
        name: str | None = None,
        quantity: int | None = None,
        currency: str | None = None,
    ) -> Json:
        """A buyer pays at a checkout, which may be used more than once.

        Returns ids by `customer`, `order`, `order_item`, `subscription` and `invoice`; the last two are None for what
        is paid once.
        """
        with self._world.lock:
            checkout = self._world.get("checkouts", checkout_id)
            return buying.complete(self._world, checkout, buying.Buyer(email, name, quantity, currency))

    def buy(
        self,
        variant_id: int | str,
        email: str = "ada@example.com",
        name: str = "Ada Lovelace",
        custom: Json | None = None,
        *,
        quantity: int | None = None,
        currency: str | None = None,
    ) -> Json:
        """A checkout for a variant and a buyer who pays at it; returns what `complete_checkout` does."""
        with self._world.lock:
            variant = self._world.get("variants", variant_id)
            store_id = self._world.get("products", variant.attributes["product_id"]).attributes["store_id"]
            ends = {"store": ("stores", store_id), "variant": ("variants", variant.id)}
            data = {
                "type": "checkouts",
                "attributes": {"checkout_data": {"email": email, "name": name, "custom": custom or {}}},
                "relationships": {end: {"data": {"type": kind, "id": str(at)}} for end, (kind, at) in ends.items()},
            }
            made = self._api.call("POST", "/v1/checkouts", {"data": data}, {})
            return self.complete_checkout(made["data"]["id"], quantity=quantity, currency=currency)

    def pay_open_invoice(self, subscription_id: int | str) -> None:
        """The customer of a past due or unpaid subscription pays now, ahead of the next retry; it may fail as well.

        Raises:
            ValueError: nothing is open.
        """
        with self._world.lock:
            subscription = self._world.get("subscriptions", subscription_id)
            if subscription.attributes["status"] not in ("past_due", "unpaid"):
                raise ValueError("the subscription has no open invoice")
            cycle.retry(self._world, subscription)

    def refund(self, resource_type: str, resource_id: int | str, amount: int | None = None) -> None:
        """Refund one of `orders` or `subscription-invoices` in the dashboard: an amount in cents, or all that is left.

        Raises:
            SandboxError: it cannot be refunded.
        """
        if resource_type not in ("orders", "subscription-invoices"):
            raise ValueError(f"not a payment: {resource_type}")
        with self._world.lock:
            refund(self._world, self._world.get(resource_type, resource_id), amount)

    def mark_fraudulent(self, order_id: int | str) -> None:
        """Give an order the status `fraudulent`, of which no event tells (assumed)."""
        with self._world.lock:
            self._world.touch(self._world.get("orders", order_id), status="fraudulent")

    def _sent(self, event: int | str) -> Json:
        if isinstance(event, int):
            return self._world.log[event]
        found = next((each for each in self._world.log if each["meta"]["webhook_id"] == event), None)
        if found is None:
            raise LookupError(f"no such event: {event}")
        return found


def copied(thing: Json) -> Json:
    """The same value, sharing nothing with the original."""
    copy: Json = msgspec.json.decode(msgspec.json.encode(thing))
    return copy
