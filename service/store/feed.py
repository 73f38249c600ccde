"""The history as a feed: every change is read once, in an order in which nothing can still turn up behind the reader.

PostgreSQL draws ids before it commits: of two concurrent transactions the one with the smaller ids may commit last, and
who pages by id would step over it. So a transaction, before it draws its first id, leaves a mark: a shared advisory lock
whose number is the largest id then visible. All ids that it draws are larger. The feed goes up to the smallest mark of
those still running, and no further than the largest id that was visible before the marks were read: a transaction
without a mark at that moment either has ended, and is visible to the next statement, or draws larger ids.

Within an object this is the order of commits, since writers hold the object's lock until they commit. Unlike an order by
transaction number it waits for our own writers only, and survives a dump and a restore into another server. SQLite has
one writer at a time: there ids are in the order of commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select, text

from service.store import bulk
from service.store.tables import CHANGES

_COLUMNS: Final = ("account", "kind", "object_id", "field", "old", "new", "cause", "at")
_CLASS: Final = 0x7A11
_WRAP: Final = 2**31
_WINDOW: Final = 50_000
_MARK: Final = text(
    f"SELECT pg_advisory_xact_lock_shared({_CLASS}, CAST(coalesce(max(id), 0) & {_WRAP - 1} AS integer)) FROM state_change"
)
# The subquery sees the snapshot that the statement began with; the locks are read later.
_MARKS: Final = text(
    "SELECT (SELECT coalesce(max(id), 0) FROM state_change) AS newest, array(SELECT CAST(objid AS bigint) FROM pg_locks"
    f" WHERE locktype = 'advisory' AND classid = {_CLASS} AND objsubid = 2 AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())) AS marks"
)


def append(connection: Connection, changes: Sequence[Mapping[str, Any]]) -> None:
    """Add to the history. The only way in: what is inserted otherwise may be missed by readers of the feed."""
    if not changes:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_MARK)
    bulk.insert(connection, CHANGES, changes, columns=_COLUMNS)


def settled(connection: Connection) -> int:
    """An id up to which every change that will ever exist is visible to the next statement of this connection."""
    if connection.dialect.name != "postgresql":
        return int(connection.execute(text("SELECT coalesce(max(id), 0) FROM state_change")).scalar_one())
    found = connection.execute(_MARKS).one()
    newest = int(found.newest)
    return min([newest, *(_unwrapped(mark, newest) for mark in found.marks)])


class Page(msgspec.Struct, frozen=True):
    """Changes, oldest first, the id to go on from, and whether more were there already."""

    rows: list[dict[str, Any]]
    after: int
    more: bool


def since(connection: Connection, after: int, limit: int, matching: Mapping[str, str | Sequence[str]]) -> Page:
    """The first `limit` settled changes after this id whose columns have the wanted value, or one of several.

    The transaction must see what others commit meanwhile (READ COMMITTED). A page that filters looks at a bounded number
    of changes, so it may be empty and still have more after it.
    """
    newest = settled(connection)
    until = min(newest, after + _WINDOW) if matching else newest
    query = select(CHANGES).where(CHANGES.c.id > after, CHANGES.c.id <= until)
    for name, wanted in matching.items():
        column = CHANGES.c[name]
        query = query.where(column == wanted if isinstance(wanted, str) else column.in_(wanted))
    rows = [dict(row) for row in connection.execute(query.order_by(CHANGES.c.id).limit(limit)).mappings()]
    reached = int(rows[-1]["id"]) if len(rows) == limit else max(after, until)
    return Page(rows, reached, reached < newest)


def _unwrapped(mark: int, newest: int) -> int:
    """A mark as the id it was before it lost its upper bits; one newer than `newest` holds nothing back."""
    behind = (newest - mark) % _WRAP
    return newest if behind > _WRAP // 2 else newest - behind
