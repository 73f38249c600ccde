"""Stripe price -> price row, and what items and lines say of their price."""

from __future__ import annotations

from service.model import Price, Snapshot
from service.providers.stripe.mapping.fields import (
    Object,
    currency,
    flag,
    identity,
    moment,
    money,
    part,
    ref,
    text,
    whole,
)
from service.providers.stripe.statuses import activity


def price(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One price; `amount` is None for tiered prices and for amounts finer than Stripe's smallest unit."""
    key = identity(obj)
    code = currency(obj)
    recurring = part(obj, "recurring")
    status, provider_status = activity(flag(obj, "active"))
    fields = Price(
        product_id=ref(obj, "product"),
        status=status,
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "unit_amount", code),
        usage_type=text(recurring, "usage_type"),
        interval=text(recurring, "interval"),
        interval_count=whole(recurring, "interval_count"),
        created_at=moment(obj, "created"),
    )
    deleted = obj.get("deleted") is True
    return (Snapshot(source="price", source_id=key, kind="price", id=key, fields=fields, deleted=deleted, raw=raw),)
