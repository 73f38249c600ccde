"""One person's rows, in every account: by e-mail address and by the application's own user id. Queries that read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, tuple_

from service.model import Kind
from service.store.history import Record
from service.store.tables import CHANGES, EVENTS, STATE

T = TypeVar("T")
_CHUNK: Final = 500
_LEDGER: Final[tuple[Kind, ...]] = ("refund", "dispute")
"""What may name a payment and nobody else."""
Rows = dict[tuple[str, Kind, str], tuple[Kind, Record]]
"""By account, kind and id."""


class Names(msgspec.Struct, frozen=True):
    """What one person is called: e-mail addresses in lower case, and ids of the application's own."""

    emails: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()

    def __or__(self, other: Names) -> Names:
        """Both."""
        return Names(self.emails | other.emails, self.user_ids | other.user_ids)


def rows(connection: Connection, names: Names, limit: int) -> Rows:
    """The newest `limit` rows of each kind that carry a name, then those of the customers among them, and their refunds."""
    found = _named(connection, names, limit)
    customers: defaultdict[str, set[str]] = defaultdict(set)
    for kind, row in found.values():
        own = row["id"] if kind == "customer" else row.get("customer_id")
        customers[row["account"]] |= {own} if own else set()
    for account, ids in customers.items():
        found |= _owned(connection, account, sorted(ids), limit)
    return found | _of_payments(connection, found, limit)


def called(asked: str) -> Names:
    """The names that a text may be: a user id, and an e-mail address where it looks like one."""
    return Names(frozenset({asked.lower()} if "@" in asked else ()), frozenset({asked}))


def names_in(found: Rows) -> Names:
    """All names that these rows carry."""
    emails = {row["email"].lower() for _, row in found.values() if row.get("email")}
    return Names(frozenset(emails), frozenset(row["user_id"] for _, row in found.values() if row.get("user_id")))


def changes(connection: Connection, keys: Iterable[tuple[str, Kind, str]]) -> list[Record]:
    """Every change of these rows, in the order in which they were written."""
    columns = CHANGES.c.account, CHANGES.c.kind, CHANGES.c.object_id
    found: list[Record] = []
    for chunk in _chunks(sorted(keys)):
        found += _records(connection, select(CHANGES).where(tuple_(*columns).in_(chunk)))
    return sorted(found, key=lambda each: each["id"])


def events(connection: Connection, sources: Iterable[tuple[str, str, str]], ids: Iterable[int]) -> list[Record]:
    """The events about these provider objects (account, source, id) or with these ids of ours, without payloads."""
    about = tuple_(EVENTS.c.account, EVENTS.c.kind, EVENTS.c.object_id)
    shown = [column for column in EVENTS.c if column.name != "payload"]
    found: dict[int, Record] = {}
    conditions: list[ColumnElement[bool]] = [about.in_(chunk) for chunk in _chunks(sorted(sources))]
    conditions += [EVENTS.c.id.in_(chunk) for chunk in _chunks(sorted(ids))]
    for condition in conditions:
        found |= {each["id"]: each for each in _records(connection, select(*shown).where(condition))}
    return [found[id_] for id_ in sorted(found)]


def _named(connection: Connection, names: Names, limit: int) -> Rows:
    found: Rows = {}
    for kind, each in STATE.items():
        carries: list[ColumnElement[bool]] = []
        if "email" in each.c and names.emails:
            carries.append(func.lower(each.c.email).in_(sorted(names.emails)))
        if "user_id" in each.c and names.user_ids:
            carries.append(each.c.user_id.in_(sorted(names.user_ids)))
        if carries:
            found |= _newest(connection, kind, or_(*carries), limit)
    return found


def _owned(connection: Connection, account: str, customers: Sequence[str], limit: int) -> Rows:
    found: Rows = {}
    for kind, each in STATE.items():
        name = "id" if kind == "customer" else "customer_id"
        for chunk in _chunks(customers) if name in each.c else ():
            found |= _newest(connection, kind, (each.c.account == account) & each.c[name].in_(chunk), limit)
    return found


def _of_payments(connection: Connection, found: Rows, limit: int) -> Rows:
    payments = sorted((account, id_) for account, kind, id_ in found if kind == "payment")
    more: Rows = {}
    for kind in _LEDGER:
        columns = STATE[kind].c
        for chunk in _chunks(payments):
            more |= _newest(connection, kind, tuple_(columns.account, columns.payment_id).in_(chunk), limit)
    return more


def _newest(connection: Connection, kind: Kind, condition: ColumnElement[bool], limit: int) -> Rows:
    each = STATE[kind]
    # The databases disagree on where nulls stand, so that a limit would choose other rows.
    newest = each.c.created_at.desc().nulls_last(), each.c.account, each.c.id
    records = _records(connection, select(each).where(condition).order_by(*newest).limit(limit))
    return {(record["account"], kind, record["id"]): (kind, record) for record in records}


def _records(connection: Connection, query: Select[Any]) -> list[Record]:
    return [dict(each) for each in connection.execute(query).mappings()]


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
