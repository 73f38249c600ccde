"""The billing state: rows are loaded, changed in memory by `apply`, and saved with their history in the same transaction."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, TextClause, bindparam, select, text

from service.instants import moment
from service.model import CHILDREN, Cause, Content, Kind, Payment, Snapshot
from service.store import bulk, feed
from service.store.tables import CHILD, STATE

Key = tuple[Kind, str]
# Columns of a state table that are not content of any one snapshot.
_OWN: Final = frozenset({"account", "id", "as_of", "deleted_at", "sources", "raw"})
_DERIVED: Final[Mapping[str, frozenset[str]]] = {
    "payment": frozenset({"amount_refunded", "subscription_id", "receipt_of"}),
    "invoice": frozenset({"amount_refunded", "receipt_of"}),
}
COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    kind: tuple(c.name for c in table.c if c.name not in _OWN | _DERIVED.get(kind, frozenset()))
    for kind, table in STATE.items()
}
_CHILD_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "subscription": tuple(
        c.name for c in CHILD["subscription"][0].c
        if c.name not in ("account", "subscription_id", "customer_id", "as_of", "deleted_at")
    ),
    "invoice": tuple(c.name for c in CHILD["invoice"][0].c if c.name not in ("account", "invoice_id")),
}  # fmt: skip


class Held(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The version of one provider object as it stands in a row.

    `as_of`, `seen_at`, `read`: see `service.model.Version`. `read_digest` and `read_as_of` remember the content that the
    last read showed, from which events of later seconds walk on. `based` says that the present content depended on what
    was before its second. `content` is kept only where several sources feed the row.
    """

    as_of: int = msgspec.field(name="v")
    seen_at: int = msgspec.field(name="t")
    read: bool = msgspec.field(name="r", default=False)
    read_digest: str | None = msgspec.field(name="rd", default=None)
    read_as_of: int | None = msgspec.field(name="rv", default=None)
    based: bool = msgspec.field(name="b", default=False)
    content: Payment | None = msgspec.field(name="c", default=None)


_held = msgspec.json.Decoder(dict[str, Held])
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class StateRow:
    """One row in memory. `saved` is the content that history already leads to (None for a new row), `content` what shall be.

    `touched` rows are saved; of `rewritten` ones the children too.
    """

    kind: Kind
    id: str
    sources: dict[str, Held] = field(default_factory=dict)
    content: Content | None = None
    saved: Content | None = None
    deleted_at: datetime | None = None
    saved_deleted_at: datetime | None = None
    raw: str | None = None
    touched: bool = False
    rewritten: bool = False

    @property
    def as_of(self) -> datetime:
        """The newest version among the sources."""
        return moment(max(held.as_of for held in self.sources.values()))


Rows = dict[Key, StateRow]


def lock(connection: Connection, account: str, keys: Iterable[Key]) -> None:
    """Hold these rows, existing or not, until the transaction ends. Sorted, so that no two lockers wait for each other.

    SQLite has one writer at a time, so there is nothing to hold.
    """
    if connection.dialect.name != "postgresql":
        return
    numbers = sorted({_lock_number(account, kind, id_) for kind, id_ in keys})
    connection.execute(
        text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k"), {"keys": numbers}
    )


def load(connection: Connection, account: str, keys: Iterable[Key]) -> Rows:
    """The rows that exist among `keys`, with their children."""
    wanted: dict[Kind, set[str]] = defaultdict(set)
    for kind, id_ in keys:
        wanted[kind].add(id_)
    rows: Rows = {}
    for kind, ids in wanted.items():
        rows.update(_load_kind(connection, account, kind, sorted(ids)))
    return rows


def save(connection: Connection, account: str, rows: Sequence[StateRow], changes: Sequence[dict[str, Any]]) -> None:
    """Write touched rows, the children of those whose content changed, and their history."""
    by_kind: dict[Kind, list[StateRow]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    for kind, touched in sorted(by_kind.items()):
        columns = ("account", "id", *COLUMNS[kind], "as_of", "deleted_at", "sources", "raw")
        values = sorted((_values(account, row) for row in touched), key=lambda value: str(value["id"]))
        bulk.upsert(connection, STATE[kind], values, columns=columns, keep_if_null=("raw",))
        if kind in CHILDREN:
            _save_children(connection, account, kind, [row for row in touched if row.rewritten])
    feed.append(connection, changes)


def differences(account: str, row: StateRow, cause: Cause, at: datetime) -> list[dict[str, Any]]:
    """The history entries that lead from `row.saved` to `row.content`; a new row leaves one, for its status."""
    stamp = {"account": account, "kind": row.kind, "object_id": row.id, "cause": str(cause), "at": at}
    if row.saved is None:
        assert row.content is not None
        found = [stamp | {"field": "status", "old": None, "new": as_text(row.content.get("status"))}]
    else:
        found = [stamp | {"field": name, "old": as_text(old), "new": as_text(new)} for name, old, new in compare(row)]
    if row.deleted_at != row.saved_deleted_at:
        found.append(
            stamp | {"field": "deleted_at", "old": as_text(row.saved_deleted_at), "new": as_text(row.deleted_at)}
        )
    return found


def compare(row: StateRow) -> list[tuple[str, Any, Any]]:
    """(field, old, new) of each content field that differs; children are named `items[si_1]`."""
    saved, content = row.saved or {}, row.content or {}
    nested = CHILDREN.get(row.kind)
    found = [
        (name, saved.get(name), content.get(name)) for name in COLUMNS[row.kind] if saved.get(name) != content.get(name)
    ]
    if nested is not None and saved.get(nested) != content.get(nested):
        before = {child["id"]: child for child in saved.get(nested, ())}
        after = {child["id"]: child for child in content.get(nested, ())}
        changed = sorted(id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_))
        found += [(f"{nested}[{id_}]", before.get(id_), after.get(id_)) for id_ in changed]
    return found


