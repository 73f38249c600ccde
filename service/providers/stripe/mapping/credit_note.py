"""Stripe credit note -> credit note row."""

from __future__ import annotations

from service.model import CreditNote, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, ref, text
from service.providers.stripe.statuses import CREDIT_NOTE, neutral


def credit_note(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One credit note."""
    key = identity(obj)
    code = currency(obj)
    provider_status = text(obj, "status")
    fields = CreditNote(
        customer_id=ref(obj, "customer"),
        invoice_id=ref(obj, "invoice"),
        number=text(obj, "number"),
        status=neutral(CREDIT_NOTE, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount", code),
        reason=text(obj, "reason"),
        created_at=moment(obj, "created"),
        voided_at=moment(obj, "voided_at"),
    )
    return (Snapshot(source="credit_note", source_id=key, kind="credit_note", id=key, fields=fields, raw=raw),)
