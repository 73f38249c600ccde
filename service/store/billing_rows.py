"""Billing rows as a write needs them: the object that it is about, and single facts beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from service.model import FIELDS, Fields, Kind
from service.store import state
from service.store.tables import STATE

_PAYMENT: Final = STATE["payment"]


def held(connection: Connection, account: str, kind: Kind, object_id: str) -> Fields | None:
    """The object as the copy holds it now; None where it holds none."""
    row = state.load(connection, account, [(kind, object_id)]).get((kind, object_id))
    if row is None or row.content is None:
        return None
    return msgspec.convert(row.content, FIELDS[kind], builtin_types=(datetime,))


def refunded(connection: Connection, account: str, payment_id: str) -> int:
    """Minor units of a payment that were given back, as far as the copy knows; 0 where it does not hold the payment."""
    query = select(_PAYMENT.c.amount_refunded).where(_PAYMENT.c.account == account, _PAYMENT.c.id == payment_id)
    return connection.execute(query).scalar_one_or_none() or 0


def subscription_of(connection: Connection, account: str, payment_id: str) -> str | None:
    """The subscription that a payment was for."""
    query = select(_PAYMENT.c.subscription_id).where(_PAYMENT.c.account == account, _PAYMENT.c.id == payment_id)
    return connection.execute(query).scalar_one_or_none()
