"""Subscription invoices: what is due, and the paying of it."""

from typing import Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.billing import usage
from service.sandbox.lemonsqueezy.billing.refunds import earn
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


def price_of(world: World, subscription: Row) -> Json:
    """The attributes of the price that the subscription pays now."""
    return world.get("prices", subscription.hidden["price_id"]).attributes


def recurring(world: World, subscription: Row) -> int:
    """What a period costs before tax, in cents of the subscription's currency; nothing if usage decides."""
    price = price_of(world, subscription)
    quantity: int = subscription.hidden["quantity"]
    if price["usage_aggregation"]:
        return 0
    custom: int | None = subscription.hidden["custom_price"]
    amount = money.cost(price, quantity) if custom is None else custom * quantity
    return money.converted(world.settings, amount, subscription.hidden["currency"])


def due(world: World, subscription: Row) -> int:
    """What the period that begins now is billed at, before tax: its price, or the usage of the one that ends.

    Prorations that wait are added; a credit beyond the price stays for the next invoice.
    """
    carried: int = subscription.hidden["carry"]
    amount = recurring(world, subscription) + _used(world, subscription) + carried
    subscription.hidden["carry"] = min(amount, 0)
    return max(amount, 0)


def _used(world: World, subscription: Row) -> int:
    item, price = usage.item_of(world, subscription), price_of(world, subscription)
    if item is None or not price["usage_aggregation"]:
        return 0
    cents = money.cost(price, usage.current(world, item)[2])
    return money.converted(world.settings, cents, subscription.hidden["currency"])


def bill(world: World, subscription: Row, reason: str, subtotal: int, status: str = "pending") -> Row:
    """Issue an invoice, which nobody is told about until it is paid or fails."""
    amounts = money.totals(world.settings, subscription.hidden["currency"], subtotal)
    del amounts["setup_fee"]
    owner = ("store_id", "customer_id", "user_name", "user_email", "card_brand", "card_last_four")
    attributes = {
        "subscription_id": subscription.id,
        **{name: subscription.attributes[name] for name in owner},
        "billing_reason": reason,
        "status": status,
        **amounts,
        "refunded": False,
        "refunded_at": None,
        "refunded_amount": 0,
    }
    custom = subscription.hidden["custom"]
    return world.add("subscription-invoices", attributes, custom=custom, uuid=world.uuid(), order_id=None)


def collect(world: World, invoice: Row) -> bool:
    """Try to take the money: the invoice is paid, or pending as before. Nothing at all is always paid."""
    if invoice.attributes["total"] > 0 and world.payments.fails(invoice.attributes["customer_id"]):
        world.touch(invoice)
        return False
    world.touch(invoice, status="paid")
    earn(world, invoice, invoice.attributes["total"])
    return True
