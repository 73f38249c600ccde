"""Invoice lines."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service.sandbox.stripe.shapes import fresh
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def is_metered(item: Json) -> bool:
    """True if the subscription item is billed by usage, after its period."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def amount_of(price: Json, quantity: int) -> int:
    """Quantity times unit amount, in minor units, half a unit rounded up."""
    exact = Decimal(price["unit_amount_decimal"]) * quantity
    return int(exact.to_integral_value(ROUND_HALF_UP))


def pricing_of(price: Json) -> Json:
    """How a line or an invoice item names its price."""
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def for_item(world: World, subscription: Json, item: Json, period: tuple[int, int], quantity: int, amount: int) -> Json:
    """The line of a subscription item for one period."""
    parent = {
        "type": "subscription_item_details",
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
    }
    return fresh(
        "line_item",
        id=world.ids.new("il"),
        amount=amount,
        subtotal=amount,
        currency=item["price"]["currency"],
        description=f"{quantity} x {item['price']['nickname'] or item['price']['product']}",
        metadata=dict(subscription["metadata"]),
        parent=parent,
        period={"start": period[0], "end": period[1]},
        pricing=pricing_of(item["price"]),
        quantity=quantity,
        quantity_decimal=str(quantity),
        subscription=subscription["id"],
    )


def for_invoiceitem(world: World, pending: Json) -> Json:
    """The line that an invoice item becomes."""
    details = (pending["parent"] or {}).get("subscription_details") or {}
    parent = {
        "type": "invoice_item_details",
        "subscription_item_details": None,
        "invoice_item_details": {
            "invoice_item": pending["id"],
            "proration": pending["proration"],
            "proration_details": {"credited_items": None},
            "subscription": details.get("subscription"),
        },
    }
    return fresh(
        "line_item",
        id=world.ids.new("il"),
        amount=pending["amount"],
        subtotal=pending["amount"],
        currency=pending["currency"],
        description=pending["description"],
        metadata=dict(pending["metadata"]),
        parent=parent,
        period=pending["period"],
        pricing=pending["pricing"],
        quantity=pending["quantity"],
        quantity_decimal=str(pending["quantity"]),
        subscription=details.get("subscription"),
    )
