"""Moments as Lemon Squeezy writes them, and the calendar arithmetic of billing periods, in UTC."""

from calendar import monthrange
from datetime import UTC, datetime

_SECONDS = {"day": 86_400, "week": 7 * 86_400}
_LONGEST = {"day": 86_400, "week": 7 * 86_400, "month": 31 * 86_400, "year": 366 * 86_400}
UNITS = ("day", "week", "month", "year")


def stamp(moment: int) -> str:
    """Unix seconds as `2026-09-21T12:53:20.000000Z`: six decimals that are always zero."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def unix(text: str) -> int:
    """Unix seconds of an ISO 8601 time; one without a zone is UTC.

    Raises:
        ValueError: it is not a time, or it is before 1970 or after 9998.
    """
    moment = datetime.fromisoformat(text)
    if not 1970 < moment.year < 9999:
        raise ValueError(f"no such year: {text}")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def day_of(moment: int) -> int:
    """The day of the month, 1 to 31."""
    return datetime.fromtimestamp(moment, UTC).day


def moved(anchor: int, unit: str, count: int) -> int:
    """`anchor` (unix seconds) and `count` units; a day that the month lacks becomes its last day."""
    if unit in _SECONDS:
        return anchor + count * _SECONDS[unit]
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_after(anchor: int, unit: str, step: int, moment: int) -> int:
    """The first end of a period after `moment`, counted from the anchor so that the 31st comes back after February."""
    turns = max((moment - anchor) // (_LONGEST[unit] * step), 0)
    end = moved(anchor, unit, turns * step)
    while end <= moment:
        turns += 1
        end = moved(anchor, unit, turns * step)
    return end


def next_day(moment: int, day: int) -> int:
    """The next time after `moment` that a month's day is `day`, or its last day in a month that is shorter."""
    start = datetime.fromtimestamp(moment, UTC)
    year, month = start.year, start.month
    while True:
        last = monthrange(year, month)[1]
        found = int(start.replace(year=year, month=month, day=min(day, last)).timestamp())
        if found > moment:
            return found
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
