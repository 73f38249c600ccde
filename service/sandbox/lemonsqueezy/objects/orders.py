"""Orders: made by purchases, refunded in whole or in part."""

from service.sandbox.lemonsqueezy.billing.refunds import refund
from service.sandbox.lemonsqueezy.kinds import Fields, at_least
from service.sandbox.lemonsqueezy.objects.pdf import PARAMETERS, download
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World


def give_back(world: World, sent: Sent) -> Row:
    """Refund an amount in cents of the order's currency."""
    return refund(world, world.get("orders", sent.row_id), sent.attributes["amount"])


OPERATIONS = [
    Operation("POST", "orders", "*/refund", give_back, Fields("amount", amount=at_least(1))),
    Operation("POST", "orders", "*/generate-invoice", download("orders"), parameters=PARAMETERS),
]
