"""Usage records: reported once, never changed, told by no event and guarded by no idempotency key."""

from service.sandbox.lemonsqueezy.billing import usage
from service.sandbox.lemonsqueezy.errors import refused, unfit
from service.sandbox.lemonsqueezy.kinds import Fields, at_least, one_of
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

_CREATE = Fields("quantity", quantity=at_least(0), action=one_of("increment", "set"))


def create(world: World, sent: Sent) -> Row:
    """Record usage in the current period; the aggregation of the item's price decides which actions it takes."""
    item, action = sent.related["subscription-item"], sent.attributes.get("action", "increment")
    aggregation = usage.aggregation(world, item)
    if aggregation is None:
        raise refused("The subscription item is not usage-based.")
    if action not in usage.ACTIONS[aggregation]:
        problem = f"The {action} action cannot be used with the {aggregation} aggregation."
        raise unfit([("/data/attributes/action", problem)])
    if world.get("subscriptions", item.attributes["subscription_id"]).attributes["status"] == "expired":
        raise refused("The subscription is expired.")
    values = {"subscription_item_id": item.id, "quantity": sent.attributes["quantity"], "action": action}
    return world.add("usage-records", values, at=world.now)


OPERATIONS = [
    Operation("POST", "usage-records", "", create, _CREATE, {"subscription-item": "subscription-items"}, status=201),
]
