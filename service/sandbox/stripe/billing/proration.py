"""Changes in the middle of a period: the unused part is credited, the rest is charged."""

from typing import Any

from service.sandbox.stripe.billing.lines import amount_of, pricing_of
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def share(amount: int, start: int, end: int, at: int) -> int:
    """The part of `amount` that belongs to the time from `at` to the end of the period, rounded half up."""
    length = max(end - start, 1)
    left = max(min(end - at, length), 0)
    return (2 * amount * left + length) // (2 * length)


def credit(world: World, subscription: Json, item: Json, at: int) -> None:
    """Credit the unused time of an item as it is now."""
    quantity = item.get("quantity") or 0
    unused = share(amount_of(item["price"], quantity), item["current_period_start"], item["current_period_end"], at)
    _pending(world, subscription, item, -unused, quantity, at, "Unused time on")


def debit(world: World, subscription: Json, item: Json, at: int) -> None:
    """Charge the remaining time of an item as it is now."""
    quantity = item.get("quantity") or 0
    rest = share(amount_of(item["price"], quantity), item["current_period_start"], item["current_period_end"], at)
    _pending(world, subscription, item, rest, quantity, at, "Remaining time on")


def _pending(world: World, subscription: Json, item: Json, amount: int, quantity: int, at: int, words: str) -> None:
    if item["price"]["recurring"]["usage_type"] == "metered" or amount == 0:
        return
    parent = {
        "type": "subscription_details",
        "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
    }
    world.add(
        "invoiceitem",
        "ii",
        ["invoiceitem.created"],
        amount=amount,
        net_amount=amount,
        currency=subscription["currency"],
        customer=subscription["customer"],
        date=world.now,
        description=f"{words} {quantity} x {item['price']['product']}",
        discountable=False,
        parent=parent,
        period={"start": at, "end": item["current_period_end"]},
        pricing=pricing_of(item["price"]),
        proration=True,
        quantity=quantity,
        quantity_decimal=str(quantity),
    )
