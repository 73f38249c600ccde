"""The event log: what each change says, and to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from service.sandbox.paddle import notify
from service.sandbox.paddle.render import plain

if TYPE_CHECKING:
    from service.sandbox.paddle.world import World

Json = dict[str, Any]

TYPES = (
    *("customer.created", "customer.updated"),
    *("address.created", "address.updated"),
    *("product.created", "product.updated"),
    *("price.created", "price.updated"),
    *("transaction.created", "transaction.ready", "transaction.billed", "transaction.paid", "transaction.completed"),
    *("transaction.past_due", "transaction.payment_failed", "transaction.canceled", "transaction.updated"),
    "transaction.revised",
    *("subscription.created", "subscription.trialing", "subscription.activated", "subscription.updated"),
    *("subscription.past_due", "subscription.paused", "subscription.resumed", "subscription.canceled"),
    *("adjustment.created", "adjustment.updated"),
)
"""What the stand-in can tell."""

OTHER_TYPES = (
    *("business.created", "business.updated", "discount.created", "discount.updated", "payout.created", "payout.paid"),
    *("payment_method.saved", "payment_method.deleted", "customer.imported", "subscription.imported"),
    *("report.created", "report.updated", "api_key.created", "api_key_exposure.created"),
    *("product.imported", "price.imported"),
)
"""What a destination may be subscribed to all the same."""


def described(name: str) -> Json:
    """A type of event as the API lists it."""
    group = name.partition(".")[0].replace("_", " ").capitalize()
    return {"name": name, "description": f"Occurs for {name}.", "group": group, "available_versions": [1]}


def emit(world: World, thing: Json, types: Iterable[str], more: Json) -> None:
    """Record one event of each type about the object as it is now, and queue it for the destinations that want it.

    Each event occurs some hundred microseconds after what it tells, and after the event before it.
    """
    # A log that shared parts with the objects would change with them.
    data = msgspec.json.decode(msgspec.json.encode(plain(thing) | more))
    for kind in types:
        micros = world.moment()
        event_id = world.ids.new("evt", micros)
        event = {"event_id": event_id, "event_type": kind, "occurred_at": world.printed(micros), "data": data}
        world.log.append(event)
        world.tables["event"].add(event_id, event)
        notify.everyone(world, event)
