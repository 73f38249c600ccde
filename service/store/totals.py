"""Sums over the billing state: what each customer has, paid and got back. Queries that read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, text

from service.model import Kind
from service.store.tables import CHILD, EVENTS, STATE


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with the newest subscription: `paid` and `refunded` are all the customer's money, in minor units by currency.

    An order that is only a receipt for a subscription's own invoices is not counted.
    """

    account: str
    name: str
    plan: str
    status: str
    cancels_at: datetime | None
    paid: dict[str, int]
    refunded: dict[str, int]


def subscribers(connection: Connection) -> list[Subscriber]:
    """Every customer, by account and age."""
    customer, subscription = STATE["customer"].c, STATE["subscription"].c
    rows = connection.execute(select(*customer).order_by(customer.account, customer.created_at, customer.id)).all()
    newest = select(*subscription).order_by(subscription.created_at, subscription.id)
    held = {(each.account, each.customer_id): each for each in connection.execute(newest)}
    plans, money = _plans(connection), _money(connection)
    return [_subscriber(each, held.get((each.account, each.id)), plans, money) for each in rows]


def alive(connection: Connection, account: str, kind: Kind) -> int:
    """How many rows of a kind an account holds that the provider has not deleted."""
    each = STATE[kind]
    count = select(func.count()).select_from(each).where(each.c.account == account, each.c.deleted_at.is_(None))
    return int(connection.execute(count).scalar_one())


def moved(connection: Connection, account: str) -> tuple[dict[str, int], dict[str, int]]:
    """What came in and what went back, in minor units by currency."""
    paid: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for (of, _customer), sums in _money(connection).items():
        for currency, (came, went) in sums.items() if of == account else ():
            paid[currency] = paid.get(currency, 0) + came
            refunded[currency] = refunded.get(currency, 0) + went
    return _known(paid), _known(refunded)


def parked(connection: Connection, now: datetime) -> int:
    """How many events wait for a moment that has not come: nothing failed, a read would prove nothing yet."""
    waiting = EVENTS.c.status == "retry", EVENTS.c.next_attempt_at > now, EVENTS.c.error.is_(None)
    return int(connection.execute(select(func.count()).select_from(EVENTS).where(*waiting)).scalar_one())


Plans = dict[tuple[str, str], str]
Money = dict[tuple[str, str], dict[str, tuple[int, int]]]


def _subscriber(customer: Row[Any], subscription: Row[Any] | None, plans: Plans, money: Money) -> Subscriber:
    sums = money.get((customer.account, customer.id), {})
    status = "none" if subscription is None else subscription.status
    return Subscriber(
        account=customer.account,
        name=customer.name or customer.email or customer.id,
        plan="-" if subscription is None else plans.get((customer.account, subscription.id), "-"),
        status="deleted" if customer.deleted_at else status,
        cancels_at=None if subscription is None else subscription.cancels_at,
        paid=_known({currency: came for currency, (came, _) in sums.items()}),
        refunded=_known({currency: went for currency, (_, went) in sums.items()}),
    )


def _plans(connection: Connection) -> Plans:
    """The name of what each subscription's first item is for."""
    item, product = CHILD["subscription"][0].c, STATE["product"].c
    of = (product.account == item.account) & (product.id == item.product_id)
    rows = connection.execute(
        select(item.account, item.subscription_id, product.name).where(of).order_by(item.id.desc())
    )
    return {(each[0], each[1]): each[2] for each in rows}


def _money(connection: Connection) -> Money:
    payment = STATE["payment"].c
    counted = payment.receipt_of.is_(None), payment.currency.is_not(None), text("payment.status = 'succeeded'")
    sums = func.sum(payment.amount_paid), func.sum(payment.amount_refunded)
    by = payment.account, payment.customer_id, payment.currency
    found: Money = {}
    for account, customer, currency, came, went in connection.execute(select(*by, *sums).where(*counted).group_by(*by)):
        found.setdefault((account, customer), {})[currency] = int(came or 0), int(went or 0)
    return found


def _known(sums: dict[str, int]) -> dict[str, int]:
    return {currency: amount for currency, amount in sorted(sums.items()) if amount}
