"""Customers as they come to be: by the API, or by a purchase that finds them by their address."""

from typing import Any

from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_EMPTY: Json = {"status": "subscribed", "city": None, "region": None, "country": None}


def new_customer(world: World, store_id: int, **attributes: Any) -> Row:
    """Make a customer. An address may be used twice (assumed): there are no idempotency keys either."""
    shown = {"store_id": store_id, **_EMPTY, **attributes, "total_revenue_currency": 0}
    return world.add("customers", shown, subscriptions=[])


def customer_of(world: World, store_id: int, address: str, name: str, country: str | None) -> Row:
    """The store's first customer with this address, or a new one."""
    for row in world.tables["customers"]:
        if (row.attributes["store_id"], row.attributes["email"]) == (store_id, address):
            return row
    return new_customer(world, store_id, name=name, email=address, country=country)
