"""The rows that a provider's books are compared with: sums by day, and single rows by the object that the books name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, String, func, literal_column, select, type_coerce

from service.book_port import BookedKind
from service.store import bulk
from service.store.tables import STATE

# What moved, and when: a payment by what was captured, on the day on which it was paid.
_AMOUNT: Final[Mapping[BookedKind, str]] = {"payment": "amount_paid", "refund": "amount", "dispute": "amount"}
_MOMENT: Final[Mapping[BookedKind, str]] = {"payment": "paid_at", "refund": "created_at", "dispute": "created_at"}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of its money; `moment` is when that moved."""

    status: str
    amount: int | None
    currency: str | None
    moment: datetime | None


def sums(
    connection: Connection, account: str, kind: BookedKind, statuses: Collection[str], since: datetime | None, until: datetime
) -> list[tuple[str, str, int]]:  # fmt: skip
    """(UTC day, currency, money) of the rows in these statuses whose money moved between the two times, `until` excluded."""
    c = STATE[kind].c
    moment, day = c[_MOMENT[kind]], _day(connection, c[_MOMENT[kind]])
    query = select(day, c.currency, func.sum(c[_AMOUNT[kind]])).where(
        c.account == account,
        c.deleted_at.is_(None),
        c.currency.is_not(None),
        c.status.in_(sorted(statuses)),
        moment < until,
    )
    if since is not None:
        query = query.where(moment >= since)
    if kind == "payment":
        query = query.where(c.receipt_of.is_(None))
    rows = connection.execute(query.group_by(day, c.currency))
    return [(row[0], row[1], int(row[2] or 0)) for row in rows]


def held(connection: Connection, account: str, kind: BookedKind, sources: Sequence[str]) -> dict[str, Held]:
    """The rows of these objects, by the object: a payment by its charge, or by its own id; tombstones are left out."""
    c = STATE[kind].c
    columns = (c.status, c[_AMOUNT[kind]], c.currency, c[_MOMENT[kind]])
    found: dict[str, Held] = {}
    for key in ("id", "charge_id") if kind == "payment" else ("id",):
        chosen, parameters = bulk.among(connection, key, sources)
        query = select(c[key], *columns).where(c.account == account, c.deleted_at.is_(None), chosen)
        for source, *values in connection.execute(query, parameters):
            found[source] = Held(**dict(zip(Held.__struct_fields__, values, strict=True)))
    return found


def _day(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The UTC day of a time, as text: SQLite keeps times as UTC text anyway."""
    if connection.dialect.name == "postgresql":
        # As literals: two parameters would make the selected expression another than the grouped one.
        return func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column("'YYYY-MM-DD'"))
    return func.substr(type_coerce(column, String), literal_column("1"), literal_column("10"))
