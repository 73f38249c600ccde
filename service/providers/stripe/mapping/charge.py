"""Stripe charge -> its part of the payment row."""

from __future__ import annotations

from service.model import Payment, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, ref, text
from service.providers.stripe.statuses import CHARGE, neutral


def charge(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One charge, feeding the row of its payment intent, or a row of its own where it has none.

    `amount_refunded` is left out: it is the sum of the refund rows.
    """
    key = identity(obj)
    code = currency(obj)
    provider_status = text(obj, "status")
    status = _status(obj, provider_status)
    fields = Payment(
        customer_id=ref(obj, "customer"),
        invoice_id=ref(obj, "invoice"),
        charge_id=key,
        status=status,
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount", code),
        amount_paid=money(obj, "amount_captured", code),
        failure_code=text(obj, "failure_code"),
        created_at=moment(obj, "created"),
        paid_at=moment(obj, "created") if status == "succeeded" else None,
    )
    row = ref(obj, "payment_intent") or key
    return (Snapshot(source="charge", source_id=key, kind="payment", id=row, fields=fields, raw=raw),)


def _status(obj: Object, provider_status: str | None) -> str:
    # Stripe says `succeeded` of a mere authorization too, and of one that expired, which it marks as refunded.
    if provider_status == "succeeded" and obj.get("captured") is False:
        return "canceled" if obj.get("refunded") is True else "authorized"
    return neutral(CHARGE, provider_status)
