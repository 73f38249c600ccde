"""Rows as they stood at an earlier time, by the history that has led away from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from service.instants import micros
from service.model import FIELDS, Content, Kind
from service.store.state import Key, Rows, StateRow
from service.store.tables import CHANGES


def contents(connection: Connection, account: str, rows: Rows, since: datetime) -> dict[Key, Content | None]:
    """What each row said at `since`, children apart; None where it was not there yet, or was a tombstone.

    A row without a version from after `since` is taken as it is, without a look at its history.
    """
    mark = micros(since)
    fresh = {key: row for key, row in rows.items() if any(held.seen_at >= mark for held in row.sources.values())}
    past = _history(connection, account, fresh, since) if fresh else {}
    return {key: _rewound(row, past.get(key, {})) for key, row in rows.items()}


def _history(connection: Connection, account: str, rows: Rows, since: datetime) -> dict[Key, dict[str, str | None]]:
    """The value that each field had before its first change."""
    ids: dict[Kind, list[str]] = defaultdict(list)
    for kind, id_ in rows:
        ids[kind].append(id_)
    found: dict[Key, dict[str, str | None]] = defaultdict(dict)
    for kind, chosen in ids.items():
        query = select(CHANGES.c.object_id, CHANGES.c.field, CHANGES.c.old).where(CHANGES.c.account == account)
        query = query.where(CHANGES.c.kind == kind, CHANGES.c.object_id.in_(chosen), CHANGES.c.at >= since)
        for object_id, field, old in connection.execute(query.order_by(CHANGES.c.id)):
            found[kind, object_id].setdefault(field, old)
    return found


def _rewound(row: StateRow, past: Mapping[str, str | None]) -> Content | None:
    # A new row's history is one entry, from no status to its first one.
    deleted = past.get("deleted_at", row.deleted_at) is not None
    if deleted or row.content is None or past.get("status", "") is None:
        return None
    types = _types(row.kind)
    return row.content | {name: _value(types[name], old) for name, old in past.items() if name in types}


def _value(type_: Any, text: str | None) -> Any:
    return None if text is None else msgspec.convert(text, type_, strict=False)


@cache
def _types(kind: Kind) -> dict[str, Any]:
    return {each.name: each.type for each in msgspec.structs.fields(FIELDS[kind])}
