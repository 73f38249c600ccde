"""Usage of a period, by the price's aggregation."""

from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

ACTIONS = {
    "sum": ("increment",),
    "last_during_period": ("set",),
    "last_ever": ("set",),
    "max": ("increment", "set"),
}
"""Which actions an aggregation takes. For `max` the docs name none, so both are taken."""


def item_of(world: World, subscription: Row) -> Row | None:
    """The subscription's first item; None during a trial."""
    return world.find("subscription-items", subscription.hidden["item_id"])


def aggregation(world: World, item: Row) -> str | None:
    """How the item's price sums up usage; None if it is not usage-based."""
    found: str | None = world.get("prices", item.attributes["price_id"]).attributes["usage_aggregation"]
    return found


def current(world: World, item: Row) -> tuple[int, int, int]:
    """Start and end of the item's current period in unix seconds, and the quantity used in it so far."""
    hidden = world.get("subscriptions", item.attributes["subscription_id"]).hidden
    start, end = hidden["period_start"], hidden["period_end"]
    every = [row for row in world.tables["usage-records"] if row.attributes["subscription_item_id"] == item.id]
    within = [row for row in every if row.hidden["at"] >= start]
    return start, end, _summed(aggregation(world, item), every, within)


def _summed(how: str | None, every: list[Row], within: list[Row]) -> int:
    quantities: list[int] = [row.attributes["quantity"] for row in (every if how == "last_ever" else within)]
    if how == "sum":
        return sum(quantities)
    if how == "max":
        return max(quantities, default=0)
    return quantities[-1] if quantities else 0
