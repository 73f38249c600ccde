"""Changing a subscription."""

from typing import Any

from service.sandbox.paddle.billing import changes, cycle, standing
from service.sandbox.paddle.billing.lines import Line
from service.sandbox.paddle.errors import invalid, refused
from service.sandbox.paddle.objects import addresses
from service.sandbox.paddle.objects.transactions import lines_of, terms
from service.sandbox.paddle.times import seconds, stamp
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_PLAIN = ("address_id", "custom_data", "scheduled_change", "collection_mode")


def update(world: World, fields: Json, subscription_id: str) -> Json:
    """Change a subscription: `scheduled_change: null` takes a planned cancellation or pause back.

    `items` is the whole list that is wanted; what changes the bill needs a `proration_billing_mode`.
    """
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise refused("subscription_update_when_canceled", "subscription is canceled")
    told = _plain(world, subscription, fields)
    wanted = _items(world, subscription, fields)
    if "next_billed_at" in fields:
        told |= _moved(world, subscription, fields)
    if told or wanted is None:
        world.change(subscription, standing.UPDATED, **told)
    if "next_billed_at" in fields:
        cycle.plan(world, subscription)
    if wanted is not None:
        on_failure = fields.get("on_payment_failure", "prevent_change")
        changes.change_items(world, subscription, wanted, fields["proration_billing_mode"], on_failure)
    return subscription


def _plain(world: World, subscription: Json, fields: Json) -> Json:
    told = {name: fields[name] for name in _PLAIN if name in fields}
    if "address_id" in told:
        addresses.of_customer(world, subscription["customer_id"], told["address_id"])
    if "billing_details" in fields:
        told["billing_details"] = terms(fields["billing_details"])
    after = subscription | told
    if after["collection_mode"] == "manual" and after["billing_details"] is None:
        raise refused("bad_request", "billing_details are required where collection_mode is manual")
    if after["collection_mode"] == "automatic" and after["billing_details"] is not None:
        told["billing_details"] = None
    return told


def _needs_mode(fields: Json) -> None:
    if "proration_billing_mode" not in fields:
        raise invalid([("proration_billing_mode", "must be provided as part of the request")])


def _items(world: World, subscription: Json, fields: Json) -> list[Line] | None:
    if "items" not in fields:
        return None
    _needs_mode(fields)
    if subscription["status"] not in ("active", "trialing") and fields["proration_billing_mode"] != "do_not_bill":
        status = subscription["status"]
        raise refused("bad_request", f"items of a subscription with status {status} can only be changed unbilled")
    if subscription["current_billing_period"] is None:
        raise refused("bad_request", "items of a paused subscription can't be changed")
    kept = {each["price"]["id"]: each["quantity"] for each in subscription["items"]}
    asked = [{"quantity": kept.get(each["price_id"], 1)} | each for each in fields["items"]]
    country, currency = cycle.country_of(world, subscription), subscription["currency_code"]
    wanted, _ = lines_of(world, asked, country, currency, trial=False)
    if len({each["price_id"] for each in asked}) < len(asked):
        raise refused("bad_request", "a price may be listed only once")
    if any(line.price["billing_cycle"] is None for line in wanted):
        raise refused("bad_request", "items of a subscription must recur")
    return wanted


def _moved(world: World, subscription: Json, fields: Json) -> Json:
    """Another end of the current period; what that is worth is not billed, whatever the mode."""
    _needs_mode(fields)
    at = fields["next_billed_at"]
    if at <= stamp(world.now) or subscription["current_billing_period"] is None:
        raise refused("bad_request", "next_billed_at must be in the future, of a subscription that is billed")
    subscription["_anchor"] = seconds(at)
    period = subscription["current_billing_period"] | {"ends_at": at}
    items = standing.items_with(world, subscription, next_billed_at=at)
    return {"next_billed_at": at, "current_billing_period": period, "items": items}
