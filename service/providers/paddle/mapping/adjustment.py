"""Paddle adjustment -> refund, credit note or dispute row, by its action."""

from __future__ import annotations

from typing import Final

from service.model import CreditNote, Dispute, Refund, Snapshot
from service.providers.paddle.mapping.fields import Object, currency, instant, key, part, seen, text, units
from service.providers.paddle.statuses import CREDIT_NOTE, DISPUTE, REFUND, neutral

SOURCE: Final = "adjustment"


def adjustment(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One adjustment. Its action, which never changes, says what row it is; an unknown action makes none.

    `credit_reverse` makes none either: the credit that it takes back says `reversed` itself.
    """
    action = text(obj, "action") or ""
    if action == "refund":
        return (seen(SOURCE, "refund", obj, _refund(obj), raw),)
    if action == "credit":
        return (seen(SOURCE, "credit_note", obj, _credit_note(obj), raw),)
    if action in DISPUTE:
        return (seen(SOURCE, "dispute", obj, _dispute(obj, action), raw),)
    return ()


def _refund(obj: Object) -> Refund:
    status = text(obj, "status")
    return Refund(
        payment_id=key(obj, "transaction_id"),
        customer_id=key(obj, "customer_id"),
        status=neutral(REFUND, status),
        provider_status=status,
        currency=currency(obj, "currency_code"),
        amount=_amount(obj),
        reason=text(obj, "reason"),
        created_at=instant(obj, "created_at"),
    )


def _credit_note(obj: Object) -> CreditNote:
    status = text(obj, "status")
    return CreditNote(
        customer_id=key(obj, "customer_id"),
        invoice_id=key(obj, "transaction_id"),
        status=neutral(CREDIT_NOTE, status),
        provider_status=status,
        currency=currency(obj, "currency_code"),
        amount=_amount(obj),
        reason=text(obj, "reason"),
        created_at=instant(obj, "created_at"),
    )


def _dispute(obj: Object, action: str) -> Dispute:
    status = text(obj, "status")
    return Dispute(
        payment_id=key(obj, "transaction_id"),
        status=neutral(DISPUTE[action], status),
        provider_status=status,
        currency=currency(obj, "currency_code"),
        amount=_amount(obj),
        reason=text(obj, "reason"),
        created_at=instant(obj, "created_at"),
    )


def _amount(obj: Object) -> int | None:
    return units(part(obj, "totals"), "total")
