"""Which period usage belongs to. Pure.

A period is half-open, [start, end), in UTC: usage at the moment of a boundary belongs to the period that begins then. The
periods are those of the customer's subscription, as far as the copy knows them, now and earlier; usage at a time at which
no subscription ran belongs to the calendar month, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

OLDEST: Final = timedelta(days=35)
"""Older usage is refused: no provider takes it with its own time, and it was billed without it."""


class Period(msgspec.Struct, frozen=True, order=True):
    """[start, end) in UTC. `end` is None while it is not known: the next period begins with the renewal."""

    start: datetime
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """True if `at` lies in it."""
        return self.start <= at and (self.end is None or at < self.end)

    def over(self, now: datetime, grace: timedelta) -> bool:
        """True once it has been over for longer than `grace`."""
        return self.end is not None and self.end + grace < now


class Item(msgspec.Struct, frozen=True):
    """One price of a subscription, as far as it matters here."""

    id: str
    price_id: str | None
    metered: bool


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription's periods: `starts` are those that are known, sorted; the last one ends at `end`.

    `ended_at` is when the subscription was over, if it is; `live` says that it can be billed now. `offer_id` is what it was
    bought as, where that is not a price.
    """

    subscription_id: str
    currency: str | None
    starts: tuple[datetime, ...]
    end: datetime | None
    ended_at: datetime | None
    live: bool
    items: tuple[Item, ...]
    offer_id: str | None = None

    def at(self, moment: datetime) -> Period | None:
        """The period that holds `moment`; one that begins where the last known one ends has no end yet."""
        over = self.ended_at
        if not self.starts or moment < self.starts[0] or (over is not None and moment >= over):
            return None
        if self.end is not None and moment >= self.end:
            return Period(self.end, over)
        place = sum(1 for start in self.starts if start <= moment)
        following = self.starts[place] if place < len(self.starts) else self.end
        ends = [each for each in (following, over) if each is not None]
        return Period(self.starts[place - 1], min(ends, default=None))

    def item(self, prices: Sequence[str]) -> Item | None:
        """The item that a meter is told for: the one of its prices, else the first metered one, else the first."""
        if prices and self.offer_id not in prices:
            return next((each for each in self.items if each.price_id in prices), None)
        return next((each for each in self.items if each.metered), next(iter(self.items), None))


class Place(msgspec.Struct, frozen=True):
    """Where usage is counted: a period, the subscription that it is a period of, and whether its own was over already."""

    period: Period
    course: Course | None
    late: bool = False


def place(
    courses: Iterable[Course], at: datetime, now: datetime, grace: timedelta | None, prices: Sequence[str]
) -> Place:
    """Where usage of the time `at` is counted.

    Usage that comes when its own period has been over for longer than `grace` is counted in the one that runs `now`, since
    nothing would ever bill it otherwise. Without a `grace` it stays in its own.
    """
    ranked = _ranked(courses, prices)
    own = _natural(ranked, at)
    if grace is None or not own.period.over(now, grace):
        return own
    current = _natural(ranked, now)
    return Place(current.period, current.course, late=True)


def month(at: datetime) -> Period:
    """The calendar month that holds `at`, in UTC."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(first, (first + timedelta(days=32)).replace(day=1))


def starts(
    began: datetime | None, told_starts: Iterable[datetime], told_ends: Iterable[datetime]
) -> tuple[datetime, ...]:
    """The starts of a subscription's periods, from all that its row and history say.

    A provider that tells ends alone has a period begin where another ends. Where a renewal was never seen, the two periods
    around it count as one.
    """
    found = {*told_starts} or {*told_ends}
    if began is not None and (not found or began < min(found)):
        found.add(began)
    return tuple(sorted(found))


def _ranked(courses: Iterable[Course], prices: Sequence[str]) -> list[Course]:
    """Those that carry one of the prices first, then those with a metered item, then the live ones, then the newest."""

    def rank(course: Course) -> tuple[bool, bool, bool, float, str]:
        item = course.item(prices)
        began = course.starts[0].timestamp() if course.starts else 0.0
        return not (prices and item), not (item and item.metered), not course.live, -began, course.subscription_id

    return sorted(courses, key=rank)


def _natural(ranked: Sequence[Course], at: datetime) -> Place:
    for course in ranked:
        period = course.at(at)
        if period is not None:
            return Place(period, course)
    return Place(month(at), None)
