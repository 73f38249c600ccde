"""Many rows in one statement, on both databases.

PostgreSQL takes whole columns as arrays (`unnest`): one statement however many rows, and far cheaper than as many inserts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Connection, Float, LargeBinary, Table, TextClause, text
from sqlalchemy.types import BigInteger, Integer

from service.store.arrays import Packed
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


def incoming(
    connection: Connection, types: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> tuple[str, dict[str, Any]]:
    """Rows as a table expression `i` to join with, and its parameters; `types` maps column names to PostgreSQL types.

    SQLite reads the same rows from one JSON parameter. No column may hold bytes.
    """
    if connection.dialect.name == "postgresql":
        columns = list(zip(*rows, strict=True)) or [()] * len(types)
        casts = ", ".join(f"CAST(:i{n} AS {kind}[])" for n, kind in enumerate(types.values()))
        packed = {f"i{n}": Packed(kind, columns[n]) for n, kind in enumerate(types.values())}
        return f"unnest({casts}) AS i({', '.join(types)})", packed
    picked = ", ".join(f"value ->> {n} AS {name}" for n, name in enumerate(types))
    document = msgspec.json.encode([[_sqlite_value(value) for value in row] for row in rows]).decode()
    return f"(SELECT {picked} FROM json_each(:i)) AS i", {"i": document}


@lru_cache(maxsize=256)
def _pg_type(column: Column[Any]) -> str:
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


def among(connection: Connection, column: str, values: Sequence[str]) -> tuple[TextClause, dict[str, Any]]:
    """A condition that `column` holds one of these texts, and its parameter: one however many there are.

    An expanding IN is rendered anew for each number of values, which costs more than the query itself.
    """
    if connection.dialect.name == "postgresql":
        return _among(column, "= ANY(CAST(:chosen AS text[]))"), {"chosen": Packed("text", values)}
    packed = msgspec.json.encode(values).decode()
    return _among(column, "IN (SELECT value FROM json_each(:chosen))"), {"chosen": packed}


@lru_cache(maxsize=64)
def _among(column: str, condition: str) -> TextClause:
    return text(f"{column} {condition}")


class _Insert(msgspec.Struct, frozen=True):
    """One statement, and how its rows become parameters: `pick` takes a row's values in order, `times` are places of times."""

    statement: str
    pick: Callable[[Row], Sequence[Any]]
    types: tuple[str, ...]
    times: tuple[int, ...]


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], tail: str, postgres: bool) -> _Insert:
    types = tuple(_pg_type(table.c[name]) for name in columns)
    if postgres:
        # One array parameter a column, in binary: text costs five times as much.
        arrays = ", ".join(f"%(c{n})b::{kind}[]" for n, kind in enumerate(types))
        values = f"SELECT * FROM unnest({arrays})"
    else:
        values = f"VALUES ({', '.join('?' for _ in columns)})"
    names = ", ".join(_quoted(name) for name in columns)
    times = tuple(n for n, kind in enumerate(types) if kind == "timestamptz")
    return _Insert(f"INSERT INTO {table.name} ({names}) {values}{tail}", _picker(columns), types, times)


def _picker(columns: Sequence[str]) -> Callable[[Row], Sequence[Any]]:
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda row: (row[columns[0]],)


def _run(connection: Connection, table: Table, rows: Sequence[Row], columns: tuple[str, ...], tail: str) -> None:
    if not rows:
        return
    postgres = connection.dialect.name == "postgresql"
    insert = _insert(table, columns, tail, postgres)
    picked = [insert.pick(row) for row in rows]
    if postgres:
        arrays = zip(insert.types, zip(*picked, strict=True), strict=True)
        parameters = {f"c{n}": Packed(kind, values) for n, (kind, values) in enumerate(arrays)}
        connection.exec_driver_sql(insert.statement, parameters)
    else:
        connection.exec_driver_sql(insert.statement, [_plain(row, insert.times) for row in picked])


def _plain(row: Sequence[Any], times: Sequence[int]) -> tuple[Any, ...]:
    """A row as SQLite's driver takes it: times as sortable text."""
    values = list(row)
    for place in times:
        moment = values[place]
        if moment is not None:
            values[place] = to_text(moment)
    return tuple(values)


def _sqlite_value(value: Any) -> Any:
    return to_text(value) if type(value) is datetime else value


def _assign(table: Table, name: str, keep: bool) -> str:
    column = _quoted(name)
    return f"{column} = coalesce(excluded.{column}, {table.name}.{column})" if keep else f"{column} = excluded.{column}"


def _quoted(name: str) -> str:
    return f'"{name}"'
