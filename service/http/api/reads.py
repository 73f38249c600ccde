"""Reads from the copy: customers, subscriptions, invoices, payments, and the feed of changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET

from service.http.api import cursor, lookup, shapes
from service.http.api.asking import moment
from service.http.api.operation import Asked, Reply
from service.http.api.parameters import (
    Fed,
    Listed,
    ListedCustomers,
    ListedInvoices,
    ListedPayments,
    ListedSubscriptions,
    One,
)
from service.model import Kind
from service.store import feed, listing
from service.store.listing import Record, Wanted
from service.system import System

S = TypeVar("S", bound=msgspec.Struct)
_COLUMNS: Final = {
    "status": "status", "customer": "customer_id", "subscription": "subscription_id", "invoice": "invoice_id",
}  # fmt: skip


def customers(system: System, asked: Asked[ListedCustomers, None]) -> Reply:
    """A page of customers."""
    rows, following = _listed(system, "customer", asked)
    return Reply(shapes.Page(_shaped(rows, shapes.Customer), following))


def customer(system: System, asked: Asked[One, None]) -> Reply:
    """One customer."""
    return Reply(_shaped([_one(system, "customer", asked)], shapes.Customer)[0])


def subscriptions(system: System, asked: Asked[ListedSubscriptions, None]) -> Reply:
    """A page of subscriptions."""
    rows, following = _listed(system, "subscription", asked)
    return Reply(shapes.Page(_shaped(_nested(system, "subscription", "items", rows), shapes.Subscription), following))


def subscription(system: System, asked: Asked[One, None]) -> Reply:
    """One subscription."""
    rows = _nested(system, "subscription", "items", [_one(system, "subscription", asked)])
    return Reply(_shaped(rows, shapes.Subscription)[0])


def invoices(system: System, asked: Asked[ListedInvoices, None]) -> Reply:
    """A page of invoices."""
    rows, following = _listed(system, "invoice", asked)
    return Reply(shapes.Page(_shaped(rows, shapes.Invoice), following))


def invoice(system: System, asked: Asked[One, None]) -> Reply:
    """One invoice with its lines."""
    rows = _nested(system, "invoice", "lines", [_one(system, "invoice", asked)])
    return Reply(_shaped(rows, shapes.WholeInvoice)[0])


def payments(system: System, asked: Asked[ListedPayments, None]) -> Reply:
    """A page of payments."""
    rows, following = _listed(system, "payment", asked)
    return Reply(shapes.Page(_shaped(rows, shapes.Payment), following))


def payment(system: System, asked: Asked[One, None]) -> Reply:
    """One payment with its refunds."""
    row = _one(system, "payment", asked)
    with system.database.read() as connection:
        row["refunds"] = listing.refunds(connection, row["account"], row["id"])
    return Reply(_shaped([row], shapes.WholePayment)[0])


def customer_invoices(system: System, asked: Asked[Listed, None]) -> Reply:
    """A page of one customer's invoices."""
    account = lookup.owner(system, asked.id, asked.query.account)
    rows, following = _listed(system, "invoice", asked, [account], customer_id=asked.id)
    return Reply(shapes.Page(_shaped(rows, shapes.Invoice), following))


def changes(system: System, asked: Asked[Fed, None]) -> Reply:
    """A page of the feed."""
    given = asked.query
    wanted = {"account": given.account, "kind": given.kind, "object_id": given.object_id}
    matching: dict[str, str | Sequence[str]] = {name: value for name, value in wanted.items() if value is not UNSET}
    if given.account is UNSET:
        matching["account"] = lookup.accounts(system, UNSET)
    with system.database.read() as connection:
        page = feed.since(connection, given.after, given.limit, matching)
    following = cursor.address(asked.address, after=str(page.after))
    found = _shaped(page.rows, shapes.Change)
    return Reply(shapes.Changes(data=found, after=page.after, more=page.more, next=following))


def _one(system: System, kind: Kind, asked: Asked[One, None]) -> Record:
    raw = asked.query.include == "raw"
    with system.database.read() as connection:
        accounts = lookup.accounts(system, asked.query.account)
        rows = listing.by_id(connection, kind, accounts, asked.id, raw=raw)
    lookup.one_of([row["account"] for row in rows], kind)
    if raw:
        rows[0]["raw"] = rows[0]["raw"] and msgspec.json.decode(rows[0]["raw"])
    return rows[0]


def _listed(
    system: System, kind: Kind, asked: Asked[Any, None], accounts: Sequence[str] = (), **equals: str
) -> tuple[list[Record], str | None]:
    given = asked.query
    wanted = _wanted(given, accounts or lookup.accounts(system, given.account), equals)
    after = None if given.cursor is UNSET else cursor.unpack(kind, given.cursor)
    with system.database.read() as connection:
        rows, position = listing.page(connection, kind, wanted, after, given.limit)
    if position is None:
        return rows, None
    return rows, cursor.address(asked.address, cursor=cursor.pack(kind, position))


def _wanted(given: Any, accounts: Sequence[str], equals: dict[str, str]) -> Wanted:
    chosen = {column: getattr(given, name, UNSET) for name, column in _COLUMNS.items()}
    email = getattr(given, "email", UNSET)
    return Wanted(
        accounts=accounts,
        equals={column: value for column, value in chosen.items() if value is not UNSET} | equals,
        emails=() if email is UNSET else tuple({email, email.lower()}),
        user_id=None if given.user_id is UNSET else given.user_id,
        updated_since=moment(given.updated_since),
        updated_before=moment(given.updated_before),
        deleted=given.include_deleted,
    )


def _nested(system: System, kind: Kind, name: str, rows: list[Record]) -> list[Record]:
    with system.database.read() as connection:
        found = listing.children(connection, kind, rows)
    return [row | {name: found[row["account"], row["id"]]} for row in rows]


def _shaped(rows: Sequence[Record], shape: type[S]) -> list[S]:
    return [msgspec.convert(row, shape) for row in rows]
