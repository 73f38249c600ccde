"""Paddle product -> product row."""

from __future__ import annotations

from service.model import Product, Snapshot
from service.providers.paddle.mapping.fields import Object, instant, seen, text
from service.providers.paddle.statuses import ACTIVITY, neutral


def product(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One product; an archived one can be brought back."""
    status = text(obj, "status")
    fields = Product(
        status=neutral(ACTIVITY, status),
        provider_status=status,
        name=text(obj, "name"),
        created_at=instant(obj, "created_at"),
    )
    return (seen("product", "product", obj, fields, raw),)
