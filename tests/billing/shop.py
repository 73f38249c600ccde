"""A paying customer at any provider, and what the copy says of it."""

from __future__ import annotations

from sqlalchemy import select

from service.billing_provider import User
from service.model import Subscription
from service.store import billing_rows
from service.store.tables import STATE
from tests.billing.world import World

ADA = User(id="42", email="ada@example.com", name="Ada")


def signed_up(world: World, plan: str = "pro") -> tuple[str, str]:
    """A paying customer; ids of the customer and of the subscription."""
    customer = world.billing.create_customer(ADA)
    assert customer.object_id is not None
    world.case.can_pay(customer.object_id)
    begun = world.billing.create_subscription(customer.object_id, plan)
    if begun.state == "pending_checkout":
        assert begun.url is not None
        world.case.check_out(begun.url, begun.object_id)
    world.deliver()
    return customer.object_id, world.case.subscriptions(customer.object_id)[0]


def subscription(world: World, subscription_id: str) -> Subscription:
    """The subscription as the copy holds it."""
    with world.system.database.read() as connection:
        found = billing_rows.held(connection, world.case.name, "subscription", subscription_id)
    assert isinstance(found, Subscription)
    return found


def payments(world: World, customer_id: str) -> list[str]:
    """Succeeded payments that count (receipts aside), the newest first."""
    table = STATE["payment"]
    wanted = (table.c.customer_id == customer_id, table.c.status == "succeeded", table.c.receipt_of.is_(None))
    with world.system.database.read() as connection:
        return list(connection.execute(select(table.c.id).where(*wanted).order_by(table.c.created_at.desc())).scalars())


def bought(held: Subscription) -> list[str | None]:
    """What a plan names of it."""
    return [held.offer_id] if held.offer_id is not None else [item.price_id for item in held.items]
