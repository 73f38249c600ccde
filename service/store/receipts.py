"""Receipts: invoices and payments whose money is counted again, and rightly, in a subscription's own invoices.

invoice.receipt_of, payment.receipt_of   the subscription that was begun by it

Whether an order is a payment is known only once its subscription is, whichever came first; so it is derived from both
rows in the transaction that changes either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from service.model import Change, Subscription
from service.provider import Ordering
from service.store import bulk, feed
from service.store.state import Key

_KINDS: Final = ("invoice", "payment")
_OWNER: Final = "(SELECT min(s.id) FROM subscription s WHERE s.account = v.account AND s.begun_by = v.id)"
_WRONG: Final = (
    f"SELECT * FROM (SELECT v.id, v.receipt_of, {_OWNER} AS owner FROM {{table}} v"
    " WHERE v.account = :account AND {chosen}) AS v WHERE coalesce(v.receipt_of, '') <> coalesce(v.owner, '')"
)


def references(changes: Iterable[Change]) -> set[Key]:
    """The rows that these changes may turn into receipts; they are locked together with their own."""
    begun = {each.snapshot.fields.begun_by for each in changes if isinstance(each.snapshot.fields, Subscription)}
    found: set[Key] = set()
    for id_ in begun - {None}:
        found |= {("invoice", str(id_)), ("payment", str(id_))}
    return found


def touched(changes: Iterable[Change], ordering: Ordering) -> dict[str, str]:
    """The ids of invoices and payments that these changes may have turned into receipts, and the cause of each."""
    found: dict[str, str] = {}
    for change in changes if ordering.receipts else ():
        snapshot, cause = change.snapshot, str(change.cause)
        if isinstance(snapshot.fields, Subscription) and snapshot.fields.begun_by:
            found[snapshot.fields.begun_by] = cause
        elif snapshot.kind in _KINDS and snapshot.source in ordering.receipts:
            found.setdefault(snapshot.id, cause)
    return found


def refresh(connection: Connection, account: str, causes: Mapping[str, str], now: datetime) -> None:
    """Recompute which of these rows (id -> cause) are receipts, and leave history for what changed."""
    if not causes:
        return
    changes: list[dict[str, Any]] = []
    for table in _KINDS:
        source, parameters = bulk.incoming(connection, {"chosen": "text"}, [(id_,) for id_ in sorted(causes)])
        query = _WRONG.format(table=table, chosen=f"v.id IN (SELECT i.chosen FROM {source})")
        wrong = connection.execute(text(query), parameters | {"account": account}).all()
        _update(connection, account, table, [(row.id, row.owner) for row in wrong])
        changes += [_change(account, table, row) | {"cause": causes[row.id], "at": now} for row in wrong]
    feed.append(connection, changes)


def check(connection: Connection, account: str, *, limit: int = 1000) -> list[dict[str, Any]]:
    """Rows that are wrongly counted, or wrongly left out: (kind, object_id, field, old, new). None, if all is well."""
    found = []
    for table in _KINDS:
        # An account without such subscriptions has nothing to look through.
        some = "(v.receipt_of IS NOT NULL OR EXISTS (SELECT 1 FROM subscription s WHERE s.account = v.account AND s.begun_by = v.id))"
        query = _WRONG.format(table=table, chosen=some) + " LIMIT :most"
        rows = connection.execute(text(query), {"account": account, "most": limit})
        found += [_change(account, table, row) for row in rows]
    return found


def among(connection: Connection, account: str, ids: Sequence[str]) -> set[str]:
    """Those of these invoice or payment rows that are receipts."""
    source, parameters = bulk.incoming(connection, {"chosen": "text"}, [(id_,) for id_ in ids])
    query = "SELECT s.begun_by FROM subscription s WHERE s.account = :account"
    query += f" AND s.begun_by IN (SELECT i.chosen FROM {source})"
    return set(connection.execute(text(query), parameters | {"account": account}).scalars())


def _update(connection: Connection, account: str, table: str, rows: Sequence[tuple[str, str | None]]) -> None:
    if not rows:
        return
    source, parameters = bulk.incoming(connection, {"chosen": "text", "owner": "text"}, rows)
    statement = f"UPDATE {table} SET receipt_of = i.owner FROM {source} WHERE account = :account AND id = i.chosen"
    connection.execute(text(statement), parameters | {"account": account})


def _change(account: str, kind: str, row: Any) -> dict[str, Any]:
    return {
        "account": account, "kind": kind, "object_id": row.id, "field": "receipt_of", "old": row.receipt_of,
        "new": row.owner,
    }  # fmt: skip
