"""Lemon Squeezy product -> product row."""

from __future__ import annotations

from service.model import Product, Snapshot
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import PRODUCT, neutral
from service.reading import instant, text


def product(thing: Thing) -> tuple[Snapshot, ...]:
    """One product. A draft is not for sale: `archived`, which publishing it undoes."""
    attributes = thing.attributes
    provider_status = text(attributes, "status")
    fields = Product(
        status=neutral(PRODUCT, provider_status),
        provider_status=provider_status,
        name=text(attributes, "name"),
        created_at=instant(attributes, "created_at"),
    )
    return (thing.snapshot("product", thing.id, fields),)
