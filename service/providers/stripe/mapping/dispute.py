"""Stripe dispute -> dispute row."""

from __future__ import annotations

from service.model import Dispute, Snapshot
from service.providers.stripe.mapping.fields import Object, currency, identity, moment, money, part, ref, text
from service.providers.stripe.statuses import DISPUTE, neutral


def dispute(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One dispute; `due_at` is the bank's deadline for evidence."""
    key = identity(obj)
    code = currency(obj)
    provider_status = text(obj, "status")
    charge_id = ref(obj, "charge")
    fields = Dispute(
        payment_id=ref(obj, "payment_intent") or charge_id,
        charge_id=charge_id,
        status=neutral(DISPUTE, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "amount", code),
        reason=text(obj, "reason"),
        created_at=moment(obj, "created"),
        due_at=moment(part(obj, "evidence_details"), "due_by"),
    )
    return (Snapshot(source="dispute", source_id=key, kind="dispute", id=key, fields=fields, raw=raw),)
