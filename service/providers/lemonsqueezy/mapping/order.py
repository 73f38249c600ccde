"""Lemon Squeezy order -> invoice, payment and refund rows."""

from __future__ import annotations

from service.model import Snapshot
from service.providers.lemonsqueezy.mapping.bill import bill
from service.providers.lemonsqueezy.mapping.fields import Thing
from service.providers.lemonsqueezy.statuses import ORDER_INVOICE, ORDER_PAYMENT
from service.reading import key


def order(thing: Thing) -> tuple[Snapshot, ...]:
    """One order. Where it began a subscription it is only the receipt: the subscription's initial invoice is its money.

    That can't be told from here, so its rows are always given; `Subscription.begun_by` names them.
    """
    return bill(thing, ORDER_INVOICE, ORDER_PAYMENT, number=key(thing.attributes, "order_number"))
