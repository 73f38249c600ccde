"""Subscription invoices: made by purchases and time, refunded in whole or in part."""

from service.sandbox.lemonsqueezy.billing.refunds import refund
from service.sandbox.lemonsqueezy.kinds import Fields, at_least
from service.sandbox.lemonsqueezy.objects.pdf import PARAMETERS, download
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

_KIND = "subscription-invoices"


def give_back(world: World, sent: Sent) -> Row:
    """Refund an amount in cents of the invoice's currency."""
    return refund(world, world.get(_KIND, sent.row_id), sent.attributes["amount"])


OPERATIONS = [
    Operation("POST", _KIND, "*/refund", give_back, Fields("amount", amount=at_least(1))),
    Operation("POST", _KIND, "*/generate-invoice", download(_KIND), parameters=PARAMETERS),
]
