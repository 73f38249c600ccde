"""What is booked of each object, added up in a temporary file: memory stays flat however many there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from reconcile.books import Source
from service.book_port import Booked, BookedKind
from service.instants import micros, moment

_TABLE: Final = """
CREATE TABLE booked (
    kind TEXT, source_id TEXT, currency TEXT, amount INTEGER, first_at INTEGER, last_at INTEGER,
    PRIMARY KEY (kind, source_id, currency)
) WITHOUT ROWID
"""
_ADD: Final = (
    "INSERT INTO booked VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount,"
    " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)"
)
_NEXT: Final = (
    "SELECT source_id, currency, amount, first_at, last_at FROM booked WHERE kind = ? AND (source_id, currency) > (?, ?)"
    " ORDER BY source_id, currency LIMIT ?"
)


class Sources:
    """The sums by object. The file has no name, and is gone once it is closed."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.execute(_TABLE)

    def add(self, entries: Iterable[Booked]) -> None:
        """Add movements to their objects."""
        moved = ((each, micros(each.created_at)) for each in entries)
        rows = ((each.kind, each.source_id, each.currency, each.amount, at, at) for each, at in moved)
        self._db.executemany(_ADD, rows)

    def follow(self, source: Source, charge_id: str) -> None:
        """Add what a payment did not keep to the payment of this charge."""
        times = micros(source.first_at), micros(source.last_at)
        self._db.execute(_ADD, ("payment", charge_id, source.currency, source.amount, *times))

    def batches(self, kind: BookedKind, size: int) -> Iterator[list[Source]]:
        """The objects of a kind, in batches."""
        last = ("", "")
        while rows := self._db.execute(_NEXT, (kind, *last, size)).fetchall():
            last = rows[-1][:2]
            yield [
                Source(
                    source_id=row[0], currency=row[1], amount=row[2], first_at=moment(row[3]), last_at=moment(row[4])
                )
                for row in rows
            ]

    def close(self) -> None:
        """Forget them."""
        self._db.close()
