"""Paddle price -> price row."""

from __future__ import annotations

from service.model import Price, Snapshot
from service.providers.paddle.mapping.fields import Object, instant, key, money, part, seen, text, whole
from service.providers.paddle.statuses import ACTIVITY, neutral


def price(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One price. A price without a billing cycle is paid once; none is metered. Overrides by country are left out."""
    status = text(obj, "status")
    amount, code = money(obj, "unit_price")
    cycle = part(obj, "billing_cycle")
    fields = Price(
        product_id=key(obj, "product_id"),
        status=neutral(ACTIVITY, status),
        provider_status=status,
        currency=code,
        amount=amount,
        usage_type="licensed",
        interval=text(cycle, "interval"),
        interval_count=whole(cycle, "frequency"),
        created_at=instant(obj, "created_at"),
    )
    return (seen("price", "price", obj, fields, raw),)
