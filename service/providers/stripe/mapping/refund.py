"""Stripe refund -> refund row."""

from __future__ import annotations

from service.model import Refund, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, ref, text
from service.providers.stripe.statuses import REFUND, neutral


def refund(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One refund; `customer` is there since endive (2026-09-30)."""
    key = identity(obj)
    code = currency(obj)
    provider_status = text(obj, "status")
    charge_id = ref(obj, "charge")
    fields = Refund(
        payment_id=ref(obj, "payment_intent") or charge_id,
        charge_id=charge_id,
        customer_id=ref(obj, "customer"),
        status=neutral(REFUND, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount", code),
        reason=text(obj, "reason"),
        failure_reason=text(obj, "failure_reason"),
        created_at=moment(obj, "created"),
    )
    return (Snapshot(source="refund", source_id=key, kind="refund", id=key, fields=fields, raw=raw),)
