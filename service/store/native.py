"""Statements over the driver's own connection, outside any transaction: PostgreSQL keeps the plan of each with the connection.

Where planning takes longer than running, that is most of the time. It plans the first five uses one by one, and then keeps one
plan unless such single plans were cheaper (PostgreSQL's manual, PREPARE). SQLAlchemy and the driver prepare under names of their
own, which must not meet behind a pooler in transaction mode; here a statement is named by its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

_THERE_ALREADY: Final = "42P05"
# No such prepared statement, or one that a migration made stale: nothing was executed.
_UNUSABLE: Final = ("26000", "0A000")


class Prepared:
    """A statement with parameters `$1`, `$2` ... in binary. Safe to share between threads.

    Behind a pooler another process may have prepared it on the connection that we are handed; and where the pooler hands
    each statement another connection, it is sent whole from then on.
    """

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._name = b"tallyhook_" + hashlib.sha256(self._text).hexdigest()[:24].encode()
        self._may_prepare = True

    def execute(
        self, connection: pq.abc.PGconn, known: set[bytes], parameters: Sequence[bytes | None]
    ) -> pq.abc.PGresult:
        """Its result; `known` are the names that this connection has prepared. Raises `psycopg.Error`."""
        formats = [1] * len(parameters)
        if self._may_prepare:
            self._prepare(connection, known)
            # None is null, as in `exec_params`; only the annotation doesn't say so.
            result = connection.exec_prepared(self._name, parameters, formats)  # type: ignore[arg-type]
            if _state(result) not in _UNUSABLE:
                return _checked(result, connection)
            self._may_prepare = False
        return _checked(connection.exec_params(self._text, parameters, param_formats=formats), connection)

    def _prepare(self, connection: pq.abc.PGconn, known: set[bytes]) -> None:
        if self._name in known:
            return
        result = connection.prepare(self._name, self._text)
        if _state(result) != _THERE_ALREADY:
            _checked(result, connection)
        known.add(self._name)


class Bare:
    """A pooled connection of the driver's own. Each statement is its own transaction."""

    def __init__(self, connection: Any, known: set[bytes]) -> None:
        self._connection = connection
        self._known = known

    def rows(self, statement: Prepared, parameters: Sequence[str | None] = ()) -> list[dict[str, Any]]:
        """The rows by column name, times in UTC."""
        given = [None if each is None else each.encode() for each in parameters]
        result = statement.execute(self._connection.pgconn, self._known, given)
        names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
        loaded = Transformer(self._connection)
        loaded.set_pgresult(result)
        return [dict(zip(names, row, strict=True)) for row in loaded.load_rows(0, result.ntuples, _in_utc)]


@contextmanager
def bare(engine: Engine) -> Iterator[Bare]:
    """A connection of the pool that is alive, as the driver made it. Raises SQLAlchemy's `DBAPIError`."""
    try:
        pooled = engine.raw_connection()
        while not is_open(pooled.driver_connection.pgconn):  # type: ignore[union-attr]
            pooled.invalidate()
            pooled = engine.raw_connection()
    except psycopg.Error as error:
        raise DBAPIError(None, None, error) from error
    connection: Any = pooled.driver_connection
    try:
        yield Bare(connection, pooled.info.setdefault("prepared", set()))
    except psycopg.Error as error:
        if connection.pgconn.status != pq.ConnStatus.OK:
            pooled.invalidate()
        raise DBAPIError(None, None, error) from error
    finally:
        pooled.close()


def is_open(connection: pq.abc.PGconn) -> bool:
    """False where the server has said goodbye, or is gone: an idle connection has nothing to read but that."""
    try:
        connection.consume_input()
        connection.is_busy()  # reads what came: a farewell comes in two pieces
        connection.consume_input()
    except psycopg.Error:
        return False
    return connection.status == pq.ConnStatus.OK


def _in_utc(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(each.astimezone(UTC) if isinstance(each, datetime) else each for each in values)


def _state(result: pq.abc.PGresult) -> str | None:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    return state.decode() if state else None


def _checked(result: pq.abc.PGresult, connection: pq.abc.PGconn) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    if connection.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError("the connection to the database was lost")
    raise error_from_result(result)
