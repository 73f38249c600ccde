"""Stripe product -> product row."""

from __future__ import annotations

from service.model import Product, Snapshot
from service.providers.stripe.mapping.fields import Object, flag, identity, moment, text
from service.providers.stripe.statuses import activity


def product(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One product; switched off (`active: false`) it is `archived`, which can be undone."""
    key = identity(obj)
    status, provider_status = activity(flag(obj, "active"))
    fields = Product(
        status=status,
        provider_status=provider_status,
        name=text(obj, "name"),
        created_at=moment(obj, "created"),
    )
    deleted = obj.get("deleted") is True
    return (Snapshot(source="product", source_id=key, kind="product", id=key, fields=fields, deleted=deleted, raw=raw),)
