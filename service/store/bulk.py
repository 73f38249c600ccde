"""Many rows in one statement, on both databases.

PostgreSQL takes whole columns as arrays (`unnest`): one statement however many rows, and far cheaper than as many inserts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Connection, Float, LargeBinary, Table
from sqlalchemy.types import BigInteger, Integer

from service.store.types import UtcDateTime, to_text

Row = Mapping[str, Any]


def insert(connection: Connection, table: Table, rows: Sequence[Row], *, columns: Sequence[str]) -> None:
    """Add rows; a row that exists already fails the transaction."""
    _run(connection, table, rows, tuple(columns), "")


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    columns: Sequence[str],
    keep_if_null: Sequence[str] = (),
) -> None:
    """Add rows, or overwrite those whose primary key exists. Keys must differ within one call.

    A null in a column of `keep_if_null` leaves the stored value alone.
    """
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(_assign(table, name, name in keep_if_null) for name in columns if name not in keys)
    _run(connection, table, rows, tuple(columns), f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}")


def unnest(table: Table, columns: Sequence[str]) -> str:
    """`SELECT * FROM unnest(...)` over one array parameter a column, in binary (text costs five times as much)."""
    arrays = ", ".join(f"%(c{index})b::{pg_type(table.c[name])}[]" for index, name in enumerate(columns))
    return f"SELECT * FROM unnest({arrays}) AS incoming({', '.join(_quoted(name) for name in columns)})"


def arrays(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Any]]:
    """The parameters of `unnest`."""
    return {f"c{index}": [row[name] for row in rows] for index, name in enumerate(columns)}


def incoming(
    connection: Connection, types: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> tuple[str, dict[str, Any]]:
    """Rows as a table expression `i` to join with, and its parameters; `types` maps column names to PostgreSQL types.

    SQLite reads the same rows from one JSON parameter. No column may hold bytes.
    """
    if connection.dialect.name == "postgresql":
        columns = list(zip(*rows, strict=True)) or [()] * len(types)
        casts = ", ".join(f"CAST(:i{n} AS {kind}[])" for n, kind in enumerate(types.values()))
        return f"unnest({casts}) AS i({', '.join(types)})", {f"i{n}": list(column) for n, column in enumerate(columns)}
    picked = ", ".join(f"value ->> {n} AS {name}" for n, name in enumerate(types))
    packed = msgspec.json.encode([[_sqlite_value(value) for value in row] for row in rows]).decode()
    return f"(SELECT {picked} FROM json_each(:i)) AS i", {"i": packed}


def plain(rows: Iterable[Row], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows as SQLite's driver takes them: times as sortable text."""
    return [tuple(_sqlite_value(row[name]) for name in columns) for row in rows]


@lru_cache(maxsize=256)
def pg_type(column: Column[Any]) -> str:
    """PostgreSQL's name of a column's type, for array casts."""
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return "timestamptz"
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, Float):
        return "double precision"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"


@lru_cache(maxsize=256)
def _statement(table: Table, columns: tuple[str, ...], tail: str, postgres: bool) -> str:
    names = ", ".join(_quoted(name) for name in columns)
    if postgres:
        return f"INSERT INTO {table.name} ({names}) {unnest(table, columns)}{tail}"
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks}){tail}"


def _run(connection: Connection, table: Table, rows: Sequence[Row], columns: tuple[str, ...], tail: str) -> None:
    if not rows:
        return
    postgres = connection.dialect.name == "postgresql"
    statement = _statement(table, columns, tail, postgres)
    if postgres:
        connection.exec_driver_sql(statement, arrays(rows, columns))
    else:
        connection.exec_driver_sql(statement, plain(rows, columns))


def _sqlite_value(value: Any) -> Any:
    return to_text(value) if type(value) is datetime else value


def _assign(table: Table, name: str, keep: bool) -> str:
    column = _quoted(name)
    return f"{column} = coalesce(excluded.{column}, {table.name}.{column})" if keep else f"{column} = excluded.{column}"


def _quoted(name: str) -> str:
    return f'"{name}"'
