"""Paddle transaction -> invoice row and, where money moved or was tried, payment row."""

from __future__ import annotations

from service.model import Snapshot
from service.providers.paddle.mapping.fields import Object, seen, text
from service.providers.paddle.mapping.invoice import invoice
from service.providers.paddle.mapping.payment import payment

_BILLED = frozenset(("billed", "past_due", "paid", "completed"))
_CARD_CHANGE = "subscription_payment_method_change"


def transaction(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One transaction: an invoice of its id and, beside it, its payment of the same id.

    A transaction that was never issued makes no row at all.
    """
    if not issued(obj):
        return ()
    rows = [seen("transaction", "invoice", obj, invoice(obj), raw)]
    paid = payment(obj)
    if paid is not None:
        rows.append(seen("transaction", "payment", obj, paid, raw))
    return tuple(rows)


def issued(obj: Object) -> bool:
    """True where a transaction is an invoice, not just an opened checkout. Pure.

    Opening a checkout makes a draft transaction, and most checkouts are never finished
    (developer.paddle.com/webhooks/transactions/transaction-created). One that was billed, or that only billing can follow
    (by hand, or by a subscription), is an invoice. Changing a card makes a transaction of nothing.
    """
    origin = text(obj, "origin") or ""
    if origin == _CARD_CHANGE:
        return False
    if text(obj, "status") in _BILLED or text(obj, "collection_mode") == "manual":
        return True
    marks = (text(obj, name) for name in ("billed_at", "invoice_id", "invoice_number"))
    return origin.startswith("subscription_") or any(marks)
