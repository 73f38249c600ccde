"""Every endpoint beyond plain reading, by method, type and path; reading is the same for all types (`reads`)."""

from service.sandbox.lemonsqueezy.objects import (
    checkouts,
    customers,
    orders,
    subscription_invoices,
    subscription_items,
    subscriptions,
    usage_records,
    webhooks,
)
from service.sandbox.lemonsqueezy.routes import Operation

_RESOURCES = (
    checkouts,
    customers,
    orders,
    subscription_invoices,
    subscription_items,
    subscriptions,
    usage_records,
    webhooks,
)

OPERATIONS: dict[tuple[str, str, str], Operation] = {
    (each.method, each.kind, each.tail): each for resource in _RESOURCES for each in resource.OPERATIONS
}
