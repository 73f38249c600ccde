"""Customers: made by the API or by a purchase, archived, never deleted."""

from service.sandbox.lemonsqueezy.buyers import new_customer
from service.sandbox.lemonsqueezy.kinds import Fields, email, nullable, one_of, text
from service.sandbox.lemonsqueezy.routes import Operation, Sent
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

_PLACE = {"city": nullable(text), "region": nullable(text), "country": nullable(text)}
_CREATE = Fields("name email", name=text, email=email, **_PLACE)
_UPDATE = Fields(name=text, email=email, status=one_of("archived"), **_PLACE)


def create(world: World, sent: Sent) -> Row:
    """Create a customer; no event tells of it."""
    return new_customer(world, sent.related["store"].id, **sent.attributes)


def update(world: World, sent: Sent) -> Row:
    """Change or archive a customer; no event tells of it."""
    customer = world.get("customers", sent.row_id)
    world.touch(customer, **sent.attributes)
    return customer


OPERATIONS = [
    Operation("POST", "customers", "", create, _CREATE, {"store": "stores"}, status=201),
    Operation("PATCH", "customers", "*", update, _UPDATE),
]
