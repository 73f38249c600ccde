"""Lemon Squeezy subscription invoice -> invoice, payment and refund rows."""

from __future__ import annotations

from service.model import Snapshot
from service.providers.lemonsqueezy.mapping.bill import bill, failed_attempt
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import INVOICE, INVOICE_PAYMENT
from service.reading import text

ATTEMPTS = "payment-failures"
"""The source of failed attempts: the invoice itself stays `pending`, so only the event tells of them."""


def subscription_invoice(thing: Thing) -> tuple[Snapshot, ...]:
    """One invoice of a subscription. It has no number, no lines and no period; a trial begins with one of 0."""
    return bill(thing, INVOICE, INVOICE_PAYMENT, reason=text(thing.attributes, "billing_reason"))


def failed_invoice(thing: Thing) -> tuple[Snapshot, ...]:
    """The invoice of a `subscription_payment_failed`, and beside it that an attempt to collect it failed."""
    return (*subscription_invoice(thing), *failed_attempt(thing, ATTEMPTS))
