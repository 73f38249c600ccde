"""Paddle customer -> customer row."""

from __future__ import annotations

from service.model import Customer, Snapshot
from service.providers.paddle.mapping.fields import Object, instant, seen, text, user_id
from service.providers.paddle.statuses import ACTIVITY, neutral


def customer(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One customer. An archived one is no deletion: it can be brought back."""
    status = text(obj, "status")
    fields = Customer(
        status=neutral(ACTIVITY, status),
        provider_status=status,
        email=text(obj, "email"),
        name=text(obj, "name"),
        user_id=user_id(obj),
        created_at=instant(obj, "created_at"),
    )
    return (seen("customer", "customer", obj, fields, raw),)
