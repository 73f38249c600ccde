"""The rows that a provider's books are compared with: sums by day, and single rows by the object that the books name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, String, and_, case, func, literal_column, select, type_coerce

from service.book_port import RowKind
from service.store import bulk
from service.store.tables import STATE

# What the books name, what moved, and when: a payment by what was captured, on the day on which it was paid.
_KEY: Final[Mapping[RowKind, str]] = {"payment": "charge_id", "refund": "id", "dispute": "id"}
_AMOUNT: Final[Mapping[RowKind, str]] = {"payment": "amount_paid", "refund": "amount", "dispute": "amount"}
_MOMENT: Final[Mapping[RowKind, str]] = {"payment": "paid_at", "refund": "created_at", "dispute": "created_at"}
_NOTHING_TAKEN: Final = ("authorized", "canceled", "failed")
RELEASED: Final = "released"
"""The status of a refund that gave nothing back: its payment had taken nothing, it only let a hold go."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of its money; `moment` is when that moved, and `counts` that it is in the sums of its day.

    `status` is the row's, or `RELEASED`.
    """

    status: str
    amount: int | None
    currency: str | None
    charge_id: str | None
    moment: datetime | None
    as_of: datetime
    counts: bool


class BookRows:
    """One account's rows. Those count that stand in the statuses of their kind, and have not changed since `read`.

    A payment without a charge was paid elsewhere, and doesn't count: no books have it.
    """

    def __init__(
        self, connection: Connection, account: str, standing: Mapping[str, Collection[str]], read: datetime
    ) -> None:
        self._connection, self._account, self._standing, self._read = connection, account, standing, read

    def sums(self, kind: RowKind, since: datetime | None, until: datetime) -> list[tuple[str, str, int]]:
        """(UTC day, currency, money) of what counts and moved between the two times, `until` excluded."""
        c = STATE[kind].c
        moment, day = c[_MOMENT[kind]], _day(self._connection, c[_MOMENT[kind]])
        query = select(day, c.currency, func.sum(c[_AMOUNT[kind]])).where(
            c.account == self._account, c.deleted_at.is_(None), self._counts(kind), moment < until
        )
        if since is not None:
            query = query.where(moment >= since)
        rows = self._connection.execute(query.group_by(day, c.currency))
        return [(row[0], row[1], int(row[2] or 0)) for row in rows]

    def held(self, kind: RowKind, sources: Sequence[str]) -> dict[str, Held]:
        """The rows of these objects, by the object: a payment by its charge; tombstones are left out."""
        c = STATE[kind].c
        chosen, parameters = bulk.among(self._connection, _KEY[kind], sources)
        columns = (
            self._status(kind), c[_AMOUNT[kind]], c.currency, c.charge_id, c[_MOMENT[kind]], c.as_of, self._counts(kind),
        )  # fmt: skip
        query = select(c[_KEY[kind]], *columns).where(c.account == self._account, c.deleted_at.is_(None), chosen)
        names = Held.__struct_fields__
        rows = self._connection.execute(query, parameters)
        return {source: Held(**dict(zip(names, values, strict=True))) for source, *values in rows}

    def _status(self, kind: RowKind) -> ColumnElement[str]:
        c, payment = STATE[kind].c, STATE["payment"].alias("paid").c
        if kind != "refund":
            return c.status
        untaken = select(payment.id).where(
            payment.account == c.account, payment.id == c.payment_id, payment.status.in_(_NOTHING_TAKEN)
        )
        return case((untaken.exists(), literal_column(f"'{RELEASED}'")), else_=c.status)

    def _counts(self, kind: RowKind) -> ColumnElement[bool]:
        c = STATE[kind].c
        counts = and_(
            self._status(kind).in_(sorted(self._standing[kind])), c.currency.is_not(None), c[_MOMENT[kind]].is_not(None),
            c.as_of <= self._read,
        )  # fmt: skip
        return and_(counts, c.charge_id.is_not(None), c.receipt_of.is_(None)) if kind == "payment" else counts


def _day(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The UTC day of a time, as text: SQLite keeps times as UTC text anyway."""
    if connection.dialect.name == "postgresql":
        # As literals: two parameters would make the selected expression another than the grouped one.
        return func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column("'YYYY-MM-DD'"))
    return func.substr(type_coerce(column, String), literal_column("1"), literal_column("10"))
