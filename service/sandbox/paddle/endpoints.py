"""Every endpoint of the stand-in, gathered from its resources."""

from service.sandbox.paddle.objects import (
    addresses,
    adjustments,
    customers,
    event_reads,
    notification_settings,
    notifications,
    prices,
    products,
    reference,
    subscriptions,
    transactions,
)
from service.sandbox.paddle.routes import Route

_RESOURCES = (
    addresses,
    adjustments,
    customers,
    event_reads,
    notification_settings,
    notifications,
    prices,
    products,
    reference,
    subscriptions,
    transactions,
)

ROUTES: list[Route] = [route for resource in _RESOURCES for route in resource.ROUTES]
