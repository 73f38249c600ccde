"""Billing periods: calendar arithmetic from an anchor, in UTC."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Any

_SECONDS = {"day": 86_400, "week": 7 * 86_400}


def moved(anchor: int, interval: str, count: int) -> int:
    """`anchor` (unix seconds) and `count` intervals; a day that the month lacks becomes its last day."""
    if interval in _SECONDS:
        return anchor + count * _SECONDS[interval]
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_after(anchor: int, recurring: dict[str, Any], start: int) -> int:
    """The first end of a period after `start`, counted from the anchor so that the 31st comes back after February."""
    interval, step = recurring["interval"], recurring["interval_count"]
    longest = _SECONDS.get(interval) or (31 if interval == "month" else 366) * 86_400
    turns = max((start - anchor) // (longest * step), 0)
    end = moved(anchor, interval, turns * step)
    while end <= start:
        turns += 1
        end = moved(anchor, interval, turns * step)
    return end
