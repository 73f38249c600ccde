"""Single facts about billing rows that a write needs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from service.store.tables import STATE

_PAYMENT: Final = STATE["payment"]


def refunded(connection: Connection, account: str, payment_id: str) -> int:
    """Minor units of a payment that were given back, as far as the copy knows; 0 where it does not hold the payment."""
    query = select(_PAYMENT.c.amount_refunded).where(_PAYMENT.c.account == account, _PAYMENT.c.id == payment_id)
    return connection.execute(query).scalar_one_or_none() or 0


def subscription_of(connection: Connection, account: str, payment_id: str) -> str | None:
    """The subscription that a payment was for."""
    query = select(_PAYMENT.c.subscription_id).where(_PAYMENT.c.account == account, _PAYMENT.c.id == payment_id)
    return connection.execute(query).scalar_one_or_none()
