"""Stripe payment intent -> payment row."""

from __future__ import annotations

from service.model import Payment, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, part, ref, text, user_id
from service.providers.stripe.statuses import PAYMENT_INTENT, neutral


def payment_intent(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One payment intent. After a failed attempt Stripe puts it back to `requires_payment_method` with an error."""
    key = identity(obj)
    code = currency(obj)
    provider_status = text(obj, "status")
    error = part(obj, "last_payment_error")
    failed = provider_status == "requires_payment_method" and bool(error)
    fields = Payment(
        customer_id=ref(obj, "customer"),
        invoice_id=ref(obj, "invoice"),
        charge_id=ref(obj, "latest_charge"),
        status="failed" if failed else neutral(PAYMENT_INTENT, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount", code),
        amount_paid=money(obj, "amount_received", code),
        failure_code=text(error, "code") or text(error, "decline_code"),
        user_id=user_id(obj),
        created_at=moment(obj, "created"),
    )
    return (Snapshot(source="payment_intent", source_id=key, kind="payment", id=key, fields=fields, raw=raw),)
