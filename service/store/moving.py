"""Rows that may have changed at the provider by themselves: what a small sweep reads by id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, func, literal, not_, or_, select

from service.model import UNKNOWN, Kind
from service.store import bulk
from service.store.drift import fed_by
from service.store.tables import STATE

_TIMES: Final = ("current_period_end", "trial_ends_at", "cancels_at")


def moving(
    connection: Connection, account: str, kind: Kind, now: datetime, *, over: Collection[str], steady: Collection[str]
) -> list[tuple[str, bool]]:
    """(id, its time has come) of the rows that are neither over nor steady, and of the steady ones whose time has come.

    A row whose period has ended and that says nothing of the next one has missed a renewal, or waits for its event.
    """
    rows = STATE[kind]
    status = func.coalesce(rows.c.status, UNKNOWN)
    times = [rows.c[name] <= now for name in _TIMES if name in rows.c]
    come = func.coalesce(or_(*times), literal(False)) if times else literal(False)
    query = select(rows.c.id, come).where(rows.c.account == account, rows.c.deleted_at.is_(None))
    query = query.where(and_(not_(status.in_(over)), or_(not_(status.in_(steady)), come)))
    return [(row[0], bool(row[1])) for row in connection.execute(query)]


def named(
    connection: Connection, account: str, kind: Kind, source: str, ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The objects of `source` that feed each of these rows."""
    rows = STATE[kind]
    chosen, parameters = bulk.among(connection, "id", ids)
    query = select(rows.c.id, rows.c.sources).where(rows.c.account == account, chosen)
    return {row[0]: fed_by(source, row[1]) for row in connection.execute(query, parameters)}
