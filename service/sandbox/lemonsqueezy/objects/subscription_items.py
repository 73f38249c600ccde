"""Subscription items: the quantity of a plan, and the usage of a metered one."""

from typing import Any

from service.sandbox.lemonsqueezy.billing import changes, usage
from service.sandbox.lemonsqueezy.errors import refused
from service.sandbox.lemonsqueezy.kinds import Fields, at_least, boolean
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import stamp
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_KIND = "subscription-items"
_UPDATE = Fields("quantity", quantity=at_least(1, 10**6), invoice_immediately=boolean, disable_prorations=boolean)


def update(world: World, sent: Sent) -> Row:
    """Change the quantity; a usage-based item has none."""
    item = world.get(_KIND, sent.row_id)
    subscription = world.get("subscriptions", item.attributes["subscription_id"])
    if item.attributes["is_usage_based"]:
        raise refused("The quantity of a usage-based subscription item cannot be changed.")
    changes.check_changeable(subscription)
    changes.change_quantity(world, subscription, sent.attributes["quantity"], changes.proration_of(sent.attributes))
    return item


def current_usage(world: World, sent: Sent) -> Json:
    """The usage of the current period, in `meta`."""
    item = world.get(_KIND, sent.row_id)
    if not item.attributes["is_usage_based"]:
        raise refused("This subscription item is not usage-based.")
    start, end, quantity = usage.current(world, item)
    price = world.get("prices", item.attributes["price_id"]).attributes
    return {
        "meta": {
            "period_start": stamp(start),
            "period_end": stamp(end),
            "quantity": quantity,
            "interval_unit": price["renewal_interval_unit"],
            "interval_quantity": price["renewal_interval_quantity"],
        }
    }


OPERATIONS = [
    Operation("PATCH", _KIND, "*", update, _UPDATE),
    Operation("GET", _KIND, "*/current-usage", current_usage),
]
