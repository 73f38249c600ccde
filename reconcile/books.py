"""What is here against what the provider has booked, by UTC day, currency and part. Pure.

A provider's books are its own: they name objects, days and currencies as its bank needs them. So an object is counted on the
day that its row counts it on, however late it was booked, and only where the books speak of the row's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from reconcile.money import PARTS, STANDING, day_of
from service.book_port import BookedKind
from service.store.book_rows import Held

KINDS: Final[tuple[BookedKind, ...]] = ("payment", "refund", "dispute")
_SIGN: Final[Mapping[BookedKind, int]] = {"payment": 1, "refund": -1, "dispute": -1}
# What ended without moving money in the end: where it was booked it has been booked back. Any other status may still move.
_ENDED: Final[Mapping[BookedKind, frozenset[str]]] = {
    "payment": frozenset({"failed", "canceled"}),
    "refund": frozenset({"failed", "canceled", "reversed"}),
    "dispute": frozenset({"won", "closed"}),
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """All that is booked of one object: the sum of its movements in one currency, and when the first of them was booked."""

    kind: BookedKind
    source_id: str
    currency: str
    amount: int
    first_at: datetime


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one day, currency and part that is booked but not here (`difference` above 0), or here but not booked."""

    day: str
    currency: str
    part: str
    booked: int
    here: int
    difference: int


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """Objects in `currency` that the provider booked in another one: their `amount` here is compared with nothing."""

    currency: str
    booked_in: str
    objects: int
    amount: int


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. It covers whole UTC days, `since` (the beginning, if None) to `until`, both included.

    `objects` are those that the books name, `unsettled` those among them that may still succeed or fail.
    """

    since: str | None
    until: str
    objects: int
    unsettled: int
    exchanged: list[Exchanged]
    differences: list[Difference]


class Count:
    """Adds up both sides. `since` and `until` are days, both included."""

    def __init__(self, since: str | None, until: str) -> None:
        self._since, self._until = since, until
        self._booked: dict[tuple[str, str, str], int] = {}
        self._here: dict[tuple[str, str, str], int] = {}
        self._exchanged: dict[tuple[str, str], tuple[int, int]] = {}
        self._objects = self._unsettled = 0

    def here(self, kind: BookedKind, day: str, currency: str, amount: int) -> None:
        """Money that rows say has moved."""
        _add(self._here, (day, currency, PARTS[kind]), amount)

    def booked(self, source: Source, row: Held | None) -> None:
        """What is booked of an object whose row is `row`, or that has none."""
        day = day_of(source.first_at if row is None or row.moment is None else row.moment)
        if day > self._until or (self._since is not None and day < self._since):
            return
        self._objects += 1
        if row is not None and row.status not in STANDING[source.kind] | _ENDED[source.kind]:
            self._unsettled += 1
        elif row is not None and row.currency not in (None, source.currency):
            self._other_currency(source, row, day)
        else:
            key = day, source.currency, PARTS[source.kind]
            _add(self._booked, key, _SIGN[source.kind] * source.amount)

    def result(self) -> Books:
        """What was found, the oldest day first."""
        exchanged = [
            Exchanged(currency=currency, booked_in=booked_in, objects=objects, amount=amount)
            for (currency, booked_in), (objects, amount) in sorted(self._exchanged.items())
        ]
        keys = sorted(self._booked.keys() | self._here.keys())
        sums = ((key, self._booked.get(key, 0), self._here.get(key, 0)) for key in keys)
        return Books(
            since=self._since, until=self._until, objects=self._objects, unsettled=self._unsettled, exchanged=exchanged,
            differences=[_difference(key, booked, here) for key, booked, here in sums if booked != here],
        )  # fmt: skip

    def _other_currency(self, source: Source, row: Held, day: str) -> None:
        amount, currency = row.amount or 0, str(row.currency)
        standing = row.moment is not None and row.status in STANDING[source.kind]
        if standing:
            _add(self._here, (day, currency, PARTS[source.kind]), -amount)
        objects, sum_ = self._exchanged.get((currency, source.currency), (0, 0))
        self._exchanged[currency, source.currency] = objects + 1, sum_ + _SIGN[source.kind] * amount * standing


def _add(sums: dict[tuple[str, str, str], int], key: tuple[str, str, str], amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _difference(key: tuple[str, str, str], booked: int, here: int) -> Difference:
    day, currency, part = key
    return Difference(day=day, currency=currency, part=part, booked=booked, here=here, difference=booked - here)
