"""Sums over the billing state: what each customer has, paid and got back. Queries that read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from service.model import Kind
from service.store.tables import EVENTS, STATE

_CUSTOMERS = """
SELECT c.name, c.deleted_at, coalesce(s.currency, c.currency) AS currency, coalesce(s.status, 'none') AS status,
  coalesce((SELECT min(p.name) FROM subscription_item i JOIN product p ON p.account = i.account AND p.id = i.product_id
    WHERE i.account = s.account AND i.subscription_id = s.id), '-') AS plan,
  (SELECT coalesce(sum(v.amount_paid), 0) FROM invoice v WHERE v.account = c.account AND v.customer_id = c.id) AS paid,
  (SELECT coalesce(sum(v.amount_refunded), 0) FROM payment v WHERE v.account = c.account AND v.customer_id = c.id) AS refunded
FROM customer c LEFT JOIN subscription s ON s.account = c.account AND s.customer_id = c.id
ORDER BY c.created_at, c.id, s.id
"""


def customers(connection: Connection) -> list[dict[str, Any]]:
    """Each customer with each subscription: name, plan, status, currency; paid and refunded in its minor units."""
    return [dict(each) for each in connection.execute(text(_CUSTOMERS)).mappings()]


def alive(connection: Connection, kind: Kind) -> int:
    """How many rows of a kind the provider has not deleted."""
    each = STATE[kind]
    return int(
        connection.execute(select(func.count()).select_from(each).where(each.c.deleted_at.is_(None))).scalar_one()
    )


def paid(connection: Connection) -> dict[str, int]:
    """What came in by invoices, in minor units by currency."""
    invoice = STATE["invoice"]
    query = select(invoice.c.currency, func.sum(invoice.c.amount_paid)).where(invoice.c.amount_paid > 0)
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(invoice.c.currency))}


def parked(connection: Connection, now: datetime) -> int:
    """How many events wait for a moment that has not come: nothing failed, a read would prove nothing yet."""
    waiting = EVENTS.c.status == "retry", EVENTS.c.next_attempt_at > now, EVENTS.c.error.is_(None)
    return int(connection.execute(select(func.count()).select_from(EVENTS).where(*waiting)).scalar_one())
