"""What an order and a subscription invoice have in common: one object is an invoice, its payment and its refund.

Rows have the id `<type>:<id>`, since ids are unique within their type only. There is no object for a payment or a refund,
and a refund has no id: one row holds the running `refunded_amount`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.model import UNKNOWN, Invoice, Payment, Refund, Snapshot
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import PAID, neutral
from service.reading import instant, key, text

Statuses = Mapping[str, str]
_PARTLY = ("partial_refund", "partial_refunded")


def bill(
    thing: Thing, invoices: Statuses, payments: Statuses, *, number: str | None = None, reason: str | None = None
) -> tuple[Snapshot, ...]:
    """The invoice, the payment where there was anything to pay, and the refund where money went back.

    `invoices` and `payments` translate the object's status for each.
    """
    status = text(thing.attributes, "status")
    found = [_invoice(thing, status, neutral(invoices, status), number, reason)]
    if _total(thing) != 0:
        found.append(_payment(thing, status, neutral(payments, status)))
    if _refunded(thing, status) != 0:
        found.append(_refund(thing, status))
    return tuple(found)


def failed_attempt(thing: Thing, source: str) -> tuple[Snapshot, ...]:
    """The payment as a failed attempt tells of it, under a source of its own; none where there was nothing to pay."""
    if _total(thing) == 0:
        return ()
    status = text(thing.attributes, "status")
    return (_payment(thing, status, "failed", source),)


def _invoice(thing: Thing, status: str | None, neutral_status: str, number: str | None, reason: str | None) -> Snapshot:
    attributes, money, total, paid = thing.attributes, thing.money, _total(thing), _paid(thing, status)
    fields = Invoice(
        customer_id=key(attributes, "customer_id"),
        subscription_id=key(attributes, "subscription_id"),
        number=number,
        status=neutral_status,
        provider_status=status,
        currency=money.code,
        amount=total,
        subtotal=money.part("subtotal"),
        tax=money.part("tax"),
        amount_due=total,
        amount_paid=paid,
        amount_remaining=None if neutral_status == UNKNOWN else total if neutral_status == "open" else 0,
        billing_reason=reason,
        email=text(attributes, "user_email"),
        user_id=thing.user_id,
        created_at=instant(attributes, "created_at"),
        paid_at=_paid_at(thing, status),
    )
    return thing.snapshot("invoice", thing.row, fields)


def _payment(thing: Thing, status: str | None, neutral_status: str, source: str | None = None) -> Snapshot:
    attributes = thing.attributes
    fields = Payment(
        customer_id=key(attributes, "customer_id"),
        invoice_id=thing.row,
        status=neutral_status,
        provider_status=status,
        currency=thing.money.code,
        amount=_total(thing),
        amount_paid=_paid(thing, status),
        user_id=thing.user_id,
        created_at=instant(attributes, "created_at"),
        paid_at=_paid_at(thing, status),
    )
    return thing.snapshot("payment", thing.row, fields, source=source)


def _refund(thing: Thing, status: str | None) -> Snapshot:
    attributes = thing.attributes
    fields = Refund(
        payment_id=thing.row,
        customer_id=key(attributes, "customer_id"),
        status="succeeded",
        provider_status=status,
        currency=thing.money.code,
        amount=_refunded(thing, status),
        created_at=instant(attributes, "refunded_at"),
    )
    return thing.snapshot("refund", thing.row, fields)


def _total(thing: Thing) -> int | None:
    return thing.money.exact("total")


def _paid(thing: Thing, status: str | None) -> int | None:
    return _total(thing) if status in PAID else 0


def _paid_at(thing: Thing, status: str | None) -> datetime | None:
    """No attribute tells when the money came in. Creation is the only time that never changes once it is paid.

    It is right for orders and initial invoices; a renewal that was recovered was paid up to two weeks later.
    """
    return instant(thing.attributes, "created_at") if status in PAID else None


def _refunded(thing: Thing, status: str | None) -> int | None:
    """What went back so far. Old payloads tell no amount: a whole refund is the total, a partial one is unknown."""
    amount = thing.money.exact("refunded_amount")
    if amount is not None or status in _PARTLY:
        return amount
    return _total(thing) if status == "refunded" else 0
