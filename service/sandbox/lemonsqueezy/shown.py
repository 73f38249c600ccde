"""Attributes that are derived each time an object is shown, by type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import unix

if TYPE_CHECKING:
    from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_SITE = "https://{}.lemonsqueezy.com"
_MONTHLY = {"day": Decimal(365) / 12, "week": Decimal(52) / 12, "month": Decimal(1), "year": Decimal(1) / 12}
_EARNING = ("active", "past_due")
_MONTH_SECONDS = 30 * 86_400
_SOLD = ("paid", "partial_refund", "refunded")


def nothing(_world: World, _row: Row) -> Json:
    """No derived attributes."""
    return {}


def store(world: World, row: Row) -> Json:
    """Sales so far, and those of the last thirty days, in US cents."""
    orders = (each for each in world.tables["orders"] if each.attributes["store_id"] == row.id)
    sold = [each for each in orders if each.attributes["status"] in _SOLD]
    recent = [each for each in sold if unix(each.attributes["created_at"]) > world.now - _MONTH_SECONDS]
    return {
        "total_sales": len(sold),
        "total_revenue": _revenue(sold),
        "thirty_day_sales": len(recent),
        "thirty_day_revenue": _revenue(recent),
    }


def _revenue(orders: list[Row]) -> int:
    kept = ((each.attributes["total"] - each.attributes["refunded_amount"], each) for each in orders)
    return sum(money.usd(amount, order.attributes["currency_rate"]) for amount, order in kept)


def customer(world: World, row: Row) -> Json:
    """Formatted copies, and the monthly recurring revenue of the subscriptions that are paid for now, in US cents."""
    mrr = money.whole(sum((_monthly(world, each) for each in row.hidden["subscriptions"]), Decimal(0)))
    return {
        "mrr": mrr,
        "status_formatted": titled(row.attributes["status"]),
        "country_formatted": row.attributes["country"],
        "total_revenue_currency_formatted": money.formatted(row.attributes["total_revenue_currency"], "USD"),
        "mrr_formatted": money.formatted(mrr, "USD"),
    }


def _monthly(world: World, subscription_id: int) -> Decimal:
    subscription = world.get("subscriptions", subscription_id)
    if subscription.attributes["status"] not in _EARNING:
        return Decimal(0)
    price = world.get("prices", subscription.hidden["price_id"]).attributes
    amount = 0 if price["usage_aggregation"] else money.cost(price, subscription.hidden["quantity"])
    dollars = money.usd(amount, world.settings.rates[world.settings.currency])
    step: int = price["renewal_interval_quantity"]
    return dollars * _MONTHLY[price["renewal_interval_unit"]] / step


def customer_urls(world: World, row: Row) -> Json:
    """The portal, for customers that have bought a subscription."""
    has = bool(row.hidden["subscriptions"])
    return {"urls": {"customer_portal": _portal(world, row.attributes["store_id"]) if has else None}}


def product(world: World, row: Row) -> Json:
    """Prices from the variants, and the texts that follow from the name."""
    variants = [each for each in world.tables["variants"] if each.attributes["product_id"] == row.id]
    amounts = [_variant_amount(world, each) for each in variants] or [0]
    several = len(variants) > 1
    return {
        "status_formatted": titled(row.attributes["status"]),
        "price": amounts[0],
        "price_formatted": money.formatted(amounts[0], world.settings.currency),
        "from_price": min(amounts) if several else None,
        "to_price": max(amounts) if several else None,
        "buy_now_url": f"{_site(world, row.attributes['store_id'])}/checkout/buy/{row.hidden['uuid']}",
    }


def _variant_amount(world: World, row: Row) -> int:
    return int(world.get("prices", row.hidden["price_id"]).attributes["unit_price"] or 0)


def variant(world: World, row: Row) -> Json:
    """The deprecated copies of the variant's current price."""
    price = world.get("prices", row.hidden["price_id"]).attributes
    return {
        "status_formatted": titled(row.attributes["status"]),
        "price": price["unit_price"] or 0,
        "is_subscription": price["category"] == "subscription",
        "interval": price["renewal_interval_unit"],
        "interval_count": price["renewal_interval_quantity"],
        "has_free_trial": price["trial_interval_unit"] is not None,
        "trial_interval": price["trial_interval_unit"],
        "trial_interval_count": price["trial_interval_quantity"],
        "pay_what_you_want": False,
        "min_price": 0,
        "suggested_price": 0,
    }


def order(world: World, row: Row) -> Json:
    """Copies of the amounts, and the first item in full."""
    item = world.get("order-items", row.hidden["item_id"])
    return {
        **money.copies(row.attributes),
        "status_formatted": titled(row.attributes["status"]),
        "first_order_item": {"id": item.id, **item.attributes},
    }


def order_urls(world: World, row: Row) -> Json:
    """The receipt."""
    return {"urls": {"receipt": world.signed(f"https://app.lemonsqueezy.com/my-orders/{row.attributes['identifier']}")}}


def subscription(world: World, row: Row) -> Json:
    """What depends on the status, and the first item, which does not exist during a trial."""
    status, item_id = row.attributes["status"], row.hidden["item_id"]
    item = None if item_id is None else world.get("subscription-items", item_id)
    return {
        "status_formatted": titled(status),
        "pause": row.hidden["pause"] if status == "paused" else None,
        "trial_ends_at": row.hidden["trial_ends_at"] if status == "on_trial" else None,
        "first_subscription_item": None if item is None else {"id": item.id, **item.attributes},
    }


def subscription_urls(world: World, row: Row) -> Json:
    """The links that the customer manages the subscription with."""
    site = _site(world, row.attributes["store_id"])
    return {
        "urls": {
            "update_payment_method": world.signed(f"{site}/subscription/{row.id}/payment-details"),
            "customer_portal": _portal(world, row.attributes["store_id"]),
            "customer_portal_update_subscription": world.signed(f"{site}/billing/{row.id}/update"),
        }
    }


def invoice(_world: World, row: Row) -> Json:
    """Copies of the amounts."""
    return {**money.copies(row.attributes), "status_formatted": titled(row.attributes["status"])}


def invoice_urls(world: World, row: Row) -> Json:
    """The PDF, null while the invoice is pending."""
    url = f"https://app.lemonsqueezy.com/my-orders/{row.hidden['uuid']}/subscription-invoice/{row.id}"
    return {"urls": {"invoice_url": None if row.attributes["status"] == "pending" else world.signed(url)}}


def checkout_urls(world: World, row: Row) -> Json:
    """Where the buyer pays."""
    return {"url": world.signed(f"{_site(world, row.attributes['store_id'])}/checkout/custom/{row.hidden['uuid']}")}


def titled(word: str) -> str:
    """`past_due` as `Past due`."""
    return word.replace("_", " ").capitalize()


def _site(world: World, store_id: int) -> str:
    return _SITE.format(world.get("stores", store_id).attributes["slug"])


def _portal(world: World, store_id: int) -> str:
    return world.signed(f"{_site(world, store_id)}/billing")
