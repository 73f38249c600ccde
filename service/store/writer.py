"""The committing thread's own connection: stores batches of deliveries with as little as possible between them and the disk.

One statement and one commit a batch, over the driver itself. A connection that was lost is opened again with the next
batch; the batch that met the loss has failed, and its requests are answered so.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result
from sqlalchemy.exc import SQLAlchemyError

from service.store import inbox, insert
from service.store.arrays import instant, pack
from service.store.delivery import Delivery
from service.store.engine import Database, is_data_error
from service.store.inbox import Found, Receipt

ERRORS: Final = (psycopg.Error, sqlite3.Error, SQLAlchemyError, UnicodeEncodeError)
_TEXT: Final = insert.postgres("${n}", f"${len(insert.TYPES) + 1}").encode()
# Named by its text: behind a pooler another process may have prepared it on the connection that we are handed.
_NAME: Final = b"tallyhook_" + hashlib.sha256(_TEXT).hexdigest()[:24].encode()
_BINARY: Final = [1] * (len(insert.TYPES) + 1)
_THERE_ALREADY: Final = "42P05"
# No such prepared statement, or one that a migration made stale: nothing was executed.
_UNUSABLE: Final = ("26000", "0A000")


class Writer:
    """Stores deliveries for one thread. Whatever `store` raises is one of `ERRORS`, and then nothing may be acknowledged."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Any = None
        self._prepared = False
        self._may_prepare = True

    def store(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """What `inbox.store` does, in a transaction of its own: durable when this returns."""
        now = self._database.now()
        if any(delivery.envelope.content_key is not None for delivery in deliveries):
            with self._database.write() as connection:  # a second key takes more than one statement
                return inbox.store(connection, deliveries, now)
        folded = inbox.fold(deliveries)
        try:
            found = self._postgres(folded, now) if self._database.postgres else self._sqlite(folded, now)
        except ERRORS as error:
            if not is_data_error(error):
                self.close()
            raise
        return inbox.receipts(deliveries, found)

    def close(self) -> None:
        """Give the connection back; the next batch opens another."""
        held, self._held, self._prepared = self._held, None, False
        if held is not None:
            held.close()

    def _sqlite(self, deliveries: Sequence[Delivery], now: datetime) -> Found:
        if self._held is None:
            self._held = self._database.hold()
        self._held.execute("BEGIN IMMEDIATE")
        try:
            found = inbox.store_sqlite(self._held, deliveries, now)
            self._held.execute("COMMIT")
        except BaseException:
            if self._held.in_transaction:
                self._held.execute("ROLLBACK")
            raise
        return found

    def _postgres(self, deliveries: Sequence[Delivery], now: datetime) -> Found:
        columns = insert.columns(deliveries)
        parameters = [pack(type_, column) for type_, column in zip(insert.TYPES, columns, strict=True)]
        parameters.append(instant(now))
        result = self._execute(self._alive(), parameters)
        value = result.get_value
        return {
            (_text(value(row, 1)), _text(value(row, 2))): Receipt(
                int(value(row, 0) or b"0"), "stored" if value(row, 3) == b"t" else "duplicate"
            )
            for row in range(result.ntuples)
        }

    def _alive(self) -> pq.abc.PGconn:
        """The connection, a new one where the server has closed the old: nothing has been sent, so nothing is in doubt."""
        if self._held is not None and not _open(self._held.pgconn):
            self.close()
        if self._held is None:
            self._held = self._database.hold()
        connection: pq.abc.PGconn = self._held.pgconn
        return connection

    def _execute(self, connection: pq.abc.PGconn, parameters: list[bytes]) -> pq.abc.PGresult:
        # One statement outside a transaction: it commits by itself, and its result comes when it is durable.
        if self._may_prepare and self._prepare(connection):
            result = connection.exec_prepared(_NAME, parameters, _BINARY)
            if _state(result) not in _UNUSABLE:
                return _checked(result, connection)
            self._may_prepare = self._prepared = False
        return _checked(connection.exec_params(_TEXT, parameters, param_formats=_BINARY), connection)

    def _prepare(self, connection: pq.abc.PGconn) -> bool:
        if not self._prepared:
            result = connection.prepare(_NAME, _TEXT)
            if _state(result) != _THERE_ALREADY:
                _checked(result, connection)
            self._prepared = True
        return True


def _open(connection: pq.abc.PGconn) -> bool:
    """False where the server has said goodbye, or is gone: an idle connection has nothing to read but that."""
    try:
        connection.consume_input()
        connection.is_busy()  # reads what came: a farewell comes in two pieces
        connection.consume_input()
    except psycopg.Error:
        return False
    return connection.status == pq.ConnStatus.OK


def _state(result: pq.abc.PGresult) -> str | None:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    return state.decode() if state else None


def _checked(result: pq.abc.PGresult, connection: pq.abc.PGconn) -> pq.abc.PGresult:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return result
    if connection.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError("the connection to the database was lost")
    raise error_from_result(result)


def _text(value: bytes | None) -> str:
    return (value or b"").decode()
