"""Money that comes in and goes back, and the two objects that describe one payment."""

from typing import Any

from service.sandbox.lemonsqueezy import money
from service.sandbox.lemonsqueezy.errors import refused
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

PARTLY = {"orders": "partial_refund", "subscription-invoices": "partial_refunded"}
"""Lemon Squeezy spells the status of a partial refund in two ways."""
_EVENTS = {"orders": "order_refunded", "subscription-invoices": "subscription_payment_refunded"}


def earn(world: World, paid: Row, amount: int) -> None:
    """Add an amount in the currency of an order or invoice, less than zero for a refund, to its customer's revenue."""
    customer = world.get("customers", paid.attributes["customer_id"])
    dollars = money.usd(amount, paid.attributes["currency_rate"])
    if dollars:
        world.touch(customer, total_revenue_currency=customer.attributes["total_revenue_currency"] + dollars)


def refund(world: World, row: Row, amount: int | None) -> Row:
    """Give back an amount of an order or a subscription invoice, or all that is left, and tell.

    Raises:
        SandboxError: 422, it is not paid, or less is left.
    """
    left = _left(row)
    if row.attributes["status"] not in ("paid", PARTLY[row.kind]):
        raise refused(f"A payment that is {row.attributes['status']} cannot be refunded.")
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise refused(f"The amount must not be less than 1 or greater than {left}.")
    _give_back(world, row, wanted)
    twin = _twin(world, row)
    if twin is not None and (mirrored := min(wanted, _left(twin))) > 0:
        _give_back(world, twin, mirrored)
    earn(world, row, -wanted)
    return row


def _left(row: Row) -> int:
    return int(row.attributes["total"] - row.attributes["refunded_amount"])


def _give_back(world: World, row: Row, amount: int) -> None:
    refunded = row.attributes["refunded_amount"] + amount
    whole = refunded == row.attributes["total"]
    world.touch(
        row,
        refunded_amount=refunded,
        status="refunded" if whole else PARTLY[row.kind],
        refunded=whole,
        refunded_at=world.stamp if whole else None,
    )
    world.emit(row, _EVENTS[row.kind])


def _twin(world: World, row: Row) -> Row | None:
    """The other object about the same payment: an order's initial invoice, or that invoice's order."""
    if not world.settings.mirror_refunds:
        return None
    if row.kind == "orders":
        return world.find("subscription-invoices", row.hidden["invoice_id"])
    return world.find("orders", row.hidden["order_id"])
