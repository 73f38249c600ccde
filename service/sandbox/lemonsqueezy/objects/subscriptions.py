"""Subscriptions: made by purchases only; changed, paused, cancelled and resumed."""

from typing import Any

from service.sandbox.lemonsqueezy.billing import changes, standing
from service.sandbox.lemonsqueezy.errors import refused, unfit
from service.sandbox.lemonsqueezy.kinds import Fields, at_least, boolean, integer, moment, nullable, one_of
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_PAUSE = Fields("mode", mode=one_of("void", "free"), resumes_at=nullable(moment))
_UPDATE = Fields(
    variant_id=integer,
    pause=nullable(_PAUSE),
    cancelled=boolean,
    billing_anchor=nullable(at_least(0, 31)),
    invoice_immediately=boolean,
    disable_prorations=boolean,
)
_ANCHORABLE = ("active", "on_trial")


def cancel(world: World, sent: Sent) -> Row:
    """Cancel at the end of the period; there is no other cancellation."""
    subscription = world.get("subscriptions", sent.row_id)
    standing.cancel(world, subscription)
    return subscription


def update(world: World, sent: Sent) -> Row:
    """Change what the request names, with its own events. Several kinds of change at once are refused before any is made."""
    subscription, wanted = world.get("subscriptions", sent.row_id), sent.attributes
    _check_single(wanted)
    variant = _variant(world, subscription, wanted)
    if "cancelled" in wanted:
        (standing.cancel if wanted["cancelled"] else standing.resume)(world, subscription)
    if "pause" in wanted:
        standing.pause(world, subscription, wanted["pause"])
    if variant is not None:
        changes.check_changeable(subscription)
        changes.change_variant(world, subscription, variant, changes.proration_of(wanted))
    if "billing_anchor" in wanted:
        _check_anchorable(subscription)
        changes.change_anchor(world, subscription, wanted["billing_anchor"])
    return subscription


def _check_single(wanted: Json) -> None:
    # What the real API makes of several at once is not documented; refusing leaves nothing half done.
    named = [name for name in ("cancelled", "pause", "variant_id", "billing_anchor") if name in wanted]
    if len(named) > 1:
        raise unfit([(f"/data/attributes/{name}", "This can't be changed together with the others.") for name in named])


def _variant(world: World, subscription: Row, wanted: Json) -> Row | None:
    """The variant to change to, None if it is the one that the subscription has."""
    wanted_id = wanted.get("variant_id", subscription.attributes["variant_id"])
    if wanted_id == subscription.attributes["variant_id"]:
        return None
    variant = world.find("variants", wanted_id)
    if variant is None or not _fits(world, variant, subscription):
        raise unfit([("/data/attributes/variant_id", "The selected variant id is invalid.")])
    return variant


def _fits(world: World, variant: Row, subscription: Row) -> bool:
    """True if the variant is sold by the same store, as a subscription."""
    product = world.get("products", variant.attributes["product_id"])
    price = world.get("prices", variant.hidden["price_id"])
    same_store: bool = product.attributes["store_id"] == subscription.attributes["store_id"]
    recurs: bool = price.attributes["category"] == "subscription"
    return same_store and recurs


def _check_anchorable(subscription: Row) -> None:
    status = subscription.attributes["status"]
    if status not in _ANCHORABLE:
        raise refused(f"The billing anchor of a subscription that is {status} cannot be changed.")


OPERATIONS = [
    Operation("PATCH", "subscriptions", "*", update, _UPDATE),
    Operation("DELETE", "subscriptions", "*", cancel),
]
