"""Every endpoint of the stand-in, gathered from its resources."""

from service.sandbox.stripe.objects import (
    account,
    balance_transactions,
    charges,
    credit_notes,
    customers,
    disputes,
    event_reads,
    invoice_payments,
    invoiceitems,
    invoices,
    meters,
    payment_intents,
    prices,
    products,
    refunds,
    sessions,
    subscription_items,
    subscriptions,
    webhook_endpoints,
)
from service.sandbox.stripe.routes import Route

_RESOURCES = (
    account,
    balance_transactions,
    charges,
    credit_notes,
    customers,
    disputes,
    event_reads,
    invoice_payments,
    invoiceitems,
    invoices,
    meters,
    payment_intents,
    prices,
    products,
    refunds,
    sessions,
    subscription_items,
    subscriptions,
    webhook_endpoints,
)

ROUTES: list[Route] = [route for resource in _RESOURCES for route in resource.ROUTES]
