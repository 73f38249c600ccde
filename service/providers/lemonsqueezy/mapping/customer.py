"""Lemon Squeezy customer -> customer row."""

from __future__ import annotations

from service.model import Customer, Snapshot
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import CUSTOMER, neutral
from service.reading import instant, text


def customer(thing: Thing) -> tuple[Snapshot, ...]:
    """One customer. Its `total_revenue_currency` is no currency but an amount of US cents, whatever was paid in."""
    attributes = thing.attributes
    provider_status = text(attributes, "status")
    fields = Customer(
        status=neutral(CUSTOMER, provider_status),
        provider_status=provider_status,
        email=text(attributes, "email"),
        name=text(attributes, "name"),
        created_at=instant(attributes, "created_at"),
    )
    return (thing.snapshot("customer", thing.id, fields),)
