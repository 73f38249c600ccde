"""The items of a subscription, and what derives from them."""

from typing import Any

from service.sandbox.stripe.billing import cycle, lines
from service.sandbox.stripe.billing.usage import of_item
from service.sandbox.stripe.errors import missing_parameter, refused
from service.sandbox.stripe.objects import prices
from service.sandbox.stripe.shapes import fresh
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def fresh_subscription(**values: Any) -> Json:
    """A new subscription with no history."""
    details = {"comment": None, "feedback": None, "reason": None}
    settings = {"end_behavior": {"missing_payment_method": "create_invoice"}}
    return fresh("subscription", **{"cancellation_details": details, "trial_settings": settings} | values)


def made(world: World, subscription_id: str, params: Json, path: str) -> Json:
    """A new item from its parameters, its period still to be set."""
    price = price_of(world, params, path)
    quantity = params.get("quantity", 1)
    item = fresh(
        "subscription_item",
        id=world.ids.new("si", 14),
        created=world.now,
        metadata={name: value for name, value in (params.get("metadata") or {}).items() if value != ""},
        price=price,
        quantity=quantity,
        subscription=subscription_id,
    )
    if lines.is_metered(item):
        if "quantity" in params:
            message = "You cannot set the quantity for a price with usage_type metered."
            raise refused(message, param=f"{path}[quantity]")
        del item["quantity"]
    return item


def price_of(world: World, params: Json, path: str) -> Json:
    """The price that an item names or describes; it must recur and be active."""
    if "price_data" in params:
        if "recurring" not in params["price_data"]:
            raise missing_parameter(f"{path}[price_data][recurring]")
        return prices.create(world, params["price_data"])
    if "price" not in params:
        raise missing_parameter(f"{path}[price]")
    price = world.get("price", params["price"], f"{path}[price]")
    if price["type"] != "recurring":
        message = (
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`."
        )
        raise refused(message, param=f"{path}[price]")
    if not price["active"]:
        message = "The price specified is inactive. This field only accepts active prices."
        raise refused(message, param=f"{path}[price]")
    return price


def moment_of(subscription: Json, cancel_at: int | str) -> int:
    """The moment that `cancel_at` names: unix seconds, or the first or last end of the items' periods."""
    if isinstance(cancel_at, int):
        return cancel_at
    ends = [int(item["current_period_end"]) for item in subscription["items"]["data"]]
    return min(ends) if cancel_at == "min_period_end" else max(ends)


def first_line(world: World, subscription: Json, item: Json) -> Json | None:
    """The line of an item's first period; None for a metered one, which is billed afterwards."""
    return cycle.first_line(world, subscription, item, trial=False)


def usage_line(world: World, subscription: Json, item: Json) -> Json:
    """The line of what a metered item has used in its period so far."""
    period = (item["current_period_start"], world.now)
    used = of_item(world, subscription, item, *period)
    return lines.for_item(world, subscription, item, period, used, lines.amount_of(item["price"], used))


def within(subscription: Json, params: Json) -> bool:
    """True if the subscription's period lies where a list's filters want it."""
    rows = subscription["items"]["data"]
    start = max(int(item["current_period_start"]) for item in rows)
    end = min(int(item["current_period_end"]) for item in rows)
    return _in(start, params.get("current_period_start")) and _in(end, params.get("current_period_end"))


def _in(moment: int, span: dict[str, int] | None) -> bool:
    span = span or {}
    return (
        moment > span.get("gt", moment - 1)
        and moment >= span.get("gte", moment)
        and moment < span.get("lt", moment + 1)
        and moment <= span.get("lte", moment)
    )
