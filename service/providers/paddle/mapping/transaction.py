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

    A transaction that was never issued makes no row at all. What one version makes a row of, each later version does too:
    an object that still exists but has lost a row says nothing of it, so the row would stay as it was for good.
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
    (developer.paddle.com/webhooks/transactions/transaction-created). One that was billed, or that a subscription began, is
    an invoice. A draft that is to be paid by invoice is none yet: it may be switched to a checkout (paddle-python-sdk 1.16.1,
    `UpdateTransaction.collection_mode`). Changing a card makes a transaction of nothing.
    """
    origin = text(obj, "origin") or ""
    if origin == _CARD_CHANGE:
        return False
    marks = (text(obj, name) for name in ("billed_at", "invoice_id", "invoice_number"))
    return text(obj, "status") in _BILLED or origin.startswith("subscription_") or any(marks)
