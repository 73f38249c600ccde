"""Stores, products, variants and prices: the API only reads them, a store's owner makes them in the dashboard."""

import re
from typing import Any

from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import UNITS
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

SCHEMES = ("standard", "package", "graduated", "volume")
AGGREGATIONS = ("sum", "last_during_period", "last_ever", "max")


def open_account(world: World) -> None:
    """The user and the first store."""
    user = {"name": "Ada", "email": "ada@example.com", "color": "#7047EB", "avatar_url": "", "has_custom_avatar": False}
    world.add("users", user)
    add_store(world, "Sandbox")


def add_store(world: World, name: str) -> Row:
    """Open a store in the account's currency."""
    domain = f"{_slug(name)}.lemonsqueezy.com"
    attributes = {"name": name, "slug": _slug(name), "domain": domain, "url": f"https://{domain}", "avatar_url": ""}
    place = {"plan": "fresh", "country": "US", "country_nicename": "United States"}
    return world.add("stores", attributes | place | {"currency": world.settings.currency})


def add_product(world: World, store: Row, name: str) -> Row:
    """Publish a product, which nobody can buy before it has a variant."""
    attributes = {
        "store_id": store.id,
        "name": name,
        "slug": _slug(name),
        "description": "",
        "status": "published",
        "thumb_url": None,
        "large_thumb_url": None,
        "pay_what_you_want": False,
    }
    return world.add("products", attributes, uuid=world.uuid())


def add_variant(world: World, product: Row, name: str, **price: Any) -> Row:
    """Publish a variant with its first price; `price` is what `priced` takes.

    Raises:
        ValueError: as `priced` does.
    """
    checked = priced(**price)
    attributes = {
        "product_id": product.id,
        "name": name,
        "slug": world.uuid(),
        "description": "",
        "links": [],
        "has_license_keys": False,
        "license_activation_limit": 5,
        "is_license_limit_unlimited": False,
        "license_length_value": 1,
        "license_length_unit": "years",
        "is_license_length_unlimited": True,
        "sort": 1 + sum(each.attributes["product_id"] == product.id for each in world.tables["variants"]),
        "status": "published",
    }
    variant = world.add("variants", attributes, price_id=None)
    add_price(world, variant, checked)
    return variant


def add_price(world: World, variant: Row, attributes: Json) -> Row:
    """Give a variant a new price with these attributes; running subscriptions keep the old one."""
    row = world.add("prices", {"variant_id": variant.id} | attributes)
    variant.hidden["price_id"] = row.id
    world.touch(variant)
    return row


def priced(
    unit_price: int | str = 1_900,
    *,
    interval: str | None = "month",
    interval_count: int = 1,
    trial_days: int = 0,
    usage: str | None = None,
    setup_fee: int = 0,
    scheme: str = "standard",
    package_size: int = 1,
    tiers: list[Json] | None = None,
) -> Json:
    """A price's attributes. `unit_price` is cents, a decimal text if `usage` names an aggregation.

    Raises:
        ValueError: no such interval, scheme or aggregation, or a scheme without its tiers.
    """
    _check(interval, scheme, usage, tiers)
    recurs = interval is not None
    return {
        "category": "subscription" if recurs else "one_time",
        "scheme": scheme,
        "usage_aggregation": usage,
        "unit_price": None if usage else int(unit_price),
        "unit_price_decimal": str(unit_price) if usage else None,
        "setup_fee_enabled": setup_fee > 0 if recurs else None,
        "setup_fee": setup_fee if recurs else None,
        "package_size": package_size,
        "tiers": tiers and [_tier(each) for each in tiers],
        "renewal_interval_unit": interval,
        "renewal_interval_quantity": interval_count if recurs else None,
        "trial_interval_unit": "day" if trial_days else None,
        "trial_interval_quantity": trial_days or None,
        "min_price": None,
        "suggested_price": None,
        "tax_code": "saas",
    }


def _tier(tier: Json) -> Json:
    return {"unit_price": 0, "unit_price_decimal": None, "fixed_fee": 0} | tier


def _check(interval: str | None, scheme: str, usage: str | None, tiers: list[Json] | None) -> None:
    if interval is not None and interval not in UNITS:
        raise ValueError(f"no such interval: {interval}")
    if scheme not in SCHEMES:
        raise ValueError(f"no such scheme: {scheme}")
    if usage is not None and (usage not in AGGREGATIONS or interval is None):
        raise ValueError(f"no such usage aggregation: {usage}")
    if scheme in ("graduated", "volume") and (not tiers or tiers[-1]["last_unit"] != "inf"):
        raise ValueError(f"a {scheme} price has tiers, the last one up to inf")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"
