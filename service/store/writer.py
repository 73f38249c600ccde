"""The committing thread's own connection: stores batches of deliveries with as little as possible between them and the disk.

One statement and one commit a batch, over the driver itself. A connection that was lost is opened again with the next
batch; the batch that met the loss has failed, and its requests are answered so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import pq
from sqlalchemy.exc import SQLAlchemyError

from service.store import inbox, insert
from service.store.arrays import instant, pack
from service.store.delivery import Delivery
from service.store.engine import Database, is_data_error
from service.store.inbox import Found, Receipt
from service.store.native import Prepared, is_open

ERRORS: Final = (psycopg.Error, sqlite3.Error, SQLAlchemyError, UnicodeEncodeError)
_TEXT: Final = insert.postgres("${n}", f"${len(insert.TYPES) + 1}")


class Writer:
    """Stores deliveries for one thread. Whatever `store` raises is one of `ERRORS`, and then nothing may be acknowledged."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Any = None
        self._insert = Prepared(_TEXT)
        self._known: set[bytes] = set()

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
        held, self._held, self._known = self._held, None, set()
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
        # One statement outside a transaction: it commits by itself, and its result comes when it is durable.
        connection = self._alive()
        result = self._insert.execute(connection, self._known, parameters)
        value = result.get_value
        return {
            (_text(value(row, 1)), _text(value(row, 2))): Receipt(
                int(value(row, 0) or b"0"), "stored" if value(row, 3) == b"t" else "duplicate"
            )
            for row in range(result.ntuples)
        }

    def _alive(self) -> pq.abc.PGconn:
        """The connection, a new one where the server has closed the old: nothing has been sent, so nothing is in doubt."""
        if self._held is not None and not is_open(self._held.pgconn):
            self.close()
        if self._held is None:
            self._held = self._database.hold()
        connection: pq.abc.PGconn = self._held.pgconn
        return connection


def _text(value: bytes | None) -> str:
    return (value or b"").decode()
