"""Usage records: stored once by the caller's key, many in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from service.store import bulk

_TYPES: Final = {
    "account": "text", "idempotency_key": "text", "customer_id": "text", "meter": "text", "quantity": "bigint",
    "at": "timestamptz", "recorded_at": "timestamptz",
}  # fmt: skip
_NAMES: Final = ", ".join(_TYPES)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One report of usage, as it is stored. `id` is 0 until it is."""

    account: str
    idempotency_key: str
    customer_id: str
    meter: str
    quantity: int
    at: datetime
    id: int = 0


_UNGATHERED: Final = f"SELECT {', '.join(Record.__struct_fields__)} FROM usage_record WHERE batch_id IS NULL"


class Party(msgspec.Struct, frozen=True):
    """A customer of an account as the copy knows it: from its own row, or only from a subscription's."""

    account: str
    customer_id: str
    user_id: str | None


def add(connection: Connection, records: Sequence[Record], now: datetime) -> dict[tuple[str, str], int]:
    """Store records whose (account, key) is new; the ids of those by (account, key). Keys must differ within one call."""
    # Sorted, so that two callers with the same keys don't wait for each other crosswise.
    ordered = sorted(records, key=lambda each: (each.account, each.idempotency_key))
    rows = [(r.account, r.idempotency_key, r.customer_id, r.meter, r.quantity, r.at, now) for r in ordered]
    source, parameters = bulk.incoming(connection, _TYPES, rows)
    statement = (
        f"INSERT INTO usage_record ({_NAMES}) SELECT {', '.join(f'i.{name}' for name in _TYPES)} FROM {source} WHERE true"
        " ON CONFLICT (account, idempotency_key) DO NOTHING RETURNING account, idempotency_key, id"
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(text(statement), parameters)}


def by_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Record]:
    """The stored records of these (account, key)."""
    source, parameters = bulk.incoming(connection, {"account": "text", "key": "text"}, keys)
    names = ", ".join(f"r.{name}" for name in Record.__struct_fields__)
    query = f"SELECT {names} FROM {source} JOIN usage_record r ON r.account = i.account AND r.idempotency_key = i.key"
    found = [_record(row) for row in connection.execute(text(query), parameters)]
    return {(each.account, each.idempotency_key): each for each in found}


def parties(
    connection: Connection, accounts: Sequence[str], customers: Sequence[str], users: Sequence[str]
) -> list[Party]:
    """The customers of these ids, and of these users of the application, in these accounts.

    A provider may have no events for customers, and tell of one only in its subscriptions.
    """
    keys = [(account, customer) for account in accounts for customer in customers]
    found: set[Party] = set()
    for table, column in (("customer", "id"), ("subscription", "customer_id")):
        picked = f"SELECT t.account, t.{column}, t.user_id FROM"
        found |= _parties(
            connection, f"{picked} {{}} JOIN {table} t ON t.account = i.account AND t.{column} = i.id", keys
        )
        found |= {
            each
            for each in _parties(
                connection, f"{picked} {{}} JOIN {table} t ON t.user_id = i.id", [("", u) for u in users]
            )
            if each.account in accounts
        }
    return sorted(found, key=lambda each: (each.account, each.customer_id, each.user_id or ""))


def _parties(connection: Connection, query: str, keys: Sequence[tuple[str, str]]) -> set[Party]:
    if not keys:
        return set()
    source, parameters = bulk.incoming(connection, {"account": "text", "id": "text"}, keys)
    rows = connection.execute(text(query.format(source) + " WHERE t.deleted_at IS NULL"), parameters)
    return {Party(*row) for row in rows if row[1] is not None}


def fresh(connection: Connection, limit: int) -> list[Record]:
    """Records that are in no batch yet, the oldest first; held until the transaction ends."""
    query = f"{_UNGATHERED} ORDER BY id LIMIT :limit"
    query += " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
    return [_record(row) for row in connection.execute(text(query), {"limit": limit})]


def ungathered(connection: Connection, account: str, customer_id: str) -> list[Record]:
    """A customer's records that are in no batch yet."""
    query = f"{_UNGATHERED} AND account = :account AND customer_id = :customer"
    rows = connection.execute(text(query), {"account": account, "customer": customer_id})
    return [_record(row) for row in rows]


def currency(connection: Connection, account: str, customer_id: str) -> str | None:
    """The currency that the provider has a customer pay in; None where it does not say."""
    query = "SELECT currency FROM customer WHERE account = :account AND id = :customer"
    found: str | None = connection.execute(
        text(query), {"account": account, "customer": customer_id}
    ).scalar_one_or_none()
    return found


def unmoved(connection: Connection, batch_id: int) -> None:
    """Take a batch's records out of it again."""
    connection.execute(text("UPDATE usage_record SET batch_id = NULL WHERE batch_id = :id"), {"id": batch_id})


def parsed(value: Any) -> Any:
    """A time as a text statement returns it."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    # PostgreSQL answers in the time zone of the session.
    return found.astimezone(UTC) if isinstance(found, datetime) else found


def _record(row: Any) -> Record:
    return Record(**{name: parsed(value) if name == "at" else value for name, value in row._mapping.items()})
