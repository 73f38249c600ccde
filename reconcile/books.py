"""What is here against what the provider has booked, by UTC day, currency and part. Pure.

A provider's books are its own: they name objects, days and currencies as its bank needs them. So an object is counted on the
day that its row counts it on, however late it was booked, and only where the books speak of the row's currency. Both sides
must have come to rest: what moved after all events are known, or changed here after the books were read, is left out of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from reconcile.money import PARTS, STANDING, day_of
from service.book_port import RowKind
from service.store.book_rows import Held

KINDS: Final[tuple[RowKind, ...]] = ("payment", "refund", "dispute")
_SIGN: Final[Mapping[RowKind, int]] = {"payment": 1, "refund": -1, "dispute": -1}
# What was booked, and must have been booked back by now. Not so what a payment tried: another attempt may have its place; nor
# a dispute that was closed without a verdict: whether it took anything the provider does not tell.
_RETURNED: Final[Mapping[RowKind, frozenset[str]]] = {
    "payment": frozenset(),
    "refund": frozenset({"failed", "canceled", "reversed"}),
    "dispute": frozenset({"won"}),
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """All that is booked of one object: the sum of its movements in one currency, and when the first and the last were."""

    source_id: str
    currency: str
    amount: int
    first_at: datetime
    last_at: datetime


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

    `objects` are those that the books name, `unsettled` those among them that have not come to rest.
    """

    since: str | None
    until: str
    objects: int
    unsettled: int
    exchanged: list[Exchanged]
    differences: list[Difference]


class Count:
    """Adds up both sides. `since` and `until` are days, both included.

    All that happened until `known` is here, and the books are those of `read`.
    """

    def __init__(self, since: str | None, until: str, *, known: datetime, read: datetime) -> None:
        self._since, self._until, self._known, self._read = since, until, known, read
        self._booked: dict[tuple[str, str, str], int] = {}
        self._here: dict[tuple[str, str, str], int] = {}
        self._exchanged: dict[tuple[str, str], tuple[int, int]] = {}
        self._objects = self._unsettled = 0

    def here(self, kind: RowKind, day: str, currency: str, amount: int) -> None:
        """Money that rows say has moved."""
        _add(self._here, (day, currency, PARTS[kind]), amount)

    def leave_out(self, kind: RowKind, row: Held) -> None:
        """Take a row's money out of what is here."""
        if row.counts and row.moment is not None and self._covers(row.moment):
            self.here(kind, day_of(row.moment), str(row.currency), -(row.amount or 0))

    def booked(self, kind: RowKind, source: Source, row: Held | None) -> None:
        """What is booked of an object whose row is `row`, or that has none."""
        moment = source.first_at if row is None or row.moment is None else row.moment
        amount = _SIGN[kind] * source.amount
        # What came back before anything went out did so earlier than the books were read from.
        if not self._covers(moment) or (row is None and amount < 0):
            return
        self._objects += 1
        if source.last_at > self._known or (row is not None and not self._settled(kind, row)):
            self._unsettled += 1
        elif row is not None and row.currency not in (None, source.currency):
            self._exchange(kind, source, row)
        else:
            _add(self._booked, (day_of(moment), source.currency, PARTS[kind]), amount)
            return
        if row is not None:
            self.leave_out(kind, row)

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

    def _covers(self, moment: datetime) -> bool:
        day = day_of(moment)
        return day <= self._until and (self._since is None or day >= self._since)

    def _settled(self, kind: RowKind, row: Held) -> bool:
        return row.as_of <= self._read and row.status in STANDING[kind] | _RETURNED[kind]

    def _exchange(self, kind: RowKind, source: Source, row: Held) -> None:
        key = str(row.currency), source.currency
        objects, sum_ = self._exchanged.get(key, (0, 0))
        self._exchanged[key] = objects + 1, sum_ + _SIGN[kind] * (row.amount or 0) * row.counts


def _add(sums: dict[tuple[str, str, str], int], key: tuple[str, str, str], amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _difference(key: tuple[str, str, str], booked: int, here: int) -> Difference:
    day, currency, part = key
    return Difference(day=day, currency=currency, part=part, booked=booked, here=here, difference=booked - here)
