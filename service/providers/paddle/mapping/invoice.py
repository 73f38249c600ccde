"""Paddle transaction with its lines -> the content of an invoice row."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.model import Invoice, InvoiceLine
from service.providers.paddle.mapping.amounts import due, paid, paid_at, totals
from service.providers.paddle.mapping.fields import (
    Object,
    collection,
    currency,
    instant,
    key,
    objects,
    own_key,
    part,
    text,
    units,
    user_id,
    whole,
)
from service.providers.paddle.statuses import INVOICE, neutral

_DAYS = {"day": 1, "week": 7}


def invoice(obj: Object) -> Invoice:
    """The invoice that a transaction is. `amount` is its total, `amount_due` what is left of that after credit.

    The buyer's e-mail stands with the customer alone.
    """
    status, asked, sums = text(obj, "status"), due(obj), totals(obj)
    return Invoice(
        customer_id=key(obj, "customer_id"),
        subscription_id=key(obj, "subscription_id"),
        number=text(obj, "invoice_number"),
        status=neutral(INVOICE, status),
        provider_status=status,
        currency=currency(obj, "currency_code"),
        amount=units(sums, "total"),
        subtotal=units(sums, "subtotal"),
        tax=units(sums, "tax"),
        amount_due=asked,
        amount_paid=asked if asked is None or paid(obj) else 0,
        amount_remaining=0 if asked is not None and paid(obj) else asked,
        billing_reason=text(obj, "origin"),
        collection_method=collection(obj),
        user_id=user_id(obj),
        created_at=instant(obj, "created_at"),
        issued_at=instant(obj, "billed_at"),
        due_at=_due_at(obj),
        paid_at=paid_at(obj),
        lines=_lines(obj),
    )


def _due_at(obj: Object) -> datetime | None:
    """End of the payment terms, where they are counted in days or weeks: how Paddle ends a month is not documented."""
    billed, terms = instant(obj, "billed_at"), part(part(obj, "billing_details"), "payment_terms")
    days, count = _DAYS.get(text(terms, "interval") or ""), whole(terms, "frequency")
    if billed is None or days is None or count is None:
        return None
    try:
        return billed + timedelta(days=days * count)
    except OverflowError:
        return None


def _lines(obj: Object) -> tuple[InvoiceLine, ...]:
    lines = (_line(each, obj) for each in objects(part(obj, "details"), "line_items"))
    return tuple(sorted(lines, key=lambda line: line.id))


def _line(obj: Object, parent: Object) -> InvoiceLine:
    """One line; its amount is before discount and tax. A line without a period of its own bills the transaction's."""
    proration = part(obj, "proration")
    period = part(proration, "billing_period") or part(parent, "billing_period")
    return InvoiceLine(
        id=own_key(obj),
        amount=units(part(obj, "totals"), "subtotal"),
        currency=currency(parent, "currency_code"),
        quantity=whole(obj, "quantity"),
        price_id=key(obj, "price_id"),
        proration=bool(proration),
        period_start=instant(period, "starts_at"),
        period_end=instant(period, "ends_at"),
    )
