"""What the copy knows of the periods of customers' subscriptions, now and earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, text

from service.store import bulk
from service.store.usage_records import parsed
from service.usage_periods import Course, Item, starts

Customer: TypeAlias = tuple[str, str]
"""Account and customer id."""
# Paused and unpaid subscriptions are not billed, and what has ended never again.
LIVE: Final = ("active", "trialing", "past_due")
_SUBSCRIPTIONS: Final = (
    "SELECT s.account, s.customer_id, s.id, s.status, s.currency, s.created_at, s.started_at, s.current_period_start,"
    " s.current_period_end, s.ended_at, s.offer_id FROM {source} JOIN subscription s ON s.account = i.account"
    " AND s.customer_id = i.customer WHERE s.deleted_at IS NULL"
)
_HISTORY: Final = (
    "SELECT c.account, c.object_id, c.field, c.old, c.new FROM {source} JOIN state_change c ON c.account = i.account"
    " AND c.kind = 'subscription' AND c.object_id = i.id"
    " WHERE c.field IN ('current_period_start', 'current_period_end')"
)
_ITEMS: Final = (
    "SELECT t.account, t.subscription_id, t.id, t.price_id, t.usage_type FROM {source} JOIN subscription_item t"
    " ON t.account = i.account AND t.subscription_id = i.id WHERE t.deleted_at IS NULL ORDER BY t.id"
)


def courses(connection: Connection, customers: Iterable[Customer]) -> dict[Customer, list[Course]]:
    """The subscriptions of these customers, each with its periods."""
    wanted = sorted(set(customers))
    found: dict[Customer, list[Course]] = {each: [] for each in wanted}
    rows = _query(connection, _SUBSCRIPTIONS, ("account", "customer"), wanted)
    keys = sorted({(row.account, row.id) for row in rows})
    told = _told(_query(connection, _HISTORY, ("account", "id"), keys))
    items: dict[tuple[str, str], list[Item]] = {}
    for row in _query(connection, _ITEMS, ("account", "id"), keys):
        item = Item(row.id, row.price_id, row.usage_type == "metered")
        items.setdefault((row.account, row.subscription_id), []).append(item)
    for row in rows:
        key = (row.account, row.id)
        found[row.account, row.customer_id].append(_course(row, told.get(key, ([], [])), items.get(key, [])))
    return found


def _course(row: Any, told: tuple[list[datetime], list[datetime]], items: Sequence[Item]) -> Course:
    start, end = parsed(row.current_period_start), parsed(row.current_period_end)
    told_starts = [*told[0], *([start] if start is not None else [])]
    began = parsed(row.started_at) or parsed(row.created_at)
    known = starts(began, told_starts, [each for each in told[1] if end is None or each < end])
    # Where the row says no end any more, the last one that it said is where the period that runs began.
    last = end if end is not None else (max(told[1], default=None) if told_starts else None)
    return Course(
        subscription_id=row.id, currency=row.currency, starts=known, end=last, ended_at=parsed(row.ended_at),
        live=row.status in LIVE, items=tuple(items), offer_id=row.offer_id,
    )  # fmt: skip


def _told(history: Sequence[Any]) -> dict[tuple[str, str], tuple[list[datetime], list[datetime]]]:
    """Every start and every end that a subscription's history names."""
    found: dict[tuple[str, str], tuple[list[datetime], list[datetime]]] = {}
    for row in history:
        told = found.setdefault((row.account, row.object_id), ([], []))
        values = told[0] if row.field == "current_period_start" else told[1]
        values += [datetime.fromisoformat(each) for each in (row.old, row.new) if each]
    return found


def _query(connection: Connection, query: str, names: Sequence[str], keys: Sequence[Sequence[str]]) -> Sequence[Any]:
    if not keys:
        return []
    source, parameters = bulk.incoming(connection, dict.fromkeys(names, "text"), keys)
    return connection.execute(text(query.format(source=source)), parameters).all()
