"""Stripe invoice with its lines -> invoice row, and the payments that the invoice itself names."""

from __future__ import annotations

from service.model import Invoice, InvoiceLine, Payment, Snapshot
from service.providers.stripe.mapping.fields import (
    Object,
    currency,
    entries,
    identity,
    moment,
    money,
    part,
    ref,
    text,
    user_id,
    whole,
)
from service.providers.stripe.mapping.invoice_payment import invoice_payment
from service.providers.stripe.money import minor_units
from service.providers.stripe.statuses import INVOICE, neutral


def invoice(obj: Object, raw: str | None) -> tuple[Snapshot, ...]:
    """One invoice, followed by a link for each payment that it names.

    Basil (2025-03-31) moved `subscription` under `parent`, `tax` into `total_taxes`, and `payment_intent` and `charge`
    into the list `payments`, which comes only when expanded.
    """
    key = identity(obj)
    deleted = obj.get("deleted") is True
    own = Snapshot(
        source="invoice", source_id=key, kind="invoice", id=key, fields=_fields(obj), deleted=deleted, raw=raw
    )
    return (own, *_links(obj, key))


def _fields(obj: Object) -> Invoice:
    code = currency(obj)
    provider_status = text(obj, "status")
    origin = part(part(obj, "parent"), "subscription_details")
    transitions = part(obj, "status_transitions")
    return Invoice(
        customer_id=ref(obj, "customer"),
        subscription_id=ref(origin, "subscription") or ref(obj, "subscription"),
        number=text(obj, "number"),
        status=neutral(INVOICE, provider_status),
        provider_status=provider_status,
        currency=code,
        amount=money(obj, "total", code),
        subtotal=money(obj, "subtotal", code),
        tax=_tax(obj, code),
        amount_due=money(obj, "amount_due", code),
        amount_paid=money(obj, "amount_paid", code),
        amount_remaining=money(obj, "amount_remaining", code),
        billing_reason=text(obj, "billing_reason"),
        collection_method=text(obj, "collection_method"),
        email=text(obj, "customer_email"),
        user_id=user_id(origin) or user_id(part(obj, "subscription_details")) or user_id(obj),
        created_at=moment(obj, "created"),
        issued_at=moment(transitions, "finalized_at"),
        due_at=moment(obj, "due_date"),
        paid_at=moment(transitions, "paid_at"),
        voided_at=moment(transitions, "voided_at"),
        lines=tuple(sorted((_line(each) for each in entries(obj, "lines")), key=_by_id)),
    )


def _tax(obj: Object, code: str | None) -> int | None:
    # An invoice without taxes says null or an empty list, differently in different versions; all of it is None here.
    taxes = entries(obj, "total_taxes") or entries(obj, "total_tax_amounts")
    if not taxes or code is None:
        return money(obj, "tax", code)
    return minor_units(sum(whole(each, "amount") or 0 for each in taxes), code)


def _line(obj: Object) -> InvoiceLine:
    code = currency(obj)
    origin = _origin(obj)
    period = part(obj, "period")
    return InvoiceLine(
        id=identity(obj),
        amount=money(obj, "amount", code),
        currency=code,
        description=text(obj, "description"),
        quantity=whole(obj, "quantity"),
        price_id=_price_id(obj),
        subscription_item_id=ref(origin, "subscription_item"),
        proration=origin.get("proration") is True,
        period_start=moment(period, "start"),
        period_end=moment(period, "end"),
    )


def _origin(line: Object) -> Object:
    """What the line was made from. Before basil `subscription_item` and `proration` stood on the line itself."""
    parent = part(line, "parent")
    return part(parent, text(parent, "type") or "subscription_item_details") if parent else line


def _price_id(line: Object) -> str | None:
    price = ref(part(part(line, "pricing"), "price_details"), "price")
    return price or ref(line, "price") or ref(line, "plan")


def _links(obj: Object, key: str) -> tuple[Snapshot, ...]:
    named = ref(obj, "payment_intent") or ref(obj, "charge")
    if named is not None:
        fields = Payment(invoice_id=key)
        return (Snapshot(source="invoice", source_id=key, kind="payment", id=named, fields=fields),)
    return tuple(link for each in entries(obj, "payments") for link in invoice_payment(each, None))


def _by_id(line: InvoiceLine) -> str:
    return line.id
