"""Billing rows by page and by id, for readers: newest first, keyed by position, so that inserts don't disturb a page.

Every query names the accounts that it looks at: ids are unique within an account only, and indexes begin with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, literal, or_, select, tuple_, union

from service.model import Kind
from service.store.tables import CHILD, STATE
from service.store.types import UtcDateTime

Record = dict[str, Any]
_HIDDEN: Final = ("sources", "raw")


class Position(msgspec.Struct, frozen=True):
    """Where a row stands in the order: the newest first, those without a time of creation last."""

    created_at: datetime | None
    account: str
    id: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows. `equals` maps columns to values; `user_id` also finds what belongs to a customer of that user."""

    accounts: Sequence[str]
    equals: Mapping[str, str] = {}
    email: str | None = None
    user_id: str | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None
    deleted: bool = False


def page(
    connection: Connection, kind: Kind, wanted: Wanted, after: Position | None, limit: int
) -> tuple[list[Record], Position | None]:
    """At most `limit` rows behind `after`, and the position of the last where more follow."""
    table = STATE[kind]
    chosen = select(*_shown(table)).where(*_conditions(connection, kind, wanted))
    rows: list[Record] = []
    if after is None or after.created_at is not None:
        rows = _records(connection, _dated(table, chosen, after).limit(limit + 1))
    if len(rows) <= limit:
        undated = after if after is not None and after.created_at is None else None
        rows += _records(connection, _undated(table, chosen, undated).limit(limit + 1 - len(rows)))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], Position(last["created_at"], last["account"], last["id"])


def by_id(connection: Connection, kind: Kind, accounts: Sequence[str], id_: str, *, raw: bool = False) -> list[Record]:
    """The rows of this id, at most one an account."""
    table = STATE[kind]
    columns = [*_shown(table), *([table.c.raw] if raw else [])]
    found = select(*columns).where(table.c.account.in_(accounts), table.c.id == id_)
    return _records(connection, found.order_by(table.c.account))


def accounts_of_customer(connection: Connection, accounts: Sequence[str], id_: str) -> list[str]:
    """The accounts that know this customer, be it only from a subscription or an invoice that came before it."""
    customers = STATE["customer"]
    known = select(customers.c.account).where(customers.c.account.in_(accounts), customers.c.id == id_)
    if found := sorted(connection.execute(known).scalars()):
        return found
    tables = [STATE[kind] for kind in ("subscription", "invoice", "payment")]
    named = [select(each.c.account).where(each.c.account.in_(accounts), each.c.customer_id == id_) for each in tables]
    return sorted(connection.execute(union(*named)).scalars())


def children(connection: Connection, kind: Kind, rows: Sequence[Record]) -> dict[tuple[str, str], list[Record]]:
    """The items of these subscriptions or the lines of these invoices, by (account, parent's id)."""
    table, parent = CHILD[kind]
    found: dict[tuple[str, str], list[Record]] = {(row["account"], row["id"]): [] for row in rows}
    for account, ids in _by_account(found):
        query = select(table).where(table.c.account == account, table.c[parent].in_(ids)).order_by(table.c.id)
        for child in _records(connection, query):
            found[account, child[parent]].append(child)
    return found


def refunds(connection: Connection, account: str, payment_id: str) -> list[Record]:
    """The refunds of a payment, oldest first."""
    table = STATE["refund"]
    query = select(*_shown(table)).where(table.c.account == account, table.c.payment_id == payment_id)
    return _records(connection, query.order_by(table.c.created_at, table.c.id))


def _dated(table: Table, chosen: Select[Any], after: Position | None) -> Select[Any]:
    order = (table.c.created_at, table.c.account, table.c.id)
    chosen = chosen.where(table.c.created_at.is_not(None))
    if after is not None:
        at = (literal(after.created_at, UtcDateTime()), literal(after.account), literal(after.id))
        chosen = chosen.where(tuple_(*order) < tuple_(*at))
    return chosen.order_by(*(column.desc() for column in order))


def _undated(table: Table, chosen: Select[Any], after: Position | None) -> Select[Any]:
    order = (table.c.account, table.c.id)
    chosen = chosen.where(table.c.created_at.is_(None))
    if after is not None:
        chosen = chosen.where(tuple_(*order) < tuple_(literal(after.account), literal(after.id)))
    return chosen.order_by(*(column.desc() for column in order))


def _conditions(connection: Connection, kind: Kind, wanted: Wanted) -> list[ColumnElement[bool]]:
    table = STATE[kind]
    found = [table.c.account.in_(wanted.accounts), *(table.c[name] == value for name, value in wanted.equals.items())]
    if wanted.email is not None:
        found.append(func.lower(table.c.email) == func.lower(wanted.email))
    if wanted.user_id is not None:
        found.append(_of_user(connection, table, wanted.accounts, wanted.user_id))
    if wanted.updated_since is not None:
        found.append(table.c.as_of >= wanted.updated_since)
    if wanted.updated_before is not None:
        found.append(table.c.as_of < wanted.updated_before)
    if not wanted.deleted:
        found.append(table.c.deleted_at.is_(None))
    return found


def _of_user(connection: Connection, table: Table, accounts: Sequence[str], user_id: str) -> ColumnElement[bool]:
    """What names the user itself, or belongs to a customer who is this user by its own word or a subscription's."""
    own = table.c.user_id == user_id
    if "customer_id" not in table.c:
        return own
    customers, subscriptions = STATE["customer"], STATE["subscription"]
    known = union(
        select(customers.c.account, customers.c.id).where(customers.c.user_id == user_id),
        select(subscriptions.c.account, subscriptions.c.customer_id).where(subscriptions.c.user_id == user_id),
    )
    pairs = [(row[0], row[1]) for row in connection.execute(known) if row[0] in accounts and row[1] is not None]
    return or_(own, *(and_(table.c.account == account, table.c.customer_id == id_) for account, id_ in pairs))


def _by_account(keys: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for account, id_ in keys:
        found.setdefault(account, []).append(id_)
    return sorted(found.items())


def _shown(table: Table) -> list[Any]:
    return [column for column in table.c if column.name not in _HIDDEN]


def _records(connection: Connection, query: Select[Any]) -> list[Record]:
    return [dict(row) for row in connection.execute(query).mappings()]