def as_text(value: Any) -> str | None:
    """A content value as history and findings show it: text as it is, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return _encode(value).decode()


def new_row(snapshot: Snapshot) -> StateRow:
    """An empty row for an object seen for the first time."""
    return StateRow(snapshot.kind, snapshot.id)


def _load_kind(connection: Connection, account: str, kind: Kind, ids: list[str]) -> Rows:
    chosen, parameters = bulk.among(connection, "id", ids)
    found: Sequence[Sequence[Any]] = connection.execute(_rows(kind, chosen), parameters | {"account": account}).all()
    children = _load_children(connection, account, kind, [row[0] for row in found]) if kind in CHILDREN else {}
    return {(kind, row[0]): _state_row(kind, row, children.get(row[0], [])) for row in found}


@lru_cache(maxsize=64)
def _rows(kind: Kind, chosen: TextClause) -> Select[Any]:
    table = STATE[kind]
    columns = [table.c.id, table.c.sources, table.c.deleted_at, *(table.c[name] for name in COLUMNS[kind])]
    return select(*columns).where(table.c.account == bindparam("account"), chosen)


def _state_row(kind: Kind, row: Sequence[Any], children: list[Content]) -> StateRow:
    content: Content = dict(zip(COLUMNS[kind], tuple(row)[3:], strict=True))
    if kind in CHILDREN:
        content[CHILDREN[kind]] = children
    return StateRow(kind, row[0], _held.decode(row[1]), content, content, row[2], row[2])


def _load_children(connection: Connection, account: str, kind: str, parents: list[str]) -> dict[str, list[Content]]:
    if not parents:
        return {}
    names = _CHILD_COLUMNS[kind]
    chosen, parameters = bulk.among(connection, CHILD[kind][1], parents)
    found: dict[str, list[Content]] = defaultdict(list)
    for row in connection.execute(_child_rows(kind, chosen), parameters | {"account": account}):
        found[row[0]].append(dict(zip(names, row[1:], strict=True)))
    return {key: sorted(children, key=lambda child: str(child["id"])) for key, children in found.items()}


@lru_cache(maxsize=64)
def _child_rows(kind: str, chosen: TextClause) -> Select[Any]:
    table, parent = CHILD[kind]
    columns = [table.c[parent], *(table.c[name] for name in _CHILD_COLUMNS[kind])]
    return select(*columns).where(table.c.account == bindparam("account"), chosen)


def _values(account: str, row: StateRow) -> dict[str, Any]:
    assert row.content is not None
    values = {name: row.content.get(name) for name in COLUMNS[row.kind]}
    values |= {"account": account, "id": row.id, "as_of": row.as_of, "deleted_at": row.deleted_at, "raw": row.raw}
    values["sources"] = _encode(row.sources).decode()
    return values


def _save_children(connection: Connection, account: str, kind: Kind, rows: Sequence[StateRow]) -> None:
    if not rows:
        return
    table, parent = CHILD[kind]
    source, parameters = bulk.incoming(connection, {"parent": "text"}, [(row.id,) for row in rows])
    statement = f"DELETE FROM {table.name} WHERE account = :account AND {parent} IN (SELECT i.parent FROM {source})"
    connection.execute(text(statement), {**parameters, "account": account})
    # Keyed, since a child listed twice would fail the statement.
    values = {
        (row.id, child["id"]): _child_values(account, kind, parent, row, child)
        for row in rows
        for child in (row.content or {})[CHILDREN[kind]]
    }
    if values:
        bulk.upsert(connection, table, list(values.values()), columns=tuple(next(iter(values.values()))))


def _child_values(account: str, kind: Kind, parent: str, row: StateRow, child: Content) -> dict[str, Any]:
    values = {"account": account, parent: row.id, **{name: child.get(name) for name in _CHILD_COLUMNS[kind]}}
    if kind == "subscription":
        values |= {"customer_id": (row.content or {}).get("customer_id"), "as_of": row.as_of, "deleted_at": None}
    return values


def _lock_number(account: str, kind: str, id_: str) -> int:
    packed = hashlib.blake2b(f"{account}\0{kind}\0{id_}".encode(), digest_size=8).digest()
    return int.from_bytes(packed, signed=True)
