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
from service.http.api.rows import shaped
from service.model import Kind
from service.store import feed, listing
from service.store.listing import Wanted
from service.system import System

S = TypeVar("S", bound=msgspec.Struct)
_COLUMNS: Final = {
    "status": "status", "customer": "customer_id", "subscription": "subscription_id", "invoice": "invoice_id",
}  # fmt: skip


def customers(system: System, asked: Asked[ListedCustomers, None]) -> Reply:
    """A page of customers."""
    return _listed(system, "customer", shapes.Customer, asked)


def customer(system: System, asked: Asked[One, None]) -> Reply:
    """One customer."""
    return _one(system, "customer", shapes.Customer, asked)


def subscriptions(system: System, asked: Asked[ListedSubscriptions, None]) -> Reply:
    """A page of subscriptions."""
    return _listed(system, "subscription", shapes.Subscription, asked)


def subscription(system: System, asked: Asked[One, None]) -> Reply:
    """One subscription."""
    return _one(system, "subscription", shapes.Subscription, asked)


def invoices(system: System, asked: Asked[ListedInvoices, None]) -> Reply:
    """A page of invoices."""
    return _listed(system, "invoice", shapes.Invoice, asked)


def invoice(system: System, asked: Asked[One, None]) -> Reply:
    """One invoice with its lines."""
    return _one(system, "invoice", shapes.WholeInvoice, asked)


def payments(system: System, asked: Asked[ListedPayments, None]) -> Reply:
    """A page of payments."""
    return _listed(system, "payment", shapes.Payment, asked)


def payment(system: System, asked: Asked[One, None]) -> Reply:
    """One payment with its refunds."""
    return _one(system, "payment", shapes.WholePayment, asked)


def customer_invoices(system: System, asked: Asked[Listed, None]) -> Reply:
    """A page of one customer's invoices."""
    account = lookup.owner(system, asked.id, asked.query.account)
    return _listed(system, "invoice", shapes.Invoice, asked, [account], customer_id=asked.id)


def changes(system: System, asked: Asked[Fed, None]) -> Reply:
    """A page of the feed."""
    given = asked.query
    wanted = {"account": given.account, "kind": given.kind, "object_id": given.object_id}
    matching: dict[str, str | Sequence[str]] = {name: value for name, value in wanted.items() if value is not UNSET}
    if given.account is UNSET:
        matching["account"] = lookup.accounts(system, UNSET)
    with system.database.read() as connection:
        page = feed.since(connection, given.after, given.limit, matching)
        found = shaped(connection, page.rows, shapes.Change)
    following = cursor.address(asked.address, after=str(page.after))
    return Reply(shapes.Changes(data=found, after=page.after, more=page.more, next=following))


def _one(system: System, kind: Kind, shape: type[S], asked: Asked[One, None]) -> Reply:
    accounts = lookup.accounts(system, asked.query.account)
    raw = asked.query.include == "raw"
    with system.database.read() as connection:
        rows = listing.by_id(connection, kind, accounts, asked.id, raw=raw)
        lookup.one_of([row["account"] for row in rows], kind)
        if raw:
            rows[0]["raw"] = rows[0]["raw"] and msgspec.json.decode(rows[0]["raw"])
        if kind == "payment":
            rows[0]["refunds"] = listing.refunds(connection, rows[0]["account"], asked.id)
        return Reply(shaped(connection, rows, shape)[0])


def _listed(
    system: System, kind: Kind, shape: type[S], asked: Asked[Any, None], accounts: Sequence[str] = (), **equals: str
) -> Reply:
    given = asked.query
    wanted = _wanted(given, accounts or lookup.accounts(system, given.account), equals)
    after = None if given.cursor is UNSET else cursor.unpack(kind, given.cursor)
    with system.database.read() as connection:
        rows, position = listing.page(connection, kind, wanted, after, given.limit)
        found = shaped(connection, rows, shape)
    following = None if position is None else cursor.address(asked.address, cursor=cursor.pack(kind, position))
    return Reply(shapes.Page(found, following))


def _wanted(given: Any, accounts: Sequence[str], equals: dict[str, str]) -> Wanted:
    chosen = {column: getattr(given, name, UNSET) for name, column in _COLUMNS.items()}
    email = getattr(given, "email", UNSET)
    return Wanted(
        accounts=accounts,
        equals={column: value for column, value in chosen.items() if value is not UNSET} | equals,
        email=None if email is UNSET else email,
        user_id=None if given.user_id is UNSET else given.user_id,
        updated_since=moment(given.updated_since),
        updated_before=moment(given.updated_before),
        deleted=given.include_deleted,
    )
