"""Columns that follow from other rows: recomputed from them, never overwritten by a snapshot of something else.

payment.amount_refunded   the succeeded refunds of the payment
payment.subscription_id   the subscription of its invoice
invoice.amount_refunded   the refunds of the invoice's payments
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from service.model import Change, Payment, Refund
from service.store import bulk, feed, state
from service.store.state import Key, StateRow

_SUM = "(SELECT coalesce(sum(r.amount), 0) FROM refund r WHERE r.account = p.account AND r.payment_id = p.id AND r.status = 'succeeded')"
_LINK = "(SELECT v.subscription_id FROM invoice v WHERE v.account = p.account AND v.id = p.invoice_id)"
_PAYMENTS = (
    f"SELECT * FROM (SELECT p.id, p.amount_refunded, {_SUM} AS refunded, p.subscription_id, {_LINK} AS linked"
    " FROM payment p WHERE p.account = :account AND {chosen}) AS p"
    " WHERE p.amount_refunded <> p.refunded OR coalesce(p.subscription_id, '') <> coalesce(p.linked, '')"
)
_INVOICE_SUM = (
    "(SELECT coalesce(sum(p.amount_refunded), 0) FROM payment p WHERE p.account = v.account AND p.invoice_id = v.id)"
)
_INVOICES = (
    f"SELECT * FROM (SELECT v.id, v.amount_refunded, {_INVOICE_SUM} AS refunded FROM invoice v"
    " WHERE v.account = :account AND {chosen}) AS v WHERE v.amount_refunded <> v.refunded"
)


def references(changes: Iterable[Change]) -> set[Key]:
    """The rows beside their own that these changes may make recompute; they are locked together with them."""
    found: set[Key] = set()
    for change in changes:
        fields = change.snapshot.fields
        if isinstance(fields, Refund) and fields.payment_id:
            found.add(("payment", fields.payment_id))
        elif isinstance(fields, Payment) and fields.invoice_id:
            found.add(("invoice", fields.invoice_id))
    return found


def refresh(
    connection: Connection, account: str, rows: Sequence[StateRow], changes: Sequence[Change], now: datetime
) -> None:
    """Recompute what follows from the rows just saved, and leave history for what changed."""
    causes = {(change.snapshot.kind, change.snapshot.id): str(change.cause) for change in changes}
    payments = {row.id for row in rows if row.kind == "payment"}
    payments |= {
        str(row.content["payment_id"])
        for row in rows
        if row.kind == "refund" and row.content and row.content["payment_id"]
    }
    invoices = {row.id for row in rows if row.kind == "invoice"}
    if not payments and not invoices:
        return
    cause = str(changes[-1].cause)
    _refresh(connection, account, sorted(payments), sorted(invoices), causes, cause, now)


def check(connection: Connection, account: str, *, limit: int = 1000) -> list[dict[str, Any]]:
    """Derived columns that differ from what they follow from: (kind, object_id, field, old, new). None, if all is well."""
    found = []
    for kind, query in (("payment", _PAYMENTS), ("invoice", _INVOICES)):
        rows = connection.execute(
            text(query.format(chosen="true") + " LIMIT :most"), {"account": account, "most": limit}
        )
        found += [change for row in rows for change in _changes(kind, row, account, "", None)]
    return found


def repair(
    connection: Connection, account: str, payments: Sequence[str], invoices: Sequence[str], cause: str, now: datetime
) -> None:
    """Recompute the derived columns of these rows."""
    keys: set[Key] = {("payment", id_) for id_ in payments} | {("invoice", id_) for id_ in invoices}
    state.lock(connection, account, keys)
    _refresh(connection, account, payments, invoices, {}, cause, now)


def _refresh(
    connection: Connection, account: str, payments: Sequence[str], invoices: Sequence[str], causes: dict[Any, str],
    cause: str, now: datetime,
) -> None:  # fmt: skip
    ids, parameters = bulk.incoming(connection, {"chosen": "text"}, [(id_,) for id_ in payments])
    of, more = bulk.incoming(connection, {"chosen": "text"}, [(id_,) for id_ in invoices])
    chosen = (
        f"(p.id IN (SELECT i.chosen FROM {ids}) OR p.invoice_id IN (SELECT i.chosen FROM {of.replace(':i', ':j')}))"
    )
    parameters |= {name.replace("i", "j", 1): value for name, value in more.items()} | {"account": account}
    stale = connection.execute(text(_PAYMENTS.format(chosen=chosen)), parameters).all()
    changes = [
        change
        for row in stale
        for change in _changes("payment", row, account, causes.get(("payment", row.id), cause), now)
    ]
    sums = [(row.id, int(row.refunded)) for row in stale if row.amount_refunded != row.refunded]
    _update(connection, "payment", "amount_refunded", "bigint", account, sums)
    links = [(row.id, row.linked) for row in stale if row.subscription_id != row.linked]
    _update(connection, "payment", "subscription_id", "text", account, links)
    query = (
        "SELECT DISTINCT p.invoice_id FROM payment p WHERE p.account = :account AND p.invoice_id IS NOT NULL AND "
        + chosen
    )
    linked = sorted({*connection.execute(text(query), parameters).scalars(), *invoices})
    changes += _refresh_invoices(connection, account, linked, causes, cause, now)
    feed.append(connection, changes)


def _refresh_invoices(
    connection: Connection, account: str, invoices: Sequence[str], causes: dict[Any, str], cause: str, now: datetime
) -> list[dict[str, Any]]:
    if not invoices:
        return []
    # A refund learns only here which invoice it belongs to; the payment's lock keeps that link still.
    state.lock(connection, account, {("invoice", id_) for id_ in invoices})
    source, parameters = bulk.incoming(connection, {"chosen": "text"}, [(id_,) for id_ in invoices])
    query = _INVOICES.format(chosen=f"v.id IN (SELECT i.chosen FROM {source})")
    stale = connection.execute(text(query), parameters | {"account": account}).all()
    _update(connection, "invoice", "amount_refunded", "bigint", account, [(row.id, int(row.refunded)) for row in stale])
    return [
        change
        for row in stale
        for change in _changes("invoice", row, account, causes.get(("invoice", row.id), cause), now)
    ]


def _update(
    connection: Connection, table: str, column: str, type_: str, account: str, rows: Sequence[tuple[str, Any]]
) -> None:
    """Write one column of the rows in which it differs: another writer may be at the other one right now."""
    if not rows:
        return
    source, parameters = bulk.incoming(connection, {"chosen": "text", "fresh": type_}, rows)
    statement = f"UPDATE {table} SET {column} = i.fresh FROM {source} WHERE account = :account AND id = i.chosen"
    connection.execute(text(statement), parameters | {"account": account})


def _changes(kind: str, row: Any, account: str, cause: str, now: datetime | None) -> list[dict[str, Any]]:
    pairs = [("amount_refunded", row.amount_refunded, int(row.refunded))]
    if kind == "payment":
        pairs.append(("subscription_id", row.subscription_id, row.linked))
    stamp = {"account": account, "kind": kind, "object_id": row.id, "cause": cause, "at": now}
    return [
        stamp | {"field": field, "old": state.as_text(old), "new": state.as_text(new)}
        for field, old, new in pairs
        if old != new
    ]
