"""Another plan, another quantity, another day: what a change in mid-period costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.billing import cycle, usage
from service.sandbox.lemonsqueezy.billing.invoicing import bill, collect, price_of, recurring
from service.sandbox.lemonsqueezy.errors import refused
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import day_of, next_day, stamp
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_CHANGEABLE = ("active", "on_trial", "past_due")


@dataclass(frozen=True, slots=True)
class Proration:
    """What happens with the difference: invoiced now, added to the next invoice, or, if `disabled`, forgotten."""

    immediately: bool = False
    disabled: bool = False


def proration_of(attributes: Json) -> Proration:
    """As a request asks for it; `disable_prorations` is stronger than `invoice_immediately`."""
    return Proration(attributes.get("invoice_immediately", False), attributes.get("disable_prorations", False))


def check_changeable(subscription: Row) -> None:
    """Refuse a change of plan or quantity in a status that has no running period.

    Raises:
        SandboxError: 422.
    """
    status = subscription.attributes["status"]
    if status not in _CHANGEABLE:
        raise refused(f"A subscription that is {status} cannot be changed.")


def change_variant(world: World, subscription: Row, variant: Row, proration: Proration) -> None:
    """Another variant from now on. Another interval begins a new period now, which is invoiced at once."""
    before, old = recurring(world, subscription), price_of(world, subscription)
    product = world.get("products", variant.attributes["product_id"])
    subscription.hidden.update(price_id=variant.hidden["price_id"], custom_price=None)
    new = price_of(world, subscription)
    _set_item(world, subscription)
    world.touch(
        subscription,
        product_id=product.id,
        variant_id=variant.id,
        product_name=product.attributes["name"],
        variant_name=variant.attributes["name"],
    )
    if _interval(old) != _interval(new) and not proration.disabled and subscription.attributes["status"] == "active":
        _begin_anew(world, subscription, before)
    else:
        _settle(world, subscription, recurring(world, subscription) - before, proration)


def change_quantity(world: World, subscription: Row, quantity: int, proration: Proration) -> None:
    """Another quantity from now on. The subscription's own `updated_at` stays unless the settings say otherwise."""
    before = recurring(world, subscription)
    subscription.hidden["quantity"] = quantity
    _set_item(world, subscription)
    if world.settings.items_touch_subscriptions:
        world.touch(subscription)
    _settle(world, subscription, recurring(world, subscription) - before, proration)


def change_anchor(world: World, subscription: Row, day: int | None) -> None:
    """Renew on another day of the month; None or 0 is now, which also ends a trial.

    Assumed, and simpler than the prorated trial that Lemon Squeezy gives: the time until the new day costs nothing.
    """
    start = next_day(world.now, day) if day else world.now
    subscription.hidden.update(anchor=start, period_end=start)
    world.touch(subscription, billing_anchor=day or day_of(start))
    if not day:
        cycle.forget(subscription, "renew")
        cycle.renew(world, subscription)
        return
    if subscription.attributes["status"] == "on_trial":
        subscription.hidden["trial_ends_at"] = stamp(start)
    world.touch(subscription, renews_at=stamp(start))
    cycle.plan(world, subscription, "renew", start)
    world.emit(subscription, "subscription_updated")


def _interval(price: Json) -> tuple[str, int]:
    return price["renewal_interval_unit"], price["renewal_interval_quantity"]


def _set_item(world: World, subscription: Row) -> None:
    """Let the item, if there is one yet, show the subscription's price and quantity."""
    item = usage.item_of(world, subscription)
    if item is not None:
        metered = price_of(world, subscription)["usage_aggregation"] is not None
        quantity = 0 if metered else subscription.hidden["quantity"]
        world.touch(item, price_id=subscription.hidden["price_id"], quantity=quantity, is_usage_based=metered)


def _left(world: World, subscription: Row) -> Decimal:
    """The part of the period that is still to come, 0 to 1."""
    start: int = subscription.hidden["period_start"]
    end: int = subscription.hidden["period_end"]
    return Decimal(max(end - world.now, 0)) / max(end - start, 1)


def _begin_anew(world: World, subscription: Row, before: int) -> None:
    credit = money.whole(before * _left(world, subscription))
    subscription.hidden["anchor"] = world.now
    end = cycle.begin_period(world, subscription)
    world.touch(subscription, renews_at=stamp(end), billing_anchor=day_of(world.now))
    cycle.plan(world, subscription, "renew", end)
    _charge(world, subscription, recurring(world, subscription) - credit)


def _settle(world: World, subscription: Row, difference: int, proration: Proration) -> None:
    """Charge or credit the difference for the rest of the period; nothing is due in a trial."""
    amount = money.whole(difference * _left(world, subscription))
    if proration.disabled or subscription.attributes["status"] == "on_trial":
        amount = 0
    if proration.immediately:
        _charge(world, subscription, amount)
        return
    subscription.hidden["carry"] += amount
    world.emit(subscription, "subscription_updated")


def _charge(world: World, subscription: Row, amount: int) -> None:
    """Bill a change now; a credit waits for the next invoice.

    A bill that cannot be collected stays pending, unannounced: `subscription_payment_failed` is only for renewals.
    """
    if amount <= 0:
        subscription.hidden["carry"] += amount
    else:
        invoice = bill(world, subscription, "updated", amount)
        if collect(world, invoice):
            world.emit(invoice, "subscription_payment_success")
    world.emit(subscription, "subscription_updated")
