"""The types of objects: how they belong together, what their lists filter by, and what is shown beyond what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.sandbox.lemonsqueezy import shown
from service.sandbox.lemonsqueezy.table import Row

if TYPE_CHECKING:
    from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]
Show = Callable[["World", Row], Json]


@dataclass(frozen=True, slots=True)
class Relation:
    """How objects of one type point to others: by an attribute of their own, or, if `many`, of the others'."""

    name: str
    kind: str
    key: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One type. `filters` are names of attributes; `show` are attributes derived anew, `urls` those with signatures."""

    relations: tuple[Relation, ...] = ()
    filters: tuple[str, ...] = ()
    show: Show = shown.nothing
    urls: Show = shown.nothing


def _one(*names: str) -> tuple[Relation, ...]:
    return tuple(Relation(name, f"{name}s", f"{name.replace('-', '_')}_id") for name in names)


def _many(key: str, *kinds: str) -> tuple[Relation, ...]:
    return tuple(Relation(kind, kind, key, many=True) for kind in kinds)


SHAPES: dict[str, Shape] = {
    "users": Shape(),
    "stores": Shape(
        _many("store_id", "products", "orders", "subscriptions", "discounts", "license-keys", "webhooks"),
        show=shown.store,
    ),
    "customers": Shape(
        (*_one("store"), *_many("customer_id", "orders", "subscriptions", "license-keys")),
        ("store_id", "email"),
        shown.customer,
        shown.customer_urls,
    ),
    "products": Shape((*_one("store"), *_many("product_id", "variants")), ("store_id",), shown.product),
    "variants": Shape(
        (*_one("product"), *_many("variant_id", "files"), Relation("price-model", "prices", "price_id")),
        ("product_id", "status"),
        shown.variant,
    ),
    "prices": Shape(_one("variant"), ("variant_id",)),
    "orders": Shape(
        (
            *_one("store", "customer"),
            *_many("order_id", "order-items", "subscriptions", "license-keys", "discount-redemptions"),
        ),
        ("store_id", "user_email"),
        shown.order,
        shown.order_urls,
    ),
    "order-items": Shape(_one("order", "product", "variant"), ("order_id", "product_id", "variant_id")),
    "subscriptions": Shape(
        (
            *_one("store", "customer", "order", "order-item", "product", "variant"),
            *_many("subscription_id", "subscription-items", "subscription-invoices"),
        ),
        ("store_id", "order_id", "order_item_id", "product_id", "variant_id", "user_email", "status"),
        shown.subscription,
        shown.subscription_urls,
    ),
    "subscription-items": Shape(
        (*_one("subscription", "price"), *_many("subscription_item_id", "usage-records")),
        ("subscription_id", "price_id"),
    ),
    "subscription-invoices": Shape(
        _one("store", "subscription", "customer"),
        ("store_id", "status", "refunded", "subscription_id"),
        shown.invoice,
        shown.invoice_urls,
    ),
    "usage-records": Shape(_one("subscription-item"), ("subscription_item_id",)),
    "checkouts": Shape(_one("store", "variant"), ("store_id", "variant_id"), urls=shown.checkout_urls),
    "webhooks": Shape(_one("store"), ("store_id",)),
    # Types that others point to and that the stand-in never makes: their lists are empty.
    "discounts": Shape(),
    "discount-redemptions": Shape(),
    "files": Shape(),
    "license-keys": Shape(),
}
