"""Stripe invoice payment -> the payment row's link to its invoice."""

from __future__ import annotations

from service.model import Payment, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, part, ref, text
from service.providers.stripe.statuses import INVOICE_PAYMENT, neutral


def invoice_payment(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One invoice payment, which since basil (2025-03-31) is the only link between an invoice and its money.

    One that names no payment yet feeds no row.
    """
    key = identity(obj)
    row = _row(part(obj, "payment"))
    if row is None:
        return ()
    code = currency(obj)
    provider_status = text(obj, "status")
    fields = Payment(
        invoice_id=ref(obj, "invoice"),
        status=neutral(INVOICE_PAYMENT, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount_requested", code),
        amount_paid=money(obj, "amount_paid", code),
        created_at=moment(obj, "created"),
        paid_at=moment(part(obj, "status_transitions"), "paid_at"),
    )
    return (Snapshot(source="invoice_payment", source_id=key, kind="payment", id=row, fields=fields, raw=raw),)


def _row(payment: Object) -> str | None:
    return ref(payment, "payment_intent") or ref(payment, "charge") or ref(payment, "payment_record")
