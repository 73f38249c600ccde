"""Stripe customer -> customer row."""

from __future__ import annotations

from service.model import Customer, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, text, user_id


def customer(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One customer; a deleted one comes as `{id, object, deleted: true}` from the API and whole from an event."""
    key = identity(obj)
    fields = Customer(
        email=text(obj, "email"),
        name=text(obj, "name"),
        currency=currency(obj),
        user_id=user_id(obj),
        created_at=moment(obj, "created"),
    )
    deleted = obj.get("deleted") is True
    return (
        Snapshot(source="customer", source_id=key, kind="customer", id=key, fields=fields, deleted=deleted, raw=raw),
    )
